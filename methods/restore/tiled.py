from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.restore._wrapping import apply, refuse_unwrappable, wrapped

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
            (top, bottom, above, below), (leftmost, rightmost, before, after) = rows, columns
            # The far border of a picture whose sides are no multiple of the scale ends within a low-resolution pixel.
            into = np.s_[top * scale : bottom * scale, leftmost * scale : rightmost * scale]
            shape = (min(below * scale, whole[0]) - above * scale, min(after * scale, whole[1]) - before * scale)
            tile_info = info.stream(number).replace(shape=shape, mask=cut(info.mask, above, below, before, after))
            if info.boundary == "circular":
                # A part of a torus is not one: what lies beyond its border is somewhere else.
                tile_info = tile_info.replace(boundary="reflect")
            tile = apply(self.inner, np.ascontiguousarray(noisy[above:below, before:after]), tile_info)
            place = restored[into]
            down, across = (top - above) * scale, (leftmost - before) * scale
            place[:] = tile[down : down + place.shape[0], across : across + place.shape[1]]
        return restored


def spans(n: int, size: int, overlap: int) -> Iterator[tuple[int, int, int, int]]:
    """Begin and end of each tile along an axis of `n` pixels, without and with its context."""
    for begin in range(0, n, size):
        end = min(begin + size, n)
        yield begin, end, max(begin - overlap, 0), min(end + overlap, n)


def cut(mask: Any, top: int, bottom: int, leftmost: int, rightmost: int) -> Any:
    """The part of a mask (H, W[, C]); None stays None."""
    return None if mask is None else np.ascontiguousarray(np.asarray(mask)[top:bottom, leftmost:rightmost])
