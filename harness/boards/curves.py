"""Boards as curves: quality against a parameter of the regime or of a method, another metric, or a cost."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..spec.parsing import Spec
from ..spec.paths import ANY, parameter, readable_spec, without
from ..store.record import Record
from ..store.results import Results
from ..suite.study import COSTS, Axis
from ..text.errors import UsageError
from ..text.wording import by_number
from .board import Board
from .chart import Chart, ChartPoint, column_of, curves_of, fields_of, is_reference_line, is_shown, point_of
from .cost_charts import cost_chart, cost_value
from .lines import Placed, by_of, joined
from .rows import Column, Row
from .training_charts import training_charts


def charts(boards: Sequence[Board], axis: Axis, records: Iterable[Record] = ()) -> list[Chart]:
    """Every chart of one axis, in the order of the boards. Raises `UsageError` where nothing varies.

    `records` are those of the boards, and the trainings behind them: values of single seeds, and figures, are theirs.
    """
    boards = sorted(boards, key=in_order)
    if axis.figure:
        return training_charts(Results.of(records), axis)
    if axis.metric:
        drawn = [chart for board in boards if (chart := metric_chart(board, axis)) is not None]
        lacking = f"no method has {axis.metric} and what is drawn at two values of it or more"
    elif axis.x in COSTS:
        drawn = [chart for board in boards if (chart := cost_chart(board, axis)) is not None]
        lacking = f"no cell has a {axis.x}: see the reasons under Cost in the report"
        if any(cost_value(row.cost, axis.x) is not None for board in boards for row in board.ranked):
            lacking = f"only one method of a board has a {axis.x}, and a front is of two or more"
    else:
        regimes = [] if axis.by else _regime_charts(boards, axis)
        drawn = [*regimes, *_method_charts(boards, axis, {record.cell.key: record for record in records})]
        lacking = _nothing(axis)
    if not drawn:
        raise UsageError(f"study x: {axis.x}: {lacking}")
    return drawn


def _nothing(axis: Axis, wanted: str = "") -> str:
    """`wanted`: the parameter that does not vary, where it is known which."""
    name = wanted or axis.x
    *outer, inner = name.replace(ANY, "method").split(".")
    swept = f"{'=…('.join(outer).replace('=…', '', 1)}({inner}={{…,…}}{')' * len(outer)}"
    both = f", where {axis.by if name == axis.x else axis.x} varies too" if axis.by and not wanted else ""
    return f"neither a regime nor a method has {name} at two values or more{both}: sweep it, such as {swept!r}"


def refuse_idle(axes: Sequence[Axis], specs: Iterable[str]) -> None:
    """Raise `UsageError` where no two of the canonical `specs` to be run differ in the parameter of an axis."""
    parsed = [spec for text in set(specs) if (spec := readable_spec(text)) is not None]
    for axis in axes:
        for key, wanted in (("x", axis.x), ("by", axis.by)):
            values = {parameter(spec, wanted) for spec in parsed} - {None}
            if wanted and wanted not in COSTS and not Axis(wanted).metric and len(values) < 2:
                raise UsageError(f"study {key}: {wanted}: {_nothing(axis, wanted)}")


def in_order(board: Board) -> tuple[Any, ...]:
    """Sorts by dataset, regime and protocol, numbers in them by size."""
    return by_number(board.dataset), by_number(board.regime), by_number(board.protocol)


def _short(text: str, wanted: str) -> str:
    """The display form without the parameter."""
    spec = readable_spec(text)
    return text if spec is None else str(without(spec, wanted))


def _regime_charts(boards: Sequence[Board], axis: Axis) -> list[Chart]:
    families: dict[tuple[Any, ...], list[tuple[float, Board, Column]]] = defaultdict(list)
    for board in boards:
        spec, column = readable_spec(board.regime_spec), column_of(board, axis)
        value = parameter(spec, axis.x) if spec is not None else None
        if spec is not None and value is not None and column is not None:
            key = (
                board.track, board.dataset, board.fingerprint, board.protocol, board.seeds,
                str(without(spec, axis.x)), column.name, column.version,
            )  # fmt: skip
            families[key].append((value, board, column))
    several = [members for members in families.values() if len({value for value, _, _ in members}) > 1]
    return [level_chart([(value, board) for value, board, _ in line], axis, line[0][2]) for line in several]


def level_chart(levels: Sequence[tuple[float, Board]], axis: Axis, column: Column) -> Chart:
    """Boards whose regimes differ in the parameter of `axis` alone, as lines over its values."""
    _, first = levels[0]
    lines: dict[str, list[ChartPoint]] = defaultdict(list)
    references: set[str] = set()
    for value, board in levels:
        for row in filter(is_shown, board.rows):
            point = point_of(row, column, board, value)
            if point is not None:
                lines[row.label].append(point)
                if is_reference_line(row):
                    references.add(row.label)
    regime = _short(first.regime, axis.x)
    where = f"{first.dataset}, {first.protocol}, {first.seeds_text}"
    return Chart(
        axis, where, f"{axis.x.partition('.')[2]} of {regime}", column, curves_of(lines, references, column.higher),
        **fields_of(first), regime=regime,
        heading=f"{first.dataset} · {regime}, {first.protocol}, {first.seeds_text}",
    )  # fmt: skip


def _method_charts(boards: Sequence[Board], axis: Axis, known: Mapping[str, Record]) -> list[Chart]:
    drawn = []
    for board in boards:
        column = column_of(board, axis)
        if column is None:
            continue
        placed = []
        for row in filter(is_shown, board.rows):
            spec = readable_spec(row.spec)
            value = parameter(spec, axis.x) if spec is not None else None
            point = point_of(row, column, board, value) if value is not None else None
            if spec is not None and point is not None and (not axis.by or parameter(spec, axis.by) is not None):
                shown = readable_spec(row.written or row.label) or Spec(row.label)
                point = replace(point, seeds=_by_seed(row, column, known), by=by_of(spec, axis))
                placed.append(Placed(shown, point, bool(row.written)))
        where = board.setting
        trained = any(known[key].cell.trained for row in board.rows for key in row.keys if key in known)
        recipes = trained or axis.of_any
        blank = Chart(axis, where, axis.label, column, (), heading=where, recipes=recipes, **fields_of(board))
        drawn += joined(placed, blank)
    return drawn


def _by_seed(row: Row, column: Column, known: Mapping[str, Record]) -> dict[int, float]:
    """The mean of a row on each seed, where there are several and all are finite."""
    of_row = [known[key] for key in row.keys if key in known]
    means = {r.cell.seed: float(r.scores[column.name].mean()) for r in of_row if column.name in r.scores}
    return means if len(means) > 1 and all(map(math.isfinite, means.values())) else {}


def metric_chart(board: Board, axis: Axis) -> Chart | None:
    """Quality against the mean of another metric, a line for methods of one name; None where no line has two points."""
    column = column_of(board, axis)
    other = next((c for c in board.columns if axis.metric in (c.label, c.name)), None)
    if column is None or other is None:
        return None
    lines: dict[str, list[ChartPoint]] = defaultdict(list)
    for row in filter(is_shown, board.rows):
        x = row.scores[other.label].mean if other.label in row.scores else math.nan
        point = point_of(row, column, board, x) if math.isfinite(x) else None
        if point is not None:
            lines[row.name].append(point)
    varied = {label: points for label, points in lines.items() if len({p.x for p in points}) > 1}
    if not varied:
        return None
    where = board.setting
    label = f"{other.label}{f' ({other.unit})' if other.unit else ''}"
    curves = curves_of(varied, set(), column.higher)
    return Chart(axis, where, label, column, curves, heading=where, **fields_of(board))
