from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import noisebench as nb
import numpy as np
import numpy.typing as npt
from annotated_types import Ge
from noisebench.datasets.restore._synthetic import Count, Size

_FINER = 2
"""Pictures are drawn so many times as fine, and averaged."""
_SMALLEST = 1.2
"""The least radius of a leaf, in pixels."""
_LEAVES = 0.03
"""Leaves a pixel."""
_VERSION = 1


class DeadLeaves:
    """Pictures that are drawn when they are loaded; each depends on the text of `made` alone."""

    def __init__(self, n: int, size: int, seed: int, color: bool) -> None:
        self.ids: Sequence[str] = [f"dead_leaves_{i:0{max(3, len(str(n - 1)))}d}" for i in range(n)]
        self._size, self._color = size, color
        self._recipe = f"dead_leaves@{_VERSION}|size={size}|seed={seed}|color={color}"

    def made(self, index: int) -> str:
        """What picture `index` is made from."""
        return f"{self._recipe}|{range(len(self.ids))[index]}"

    def load(self, index: int) -> nb.Sample:
        """Picture `index`, uint8."""
        rng = nb.keyed_generator(nb.text_key(self.made(index)))
        return nb.Sample(self.ids[index], _picture(rng, self._size, 3 if self._color else 1))


@nb.dataset(
    "dead_leaves",
    version=_VERSION,
    licence="CC0-1.0 (made here)",
    citation="A. B. Lee, D. Mumford, J. Huang, Occlusion models for natural images, IJCV 41, 2001",
)
def dead_leaves(
    *, n: Count = 4000, size: Size = 64, seed: Annotated[int, Ge(0)] = 0, color: bool = False
) -> DeadLeaves:
    """Dead leaves: ellipses and rectangles that cover one another, an unlimited training set.

    Radii have density r^-2 from 1.2 pixels to a half of the picture; half of the leaves are shaded, a quarter striped.
    Grey, or RGB with `color`; 8 bit. `seed` makes another set.
    """
    return DeadLeaves(n, size, seed, color)


def _picture(rng: np.random.Generator, size: int, channels: int) -> npt.NDArray[np.uint8]:
    side = size * _FINER
    leaves = max(12, round(_LEAVES * size * size))
    canvas = np.full((side, side, channels), rng.uniform(0, 1, channels), np.float32)
    ends = 1 / (_SMALLEST * _FINER), 2 / side
    radii = 1 / (ends[0] + rng.uniform(size=leaves) * (ends[1] - ends[0]))
    centres = rng.uniform(0, side, (leaves, 2))
    shades = rng.uniform(0, 1, (leaves, channels)).astype(np.float32)
    angles = rng.uniform(0, np.pi, leaves)
    lengths = rng.uniform(1, 3, leaves)
    square, striped, shaded = (rng.uniform(size=leaves) < share for share in (0.3, 0.25, 0.5))
    periods = rng.uniform(2, 10, leaves) * _FINER
    slopes = rng.normal(0, 0.15, leaves)
    for leaf, radius in enumerate(radii):
        centre, reach = centres[leaf], radius * lengths[leaf] * (1.5 if square[leaf] else 1)
        low = np.maximum(0, (centre - reach).astype(int))
        high = np.minimum(side, (centre + reach).astype(int) + 2)
        rows, columns = np.arange(low[0], high[0])[:, None] - centre[0], np.arange(low[1], high[1])[None] - centre[1]
        cosine, sine = np.cos(angles[leaf]), np.sin(angles[leaf])
        along, across = (cosine * rows + sine * columns) / lengths[leaf], cosine * columns - sine * rows
        if square[leaf]:
            inside = np.maximum(np.abs(along), np.abs(across)) <= radius
        else:
            inside = along * along + across * across <= radius * radius
        relief = np.zeros(inside.shape, np.float32)
        if shaded[leaf]:
            relief += (slopes[leaf] / radius * along).astype(np.float32)
        if striped[leaf]:
            relief += (0.15 * np.sin(2 * np.pi * across / periods[leaf])).astype(np.float32)
        canvas[low[0] : high[0], low[1] : high[1]][inside] = (shades[leaf] + relief[:, :, None])[inside]
    fine = canvas.reshape(size, _FINER, size, _FINER, channels).mean(axis=(1, 3))
    dark, light = rng.uniform(0, 0.35), rng.uniform(0.65, 1)
    picture: npt.NDArray[np.uint8] = np.rint(np.clip(dark + (light - dark) * fine, 0, 1) * 255).astype(np.uint8)
    return picture[:, :, 0] if channels == 1 else picture
