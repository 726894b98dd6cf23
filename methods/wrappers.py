"""Wrappers around a method that are recorded as such: in tiles, and over the eight flips and rotations."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le

Side = Annotated[int, Ge(1), Le(2**16)]
Margin = Annotated[int, Ge(0), Le(2**12)]


@nb.method("tiled", layout="hwc", tiled=True)
class Tiled:
    """Call `method` on tiles, for pictures that are too large for it at once.

    Each tile gives a square of `size` pixels of the result, and is restored with `overlap` more pixels on each
    side, which are then cut off: a method that looks no further than `overlap` gives what it gives untiled.
    For a network that works on blocks or a coarser grid, both are to be multiples of its step (8, 16, …). A
    picture of no more than `size` pixels a side is restored whole.
    """

    def __init__(self, *, method: nb.MethodSpec, size: Side = 256, overlap: Margin = 32) -> None:
        self.inner = wrapped("tiled", method)
        self.size = size
        self.overlap = overlap

    @staticmethod
    def weight_files(method: Any, size: int, overlap: int) -> dict[str, str]:
        """Nothing of its own. Raises `UsageError` for a method that cannot be wrapped."""
        refuse_unwrappable("tiled", method)
        return {}

    def setup(self, device: Any) -> None:
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        height, width = noisy.shape[:2]
        if max(height, width) <= self.size:
            return apply(self.inner, noisy, info)
        scale = info.scale or 1
        if scale != int(scale):
            raise nb.Skip(f"tiles need a whole scale, this is {scale}")
        scale = int(scale)
        whole = info.shape if info.scale else (height, width)
        restored = np.empty((*whole, noisy.shape[2]), np.float32)
        tiles = product(spans(height, self.size, self.overlap), spans(width, self.size, self.overlap))
        for number, (rows, columns) in enumerate(tiles):
            (top, bottom, above, below), (left, right, before, after) = rows, columns
            # The far border of a picture whose sides are no multiple of the scale ends within a low-resolution pixel.
            into = np.s_[top * scale : bottom * scale, left * scale : right * scale]
            shape = (min(below * scale, whole[0]) - above * scale, min(after * scale, whole[1]) - before * scale)
            told = info.stream(number).replace(shape=shape, mask=cut(info.mask, above, below, before, after))
            if info.boundary == "circular":
                # A part of a torus is not one: what lies beyond its border is somewhere else.
                told = told.replace(boundary="reflect")
            tile = apply(self.inner, np.ascontiguousarray(noisy[above:below, before:after]), told)
            place = restored[into]
            down, across = (top - above) * scale, (left - before) * scale
            place[:] = tile[down : down + place.shape[0], across : across + place.shape[1]]
        return restored


@nb.method("ensemble", layout="hwc", self_ensemble=True, cite="R. Timofte et al., Seven ways to improve, CVPR 2016")
class Ensemble:
    """The mean of what `method` gives for the eight flips and rotations of a picture, each turned back.

    Masks and kernels are turned with the picture. What is bound to a grid or a direction (JPEG blocks, `nearest`
    downsampling by an even factor) is turned away from it.
    """

    def __init__(self, *, method: nb.MethodSpec) -> None:
        self.inner = wrapped("ensemble", method)

    @staticmethod
    def weight_files(method: Any) -> dict[str, str]:
        """Nothing of its own. Raises `UsageError` for a method that cannot be wrapped."""
        refuse_unwrappable("ensemble", method)
        return {}

    def setup(self, device: Any) -> None:
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        if info.scale and info.shape != tuple(round(side * info.scale) for side in noisy.shape[:2]):
            raise nb.Skip(f"flips need sides that are multiples of the scale {info.scale}, not {info.shape}")
        total: Any = 0.0
        for number, (turns, mirrored) in enumerate(product(range(4), (False, True))):
            told = info.stream(number).replace(
                shape=info.shape and (info.shape[::-1] if turns % 2 else info.shape),
                mask=None if info.mask is None else turn(np.asarray(info.mask), turns, mirrored),
                kernel=None if info.kernel is None else turn(odd(np.asarray(info.kernel)), turns, mirrored),
            )
            restored = apply(self.inner, turn(noisy, turns, mirrored), told)
            total = total + turn_back(restored, turns, mirrored).astype(np.float64)
        return (total / 8).astype(np.float32)


def refuse_unwrappable(name: str, method: Any) -> None:
    """Raise `UsageError` for a method that knows which picture it is given: a part or a turned one is another."""
    for entry in method.entries:
        if entry.meta["named"] or entry.meta["oracle"]:
            raise nb.UsageError(f"{name} cannot wrap {entry.name}, which looks up whole pictures: name it by itself")


def wrapped(name: str, method: Any) -> nb.Restorer:
    """The method within, ready to be set up."""
    refuse_unwrappable(name, method)
    return nb.Restorer(method)


def apply(inner: nb.Restorer, noisy: Any, info: Any) -> Any:
    """`noisy` (H, W, C) restored, of the size that `info` wants. Raises what the method raises, and `Skip`."""
    size = info.shape if info.scale else noisy.shape[:2]
    return inner.restore(noisy, info, (*size, noisy.shape[2]))


def spans(n: int, size: int, overlap: int) -> Iterator[tuple[int, int, int, int]]:
    """Begin and end of each tile along an axis of `n` pixels, without and with its context."""
    for begin in range(0, n, size):
        end = min(begin + size, n)
        yield begin, end, max(begin - overlap, 0), min(end + overlap, n)


def cut(mask: Any, top: int, bottom: int, left: int, right: int) -> Any:
    """The part of a mask (H, W[, C]); None stays None."""
    return None if mask is None else np.ascontiguousarray(np.asarray(mask)[top:bottom, left:right])


def odd(kernel: Any) -> Any:
    """The same kernel with odd sides: its centre k // 2 is then in the middle, and stays when it is turned."""
    return np.pad(kernel, [(0, 1 - side % 2) for side in kernel.shape])


def turn(picture: Any, turns: int, mirrored: bool) -> Any:
    """Mirrored left to right, if so, then turned by `turns` quarters: axes 0 and 1."""
    return np.ascontiguousarray(np.rot90(np.flip(picture, 1) if mirrored else picture, turns))


def turn_back(picture: Any, turns: int, mirrored: bool) -> Any:
    """The inverse of `turn`."""
    back = np.rot90(picture, -turns)
    return np.flip(back, 1) if mirrored else back
