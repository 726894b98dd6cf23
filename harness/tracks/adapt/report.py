"""Error over the stream: how often each method is wrong in one part of it after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ...boards.board import Board
from ...boards.rows import Column
from ...report.plots.curve_panels import Curve, CurvePanel, draw_curves
from ...report.plots.drawing import Plot
from ...report.plots.looks import looks_of
from ...report.plots.selection import limited
from ...report.plots.sheets import Sheet
from ...spec.paths import readable_spec

METRIC, PARTS = "stream_error", 10
"""The metric of one part, and of how many it is where its spec does not say."""
_PANEL = CurvePanel("stream", "share of the stream", "error", "best", marked=True)


def panels(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """A plot for each board that has the error of several parts of its streams, at most `most`."""
    known = [(board, parts) for board in boards if len(parts := parts_of(board)) > 1]
    known.sort(key=lambda one: -len(one[0].rows))
    looks, plots = looks_of(boards), []
    for number, (board, parts) in enumerate(limited(known, most, "error over the stream", notes), 1):
        caption = (
            f"Error over the stream on {board.title}, {board.seeds_text}: the share of wrong answers in one part after "
            f"the other, {len(parts)} of them, each at its end."
        )
        plots.append(draw_curves(_PANEL, board, _curves(board, parts), number, looks, sheet, caption))
    return plots


def parts_of(board: Board) -> dict[float, Column]:
    """The columns of the error in a part, by the share of the stream at its end, in order; the finest where several."""
    by_count: dict[int, dict[float, Column]] = defaultdict(dict)
    for column in board.columns:
        spec = readable_spec(column.name)
        if spec is None or spec.name != METRIC:
            continue
        given = dict(spec.args)
        part, count = given.get("part"), given.get("of", PARTS)
        if isinstance(part, int) and isinstance(count, int):
            by_count[count][part / count] = column
    return dict(sorted(max(by_count.values(), key=len).items())) if by_count else {}


def _curves(board: Board, parts: dict[float, Column]) -> list[Curve]:
    ends = np.array([*parts])
    curves = []
    for row in board.rows:
        heights = np.array([row.scores[column.label].mean for column in parts.values()])
        if row.inputs == board.inputs and np.isfinite(heights).all():
            curves.append((row, ends, heights))
    return curves
