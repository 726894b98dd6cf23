"""Mean quality of the items against the distance of the whole set from the truths: distortion against perception."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...boards.board import Board
from ...boards.chart import Chart, ChartPoint, Curve
from ...boards.rows import Row
from ...boards.set_metrics import BoardSets, SetColumn
from ...suite.study import Axis
from .axis_text import metric_name
from .drawing import is_reference

_FAR = 2.0
"""How far beyond the farthest method a baseline is drawn, in the distances that methods span: more would press them."""


def perception_charts(boards: Sequence[Board], sets: Sequence[BoardSets | None]) -> list[tuple[Board, str, Chart]]:
    """A chart, with the name of its distance, for each board and distance that at least two of its methods have.

    Boards that are ranked by a distance themselves have none.
    """
    charts = [
        (board, column.name, chart)
        for board, board_sets in zip(boards, sets, strict=True)
        if board_sets is not None
        for column in board_sets.columns
        if (chart := _chart(board, board_sets, column)) is not None
    ]
    return sorted(charts, key=lambda one: -len(one[0].rows))


def _chart(board: Board, board_sets: BoardSets, column: SetColumn) -> Chart | None:
    quality = board.rank_by
    # Of two distances the one says what the other does.
    if quality is None or not quality.higher or column.higher:
        return None

    def point(row: Row) -> ChartPoint | None:
        value = board_sets.values[row.label].get(column.label)
        mean = row.scores[quality.label].mean if quality.label in row.scores else math.nan
        if value is None or not (math.isfinite(value.value) and math.isfinite(mean)):
            return None
        return ChartPoint(value.value, mean, None, row.label)

    every = [(row, at) for row in board.ranked if (at := point(row)) is not None]
    drawn = [at.x for row, at in every if not is_reference(row)]
    reach = max(drawn) + _FAR * (max(drawn) - min(drawn)) if len(set(drawn)) > 1 else math.inf
    beyond = [f"{row.label} at {at.x:.4g}" for row, at in every if is_reference(row) and at.x > reach]
    placed = [(row, at) for row, at in every if not (is_reference(row) and at.x > reach)]
    if len(placed) < 2:
        return None
    where = board.setting
    label = metric_name(board.track, column.label) + (f", beyond it {', '.join(beyond)}" if beyond else "")
    return Chart(
        Axis(column.name), where, label, quality,
        tuple(Curve(row.label, (at,), is_reference(row)) for row, at in placed), cost=True, log=False,
        track=board.track, words=board.words, units=board.units.words(board.words), heading=where,
    )  # fmt: skip
