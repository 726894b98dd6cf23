"""Boards as curves: quality against a parameter of the regime, a parameter of a method, or a cost."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import UsageError
from ..spec import Spec, parse
from ..store.record import Cost
from ..study import COSTS, TIMES, Axis
from ..wording import by_number
from .board import Board
from .rows import Column, Row


@dataclass(frozen=True)
class Point:
    """One method at one x: its mean, its worst 5 %, and the key of the board's row it comes from.

    `difference` is that of the mean to the best ranked method of the board, `interval` the board's own of it; None
    where the board does not rank by the metric, or has none. `busy`: its cost was measured on a busy machine.
    """

    x: float
    y: float
    tail: float | None
    method: str
    difference: float | None = None
    interval: tuple[float, float] | None = None
    busy: bool = False


@dataclass(frozen=True)
class Curve:
    """A line of a study, its points by x. `reference` marks baselines, optima and oracles."""

    label: str
    points: tuple[Point, ...]
    reference: bool = False


@dataclass(frozen=True)
class Chart:
    """Quality against `x_label`, on `where`. `cost` charts have a Pareto front.

    `regime` is that of the boards without the parameter on the x axis, empty where that is of a method or a cost;
    `heading` is `where` with it. `words` and `units` (what is averaged) are those of the boards.
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


def charts(boards: Sequence[Board], axis: Axis) -> list[Chart]:
    """Every chart of one axis, in the order of the boards. Raises `UsageError` where nothing varies."""
    boards = sorted(boards, key=in_order)
    if axis.x in COSTS:
        made = [chart for board in boards if (chart := cost_chart(board, axis)) is not None]
        lacking = f"no cell has a {axis.x}: see the reasons under Cost in the report"
    else:
        made = [*_regime_charts(boards, axis), *_method_charts(boards, axis)]
        lacking = _nothing(axis)
    if not made:
        raise UsageError(f"study x: {axis.x}: {lacking}")
    return made


def _nothing(axis: Axis) -> str:
    swept = f"{axis.x.replace('.', '(')}={{…,…}})"
    return f"neither a regime nor a method has {axis.x} at two values or more: sweep it, such as {swept!r}"


def refuse_idle(axes: Sequence[Axis], specs: Iterable[str]) -> None:
    """Raise `UsageError` where no two of the canonical `specs` to be run differ in the parameter of an axis."""
    parsed = [spec for text in set(specs) if (spec := readable_spec(text)) is not None]
    for axis in axes:
        values = {parameter(spec, axis.x) for spec in parsed} - {None}
        if axis.x not in COSTS and len(values) < 2:
            raise UsageError(f"study x: {axis.x}: {_nothing(axis)}")


def in_order(board: Board) -> tuple[Any, ...]:
    """Sorts by dataset, regime and protocol, numbers in them by size."""
    return by_number(board.dataset), by_number(board.regime), by_number(board.protocol)


def _column(board: Board, axis: Axis) -> Column | None:
    if not axis.y:
        return board.rank_by
    return next((c for c in board.columns if axis.y in (c.label, c.name)), None)


def _reference(row: Row) -> bool:
    return row.oracle or row.role in ("baseline", "optimum")


def _shown(row: Row) -> bool:
    return not row.unranked or row.oracle


def _point(row: Row, column: Column, board: Board, x: float) -> Point | None:
    mean = row.scores[column.label].mean if column.label in row.scores else math.nan
    if not math.isfinite(mean):
        return None
    if board.rank_by is None or column.label != board.rank_by.label:
        return Point(x, mean, None, row.label)
    difference = row.difference
    if difference is None and (best := _best(board, column)) is not None:
        difference = mean - best
    return Point(x, mean, row.tail, row.label, difference, row.interval)


def _best(board: Board, column: Column) -> float | None:
    """The mean of the first ranked method that has a finite one."""
    means = (row.scores[column.label].mean for row in board.ranked)
    return next((mean for mean in means if math.isfinite(mean)), None)


def _curves(lines: dict[str, list[Point]], references: set[str], higher: bool) -> tuple[Curve, ...]:
    sign = -1.0 if higher else 1.0

    def best(label: str) -> tuple[Any, ...]:
        return sign * max(lines[label], key=lambda p: p.x).y, by_number(label)

    return tuple(
        Curve(label, tuple(sorted(lines[label], key=lambda p: (p.x, by_number(p.method)))), label in references)
        for label in sorted(lines, key=best)
    )


# ---------------------------------------------------------------------------------------- parameters


def parameter(spec: Spec, wanted: str) -> float | None:
    """The number at `name.parameter`, in a part of a sum or in a spec inside it; None where there is none."""
    for part in (spec, *spec.then):
        for key, value in part.args:
            if f"{part.name}.{key}" == wanted and isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
            if isinstance(value, Spec) and (found := parameter(value, wanted)) is not None:
                return found
    return None


