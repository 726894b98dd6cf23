"""Shapes that cover a share of a picture, drawn in whole numbers alone: the same pixels on every machine."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Covered = npt.NDArray[np.bool_]
"""(H, W), true where a shape lies."""
_RECTANGLES = 4
"""Each has this part of the area that is to be covered, while so much is left."""


def rectangles(size: tuple[int, int], share: float, rng: np.random.Generator) -> Covered:
    """Rectangles anywhere, up to 1.4 times as high or wide as a square of their area, cut at the edges."""
    covered = np.zeros(size, bool)
    height, width = size
    target = round(share * height * width)
    part = -(-target // _RECTANGLES)
    # What is left at the end would be a splinter.
    while (missing := target - int(covered.sum())) > 0 and missing * 8 >= part:
        area = max(min(part, missing), -(-part // 4))
        side = max(1, math.isqrt(area))
        rows = min(height, int(rng.integers(max(1, side * 5 // 7), side * 7 // 5 + 1)))
        columns = min(width, max(1, area // rows))
        rows = min(height, max(1, area // columns))
        top = int(rng.integers(-(rows // 2), height - rows // 2))
        start = int(rng.integers(-(columns // 2), width - columns // 2))
        covered[max(0, top) : top + rows, max(0, start) : start + columns] = True
    return covered


def brush_lines(size: tuple[int, int], share: float, rng: np.random.Generator) -> Covered:
    """Lines of two to eight straight pieces, each by a round brush: its radius is 1/64 to 1/20 of the smaller side."""
    covered = np.zeros(size, bool)
    height, width = size
    target = round(share * height * width)
    side = min(size)
    reach = max(2, side // 4)
    while True:
        radius = int(rng.integers(side // 64, side // 20 + 1))
        row, column = int(rng.integers(height)), int(rng.integers(width))
        for _ in range(int(rng.integers(2, 9))):
            # The last pixels would take as many lines as all before them.
            if (target - int(covered.sum())) * 100 <= target:
                return covered
            down, right = (int(step) for step in rng.integers(-reach, reach + 1, 2))
            end = min(max(row + down, 0), height - 1), min(max(column + right, 0), width - 1)
            _draw(covered, (row, column), end, radius)
            row, column = end


def _draw(covered: Covered, start: tuple[int, int], end: tuple[int, int], radius: int) -> None:
    """Cover what is within `radius` of the straight line from `start` to `end`."""
    (top, low), (first, last) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    top, first = max(0, top - radius), max(0, first - radius)
    part = covered[top : low + radius + 1, first : last + radius + 1]
    rows = np.arange(top, top + part.shape[0])[:, None] - start[0]
    columns = np.arange(first, first + part.shape[1])[None, :] - start[1]
    down, across = end[0] - start[0], end[1] - start[1]
    length = down * down + across * across
    along = rows * down + columns * across
    beside = rows * across - columns * down
    from_start = rows * rows + columns * columns
    from_end = (rows - down) ** 2 + (columns - across) ** 2
    square = radius * radius
    # Thinner than a pixel, a line has the pixels whose middle lies within half of one.
    middle = (along >= 0) & (along <= length) & (4 * beside * beside <= max(4 * square, 1) * length)
    part |= middle | (from_start <= square) | (from_end <= square)
