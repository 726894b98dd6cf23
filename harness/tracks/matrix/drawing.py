"""A recovered matrix as small pictures: what is true and measured, what was recovered, and its error."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...track.posed_case import Case
from .items import Measured, Measurements
from .operators import Entries, Floats

LEAST, GAP, FRAME = 96, 3, 200
"""Pixels: what a small matrix is enlarged to, and the white between two of them; and the grey of their frames."""
Colours = npt.NDArray[np.uint8]


def draw_recovery(item: Measured, case: Case, matrix: Floats) -> dict[str, bytes]:
    """PNGs: `truth` has the true matrix and what was measured side by side, `recovered` the matrix and its error.

    Pictures are grey on [0, peak], other matrices blue below 0 and red above, as deep as the largest true value. What
    was measured: entries in their places with the others yellow, or the measurement matrices weighted by what was
    measured. The error has the scale of the matrix: grey where it is 0. Of columns that are pictures the middle one is
    shown, so far as those go.
    """
    given: Measurements = case.given
    known = item.truth[np.isfinite(item.truth)]
    top = item.peak or float(np.abs(known).max()) or 1.0
    paint = _grey if item.peak is not None else _two_colours
    measured = given.operator.adjoint(given.y)
    if isinstance(given.operator, Entries):
        seen = np.zeros(given.shape, bool)
        seen[given.operator.rows, given.operator.columns] = True
        measured = np.where(seen, measured, np.nan)
    else:
        measured = measured / given.operator.count
    error = (matrix - item.truth) / 2 + top / 2 if item.peak is not None else matrix - item.truth
    shown = [_shape(values, item) for values in (item.truth, measured, matrix, error)]
    true, had, recovered, off = (paint(values, top) for values in shown)
    return {"truth": _png(true, had), "recovered": _png(recovered, off)}


def _shape(values: Floats, item: Measured) -> Floats:
    """The middle column as its picture, where columns are pictures."""
    return values if item.picture is None else values[:, values.shape[1] // 2].reshape(item.picture)


def _grey(values: Floats, top: float) -> Colours:
    level = np.rint(255 * np.clip(np.nan_to_num(values) / top, 0, 1)).astype(np.uint8)
    return _unknown(np.repeat(level[:, :, None], 3, axis=2), values)


def _two_colours(values: Floats, top: float) -> Colours:
    """White at 0, red above, blue below."""
    part = np.clip(np.nan_to_num(values) / top, -1, 1)[:, :, None]
    above, below = np.array([178.0, 24.0, 43.0]), np.array([33.0, 102.0, 172.0])
    ends = np.where(part > 0, above, below)
    return _unknown(np.rint(255 + (ends - 255) * np.abs(part)).astype(np.uint8), values)


def _unknown(colours: Colours, values: Floats) -> Colours:
    colours[np.isnan(values)] = (253, 231, 150)
    return colours


def _png(first: Colours, second: Colours) -> bytes:
    from ...imaging.pictures import encode_png

    height, width = first.shape[:2]
    times = max(1, -(-LEAST // max(height, width)))
    large: list[Any] = [part.repeat(times, axis=0).repeat(times, axis=1) for part in (first, second)]
    parts = [np.pad(part, ((1, 1), (1, 1), (0, 0)), constant_values=FRAME) for part in large]
    white = np.full((height * times + 2, GAP, 3), 255, np.uint8)
    both = np.concatenate([parts[0], white, parts[1]], axis=1)
    return encode_png(both)