def without(spec: Spec, wanted: str) -> Spec:
    """The spec without `name.parameter`: what all points of a line share."""

    def bare(part: Spec) -> Spec:
        kept: list[tuple[str, Any]] = [
            (key, without(value, wanted) if isinstance(value, Spec) else value)
            for key, value in part.args
            if f"{part.name}.{key}" != wanted
        ]
        return Spec(part.name, tuple(kept))

    first, *rest = (bare(part) for part in (spec, *spec.then))
    return Spec(first.name, first.args, tuple(rest))


def readable_spec(text: str) -> Spec | None:
    """The spec that `text` is; None where it is none, as in an old cell."""
    try:
        return parse(text)
    except UsageError:
        return None


def _short(text: str, wanted: str) -> str:
    """The display form without the parameter."""
    spec = readable_spec(text)
    return text if spec is None else str(without(spec, wanted))


def _regime_charts(boards: Sequence[Board], axis: Axis) -> list[Chart]:
    families: dict[tuple[Any, ...], list[tuple[float, Board, Column]]] = defaultdict(list)
    for board in boards:
        spec, column = readable_spec(board.regime_spec), _column(board, axis)
        value = parameter(spec, axis.x) if spec is not None else None
        if spec is not None and value is not None and column is not None:
            key = (
                board.track, board.dataset, board.fingerprint, board.protocol, board.seeds,
                str(without(spec, axis.x)), column.name, column.version,
            )  # fmt: skip
            families[key].append((value, board, column))
    several = [members for members in families.values() if len({value for value, _, _ in members}) > 1]
    return [level_chart([(value, board) for value, board, _ in own], axis, own[0][2]) for own in several]


def level_chart(levels: Sequence[tuple[float, Board]], axis: Axis, column: Column) -> Chart:
    """Boards whose regimes differ in the parameter of `axis` alone, as lines over its values."""
    _, first = levels[0]
    lines: dict[str, list[Point]] = defaultdict(list)
    references: set[str] = set()
    for value, board in levels:
        for row in filter(_shown, board.rows):
            point = _point(row, column, board, value)
            if point is not None:
                lines[row.label].append(point)
                if _reference(row):
                    references.add(row.label)
    regime = _short(first.regime, axis.x)
    where = f"{first.dataset}, {first.protocol}, {first.seeds_text}"
    return Chart(
        axis, where, f"{axis.x.partition('.')[2]} of {regime}", column, _curves(lines, references, column.higher),
        **_of_board(first), regime=regime,
        heading=f"{first.dataset} · {regime}, {first.protocol}, {first.seeds_text}",
    )  # fmt: skip


def _of_board(board: Board) -> dict[str, Any]:
    return {"track": board.track, "words": board.words, "units": board.units.words(board.words)}


def _method_charts(boards: Sequence[Board], axis: Axis) -> list[Chart]:
    made = []
    for board in boards:
        column = _column(board, axis)
        if column is None:
            continue
        lines: dict[str, list[Point]] = defaultdict(list)
        for row in filter(_shown, board.rows):
            spec = readable_spec(row.spec)
            value = parameter(spec, axis.x) if spec is not None else None
            point = _point(row, column, board, value) if value is not None else None
            if point is not None:
                lines[_short(row.label, axis.x)].append(point)
        varied = {label: points for label, points in lines.items() if len({p.x for p in points}) > 1}
        if varied:
            where = f"{board.title}, {board.protocol}, {board.seeds_text}"
            made.append(
                Chart(
                    axis,
                    where,
                    axis.x,
                    column,
                    _curves(varied, set(), column.higher),
                    heading=where,
                    **_of_board(board),
                )
            )
    return made


# ---------------------------------------------------------------------------------------------- costs


def cost_value(cost: Cost | None, name: str) -> float | None:
    """One number of a cost, as `COSTS` names it; None where it was not measured."""
    if cost is None:
        return None
    value: float | None
    if name == "latency":
        value = (cost["latency_ms"] or {}).get("p50")
    elif name == "memory":
        value = None if cost["peak_memory_bytes"] is None else cost["peak_memory_bytes"] / 2**20
    elif name == "latency_rel":
        value = cost["latency_rel"]
    else:
        value = cost["params"] if name == "params" else cost["macs"]
    return float(value) if value is not None and value > 0 and math.isfinite(value) else None


def cost_chart(board: Board, axis: Axis, *, joined: bool = True) -> Chart | None:
    """Quality of the ranked methods against a cost; `joined` are those of one name. None below two points."""
    column = _column(board, axis)
    if column is None:
        return None
    lines: dict[str, list[Point]] = defaultdict(list)
    references = set()
    for row in board.ranked:
        x = cost_value(row.cost, axis.x)
        point = _point(row, column, board, x) if x is not None else None
        if point is not None:
            curve = row.name if joined else row.label
            lines[curve].append(replace(point, busy="busy" in row.flags and axis.x in TIMES))
            if _reference(row):
                references.add(curve)
    if sum(map(len, lines.values())) < 2:
        return None
    about, unit = COSTS[axis.x]
    label = f"{about}{f' ({unit})' if unit else ''}, {board.cost_setting}"
    where = f"{board.title}, {board.protocol}, {board.seeds_text}"
    return Chart(
        axis, where, label, column, _curves(lines, references, column.higher), cost=True, heading=where,
        **_of_board(board),
    )  # fmt: skip
