from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Le
from noisebench.datasets.restore._synthetic import Count, Size, Synthetic

_FINER = 2
"""Pictures are drawn so many times as fine, and averaged."""
_WAVES = 40
"""Waves that make a tissue uneven."""


@nb.dataset("kspace_phantom", licence="CC0-1.0 (made here)")
def kspace_phantom(
    *, n: Count = 20, size: Size = 64, seed: Annotated[int, Ge(0)] = 0, organs: Annotated[int, Ge(0), Le(256)] = 12
) -> Synthetic:
    """Slices of a body that does not exist: ellipses of smooth tissue on black, as MRI shows them.

    A body with a brighter rim holds `organs` ellipses, each of one tone between 0.15 and 0.95 that varies smoothly by
    about 8 %, in waves of a half to a thirtieth of its side. Grey, real, float32 on [0, 1]. `seed` makes another set.
    """

    def draw(rng: np.random.Generator) -> tuple[Any, dict[str, Any]]:
        return _slice(rng, size, organs), {}

    return Synthetic("kspace_phantom", n, f"kspace_phantom|size={size}|seed={seed}|organs={organs}", draw)


def _slice(rng: np.random.Generator, size: int, organs: int) -> npt.NDArray[np.float64]:
    grid = (np.arange(size * _FINER) + 0.5) / (size * _FINER) * 2 - 1
    y, x = grid[:, None], grid[None, :]

    def ellipse(centre: Any, axes: Any, angle: float) -> npt.NDArray[np.float64]:
        """The squared distance from the centre, 1 at the border."""
        along = np.cos(angle) * (x - centre[0]) + np.sin(angle) * (y - centre[1])
        across = np.cos(angle) * (y - centre[1]) - np.sin(angle) * (x - centre[0])
        return np.asarray((along / axes[0]) ** 2 + (across / axes[1]) ** 2)

    axes, angle = rng.uniform(0.65, 0.9, 2), rng.uniform(0, np.pi)
    body = ellipse(rng.uniform(-0.05, 0.05, 2), axes, angle)
    tone = np.where(body < 1, rng.uniform(0.3, 0.6), 0.0)
    for _ in range(organs):
        reach, turn = 0.75 * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
        centre = reach * axes.min() * np.array([np.cos(turn), np.sin(turn)])
        organ = ellipse(centre, rng.uniform(0.04, 0.35, 2), rng.uniform(0, np.pi))
        tone = np.where((organ < 1) & (body < 0.85), rng.uniform(0.15, 0.95), tone)
    tone = np.where((body >= 0.85) & (body < 1), rng.uniform(0.7, 1.0), tone)
    picture = tone * (1 + 0.08 * _texture(rng, x, y))
    small = picture.reshape(size, _FINER, size, _FINER).mean(axis=(1, 3))
    # Sines differ in the last bits from machine to machine; on this grid the pixels do not.
    return np.asarray(np.rint(np.clip(small, 0, 1) * 2**20) / 2**20)


def _texture(rng: np.random.Generator, x: Any, y: Any) -> npt.NDArray[np.float64]:
    """Waves in all directions, the finer the weaker, of deviation 1 over all."""
    waves = np.exp(rng.uniform(np.log(2), np.log(30), _WAVES))
    turns, phases = rng.uniform(0, np.pi, _WAVES), rng.uniform(0, 2 * np.pi, _WAVES)
    strengths = waves**-0.5
    strengths /= np.sqrt((strengths**2).sum() / 2)
    total = np.zeros((y.size, x.size))
    for wave, turn, phase, strength in zip(waves, turns, phases, strengths, strict=True):
        total += strength * np.cos(np.pi * wave * (np.cos(turn) * x + np.sin(turn) * y) + phase)
    return total
