from __future__ import annotations

from itertools import product
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.restore._wrapping import apply, refuse_unwrappable, wrapped


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
            turned_info = info.stream(number).replace(
                shape=info.shape and (info.shape[::-1] if turns % 2 else info.shape),
                mask=None if info.mask is None else turn(np.asarray(info.mask), turns, mirrored),
                kernel=None if info.kernel is None else turn(odd(np.asarray(info.kernel)), turns, mirrored),
            )
            restored = apply(self.inner, turn(noisy, turns, mirrored), turned_info)
            total = total + turn_back(restored, turns, mirrored).astype(np.float64)
        return (total / 8).astype(np.float32)


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
