"""Clouds, frost and snow, drawn by key: nothing of them is a photograph."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from ....imaging.resample import fold
from ._digitise import Picture
from ._filters import filter_valid


def clouds(rng: np.random.Generator, height: int, width: int, decay: float) -> Picture:
    """A fractal of midpoints (diamond-square) on [0, 1], (H, W): each octave has 1/decay of the contrast before it."""
    side = 1 << max(1, math.ceil(math.log2(max(height, width, 2))))
    field = np.zeros((side, side))
    step, rough = side, 1.0
    while step >= 2:
        half = step // 2
        corners = field[::step, ::step]
        total = corners + np.roll(corners, -1, 0) + np.roll(corners, -1, 1) + np.roll(corners, (-1, -1), (0, 1))
        field[half::step, half::step] = total / 4 + rough * rng.uniform(-1, 1, corners.shape)
        middle = field[half::step, half::step]
        across = corners + np.roll(corners, -1, 1) + middle + np.roll(middle, 1, 0)
        down = corners + np.roll(corners, -1, 0) + middle + np.roll(middle, 1, 1)
        field[::step, half::step] = across / 4 + rough * rng.uniform(-1, 1, corners.shape)
        field[half::step, ::step] = down / 4 + rough * rng.uniform(-1, 1, corners.shape)
        step, rough = half, rough / decay
    field -= field.min()
    cut: Picture = field[:height, :width] / field.max()
    return cut


def frost(rng: np.random.Generator, height: int, width: int) -> Picture:
    """Bright veins between dark cells, thicker towards the edges of the picture, on [0, 1], (H, W)."""
    ridges = 1 - np.abs(2 * clouds(rng, height, width, 1.6) - 1)
    rows, columns = (np.abs(np.linspace(-1, 1, n)) for n in (height, width))
    veil = clouds(rng, height, width, 2.5) * (0.35 + 0.65 * np.maximum.outer(rows, columns))
    ice: Picture = np.clip(0.75 * ridges**4 + 0.6 * veil, 0, 1)
    return ice


def trail(radius: int, sigma: float, angle: float) -> Picture:
    """A line of 2 r + 1 pixels that fades from the centre, as something that moves away at `angle` degrees; sum 1.

    As ImageMagick's motion blur has it, (4r+1, 4r+1).
    """
    reach = 2 * radius
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    dx, dy = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    for i in range(reach + 1):
        row, column = (reach + math.ceil(i * step - 0.5) for step in (dy, dx))
        kernel[row, column] += math.exp(-(i**2) / (2 * sigma**2))
    return kernel / math.fsum(kernel.ravel())


def filtered(x: Picture, kernel: Picture, border: Literal["reflect", "edge"]) -> Picture:
    """(H, W, C) under a kernel of odd size; the border is mirrored at the last pixel, or repeated."""
    rows, columns = (side // 2 for side in kernel.shape)
    return filter_valid(np.pad(x, ((rows, rows), (columns, columns), (0, 0)), border), kernel)


def enlarged(x: Picture, factor: float) -> Picture:
    """The middle of (H, W, C), `factor` times as large, between pixels by lines, from corner to corner, and cut."""
    rows, columns = (_places(n, factor) for n in x.shape[:2])
    return between(x, rows[:, None], columns[None, :])


def _places(side: int, factor: float) -> Picture:
    """Where along one side the values of an enlarged picture come from."""
    crop = math.ceil(side / factor)
    large = max(round(crop * factor), side)
    places: Picture = np.arange(side, dtype=np.float64) + (large - side) // 2
    return (side - crop) // 2 + places * ((crop - 1) / max(large - 1, 1))


def between(x: Picture, rows: Picture, columns: Picture) -> Picture:
    """The values of (H, W, C) at places between its pixels, by lines; its border is mirrored."""
    top, before = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, across = (rows - top)[..., None], (columns - before)[..., None]
    (top, below), (before, after) = (
        [fold(low + i, side, "reflect") for i in (0, 1)] for low, side in ((top, x.shape[0]), (before, x.shape[1]))
    )
    upper = (1 - across) * x[top, before] + across * x[top, after]
    lower = (1 - across) * x[below, before] + across * x[below, after]
    values: Picture = (1 - down) * upper + down * lower
    return values


def snow(rng: np.random.Generator, height: int, width: int, settings: tuple[float, ...]) -> Picture:
    """Flakes that fall aslant, (H, W, 1): of mean and deviation, so many times as large, those above a threshold."""
    mean, spread, factor, threshold, radius, sigma, _ = settings
    flakes = enlarged((mean + spread * rng.standard_normal((height, width)))[:, :, None], factor)
    flakes = np.floor(np.where(flakes < threshold, 0.0, np.clip(flakes, 0, 1)) * 255) / 255
    return filtered(flakes, trail(round(radius), sigma, float(rng.uniform(-135, -45))), "edge")
