"""What a study draws: charts of lines of points, and how a row of a board becomes a point."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..suite.study import Axis
from ..text.wording import by_number
from .board import Board
from .rows import Column, Row


@dataclass(frozen=True)
class ChartPoint:
    """One method at one x: its mean, its worst 5 %, and the key of the board's row it comes from.

    `difference` is that of the mean to the best ranked method of the board, `interval` the board's own of it; None
    where the board does not rank by the metric, or has none. `busy`: its cost was measured on a busy machine. `seeds`
    has the value of each of several seeds, of which `y` is the mean; `by` is the second parameter of a map.
    """

    x: float
    y: float
    tail: float | None
    method: str
    difference: float | None = None
    interval: tuple[float, float] | None = None
    busy: bool = False
    seeds: Mapping[int, float] = field(default_factory=dict)
    by: float | None = None


@dataclass(frozen=True)
class Curve:
    """A line of a study, its points by x. `reference` marks baselines, optima and oracles."""

    label: str
    points: tuple[ChartPoint, ...]
    reference: bool = False


@dataclass(frozen=True)
class Chart:
    """Quality against `x_label`, on `where`. `cost` charts have a Pareto front.

    `log`: a cost is on a scale of ratios.
    `regime` is that of the boards without the parameter on the x axis, empty where that is of a method or a cost;
    `heading` is `where` with it. `words` and `units` (what is averaged) are those of the boards. `family` is what a map
    has in common, its two parameters apart. `recipes`: the lines are no methods but recipes, by what they share.
    """

    axis: Axis
    where: str
    x_label: str
    column: Column
    curves: tuple[Curve, ...]
    cost: bool = False
    track: str = ""
    regime: str = ""
    heading: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    units: str = ""
    family: str = ""
    recipes: bool = False
    log: bool = True


def column_of(board: Board, axis: Axis) -> Column | None:
    """The column that is drawn upwards: what the axis says, else what the board ranks by."""
    if not axis.y:
        return board.rank_by
    return next((c for c in board.columns if axis.y in (c.label, c.name)), None)


def is_reference_line(row: Row) -> bool:
    """Whether a line is a reference in the sense of `Curve`: a baseline, an optimum or an oracle."""
    return row.oracle or row.role in ("baseline", "optimum")


def is_shown(row: Row) -> bool:
    """Whether a row is drawn: it is ranked, or an oracle."""
    return not row.unranked or row.oracle


def point_of(row: Row, column: Column, board: Board, x: float) -> ChartPoint | None:
    """A row at `x`, None where its mean is not finite."""
    mean = row.scores[column.label].mean if column.label in row.scores else math.nan
    if not math.isfinite(mean):
        return None
    if board.rank_by is None or column.label != board.rank_by.label:
        return ChartPoint(x, mean, None, row.label)
    difference = row.difference
    if difference is None and (best := _best(board, column)) is not None:
        difference = mean - best
    return ChartPoint(x, mean, row.tail, row.label, difference, row.interval)


def _best(board: Board, column: Column) -> float | None:
    """The mean of the first ranked method that has a finite one."""
    means = (row.scores[column.label].mean for row in board.ranked)
    return next((mean for mean in means if math.isfinite(mean)), None)


def curves_of(lines: dict[str, list[ChartPoint]], references: set[str], higher: bool) -> tuple[Curve, ...]:
    """Lines as curves, the best at the largest x first."""
    sign = -1.0 if higher else 1.0

    def best(label: str) -> tuple[Any, ...]:
        return sign * max(lines[label], key=lambda p: p.x).y, by_number(label)

    return tuple(
        Curve(label, tuple(sorted(lines[label], key=lambda p: (p.x, by_number(p.method)))), label in references)
        for label in sorted(lines, key=best)
    )


def fields_of(board: Board) -> dict[str, Any]:
    """What a chart has of its board."""
    return {"track": board.track, "words": board.words, "units": board.units.words(board.words)}
