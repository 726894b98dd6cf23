from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.segment import MappedPicture

_CLASSES = ("background", "ellipse")
_FINER = 4
"""A pixel is the mean of so many points a side."""
_Grid = np.ndarray[Any, np.dtype[np.float64]]


class Ellipses:
    """Pictures of which each depends on its own number alone."""

    def __init__(self, n: int, size: int, split: str, seed: int) -> None:
        self._size, self._text = size, f"ellipses|size={size}|{split}|seed={seed}"
        self.ids: Sequence[str] = [f"ellipses_{split}_{i:05d}" for i in range(n)]

    def made(self, index: int) -> str:
        """What picture `index` is made of, and nothing else."""
        return f"{self._text}|{index}"

    def load(self, index: int) -> MappedPicture:
        """Picture `index`, float32 (size, size), and its map."""
        rng = nb.keyed_generator(nb.text_key(self.made(index)))
        size = self._size
        points = (np.arange(size * _FINER) + 0.5) / (size * _FINER)
        down, across = np.meshgrid(points, points, indexing="ij")
        picture = _ground(rng, down, across)
        for _ in range(int(rng.integers(1, 4))):
            picture[_bar(rng, down, across)] = rng.uniform(0.55, 0.85)
        centres = (np.arange(size) + 0.5) / size
        labels = np.zeros((size, size), bool)
        for _ in range(int(rng.integers(1, 3))):
            shape = _shape(rng)
            picture[_inside(shape, down, across)] = rng.uniform(0.55, 0.85)
            labels |= _inside(shape, *np.meshgrid(centres, centres, indexing="ij"))
        coarse = picture.reshape(size, _FINER, size, _FINER).mean(axis=(1, 3))
        return MappedPicture(
            self.ids[index], coarse.astype(np.float32), labels.astype(np.uint8), _CLASSES, background=0
        )


def _ground(rng: np.random.Generator, down: _Grid, across: _Grid) -> _Grid:
    """A dark ground with a slope and two slow waves, on about [0.1, 0.5]."""
    slope = rng.uniform(-0.1, 0.1, 2)
    ground: _Grid = 0.3 + slope[0] * (down - 0.5) + slope[1] * (across - 0.5)
    for _ in range(2):
        waves, phase = rng.uniform(-2, 2, 2), rng.uniform(0, 2 * np.pi)
        ground = ground + 0.04 * np.sin(2 * np.pi * (waves[0] * down + waves[1] * across) + phase)
    return ground


def _turned(rng: np.random.Generator, down: _Grid, across: _Grid) -> tuple[_Grid, _Grid]:
    """Coordinates about a drawn centre, along and across a drawn direction."""
    centre, angle = rng.uniform(0.1, 0.9, 2), rng.uniform(0, np.pi)
    y, x = down - centre[0], across - centre[1]
    return y * np.cos(angle) + x * np.sin(angle), x * np.cos(angle) - y * np.sin(angle)


def _bar(rng: np.random.Generator, down: _Grid, across: _Grid) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where a bar lies."""
    along, aside = _turned(rng, down, across)
    return (abs(along) < rng.uniform(0.15, 0.4)) & (abs(aside) < rng.uniform(0.03, 0.07))


def _shape(rng: np.random.Generator) -> tuple[float, ...]:
    """Centre, semi-axes and angle of an ellipse that lies within the picture."""
    axes = sorted(rng.uniform(0.1, 0.26, 2))
    centre = rng.uniform(axes[1], 1 - axes[1], 2)
    return float(centre[0]), float(centre[1]), float(axes[0]), float(axes[1]), float(rng.uniform(0, np.pi))


def _inside(shape: tuple[float, ...], down: _Grid, across: _Grid) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which points lie in an ellipse."""
    row, column, short, long, angle = shape
    y, x = down - row, across - column
    along, aside = y * np.cos(angle) + x * np.sin(angle), x * np.cos(angle) - y * np.sin(angle)
    inside: np.ndarray[Any, np.dtype[np.bool_]] = (along / long) ** 2 + (aside / short) ** 2 < 1
    return inside


@nb.dataset("ellipses", track="segment", licence="CC0-1.0 (made here)")
def ellipses(
    *,
    n: Annotated[int, Ge(1), Le(100_000)] = 100,
    size: Annotated[int, Ge(16), Le(1024)] = 48,
    split: Literal["test", "train"] = "test",
    seed: Annotated[int, Ge(0)] = 0,
) -> Ellipses:
    """Ellipses among bars of the same brightness, on an uneven ground: two classes, of which only the shape tells.

    One or two ellipses, semi-axes 0.1 to 0.26 of the side, before one to three bars. A pixel's grey is the mean of 16
    points; it is of the class `ellipse` where its centre lies in one. split, seed: other pictures; n: so many of them.
    """
    return Ellipses(n, size, split, seed)
