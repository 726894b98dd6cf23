"""Clouds, frost and snow, drawn by key: nothing of them is a photograph."""

from __future__ import annotations

import math

import numpy as np

from ....imaging.resample import fold
from ._digitise import Picture
from ._filters import filter_valid, pad


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
    """A line that fades from the centre, as something that moves away at `angle` degrees: (2r+1, 2r+1), sum 1."""
    kernel = np.zeros((2 * radius + 3, 2 * radius + 3))
    dx, dy = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    for i in range(radius + 1):
        column, row = radius + 1 + i * dx, radius + 1 + i * dy
        left, top = math.floor(column), math.floor(row)
        across, down = column - left, row - top
        weight = math.exp(-(i**2) / (2 * sigma**2))
        for y, x, share in ((0, 0, (1 - down) * (1 - across)), (0, 1, (1 - down) * across),
                            (1, 0, down * (1 - across)), (1, 1, down * across)):  # fmt: skip
            kernel[top + y, left + x] += weight * share
    return kernel / math.fsum(kernel.ravel())


def filtered(x: Picture, kernel: Picture) -> Picture:
    """(H, W, C) under a kernel of odd size, its border mirrored."""
    return filter_valid(pad(x, kernel.shape[0] // 2, kernel.shape[1] // 2, "reflect"), kernel)


def enlarged(x: Picture, factor: float) -> Picture:
    """The middle of (H, W, C), `factor` times as large, between pixels by lines."""
    height, width = x.shape[:2]
    rows, columns = ((np.arange(n) - (n - 1) / 2) / factor + (n - 1) / 2 for n in (height, width))
    return between(x, rows[:, None], columns[None, :])


def between(x: Picture, rows: Picture, columns: Picture) -> Picture:
    """The values of (H, W, C) at places between its pixels, by lines; its border is mirrored."""
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, across = (rows - top)[..., None], (columns - left)[..., None]
    (top, below), (left, right) = (
        [fold(low + i, side, "reflect") for i in (0, 1)] for low, side in ((top, x.shape[0]), (left, x.shape[1]))
    )
    upper = (1 - across) * x[top, left] + across * x[top, right]
    lower = (1 - across) * x[below, left] + across * x[below, right]
    found: Picture = (1 - down) * upper + down * lower
    return found


def snow(rng: np.random.Generator, height: int, width: int, settings: tuple[float, ...]) -> Picture:
    """Flakes that fall aslant, (H, W, 1): of mean and deviation, so many times as large, those above a threshold."""
    mean, spread, factor, threshold, radius, sigma, _ = settings
    flakes = enlarged((mean + spread * rng.standard_normal((height, width)))[:, :, None], factor)
    flakes = np.where(flakes < threshold, 0.0, np.clip(flakes, 0, 1))
    return filtered(flakes, trail(round(radius), sigma, float(rng.uniform(-135, -45))))
