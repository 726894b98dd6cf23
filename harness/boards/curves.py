"""Boards as curves: quality against a parameter of the regime, a parameter of a method, or a cost."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any

from ..errors import UsageError, one_line
from ..spec import Spec
from ..spec_paths import ANY, parameter, readable_spec, without
from ..store.record import Cost, Record
from ..store.training_figures import Unknown, training_figure
from ..study import COSTS, TIMES, Axis
from ..wording import by_number
from .board import Board
from .rows import Column, Row

FIGURE_DECIMALS = 3
"""Decimals of a figure of a training."""


@dataclass(frozen=True)
class Point:
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
    points: tuple[Point, ...]
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


def charts(boards: Sequence[Board], axis: Axis, records: Sequence[Record] = ()) -> list[Chart]:
    """Every chart of one axis, in the order of the boards. Raises `UsageError` where nothing varies.

    `records` are those of the boards, and the trainings behind them: values of single seeds, and figures, are theirs.
    """
    boards = sorted(boards, key=in_order)
    if axis.figure:
        return training_charts(records, axis)
    if axis.metric:
        made = [chart for board in boards if (chart := metric_chart(board, axis)) is not None]
        lacking = f"no method has {axis.metric} and what is drawn at two values of it or more"
    elif axis.x in COSTS:
        made = [chart for board in boards if (chart := cost_chart(board, axis)) is not None]
        lacking = f"no cell has a {axis.x}: see the reasons under Cost in the report"
    else:
        regimes = [] if axis.by else _regime_charts(boards, axis)
        made = [*regimes, *_method_charts(boards, axis, {record.cell["key"]: record for record in records})]
        lacking = _nothing(axis)
    if not made:
        raise UsageError(f"study x: {axis.x}: {lacking}")
    return made


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


@dataclass(frozen=True)
class _Placed:
    """A point with the spec that it is of, as it is written; `named`: its method has a name of its own."""

    spec: Spec
    point: Point
    named: bool = False


def _method_charts(boards: Sequence[Board], axis: Axis, known: Mapping[str, Record]) -> list[Chart]:
    made = []
    for board in boards:
        column = _column(board, axis)
        if column is None:
            continue
        found = []
        for row in filter(_shown, board.rows):
            spec = readable_spec(row.spec)
            value = parameter(spec, axis.x) if spec is not None else None
            point = _point(row, column, board, value) if value is not None else None
            if spec is not None and point is not None and (not axis.by or parameter(spec, axis.by) is not None):
                shown = readable_spec(row.written or row.label) or Spec(row.label)
                point = replace(point, seeds=_by_seed(row, column, known), by=_by(spec, axis))
                found.append(_Placed(shown, point, bool(row.written)))
        where = f"{board.title}, {board.protocol}, {board.seeds_text}"
        trained = any(known[key].cell.get("trained") for row in board.rows for key in row.keys if key in known)
        recipes = trained or axis.of_any
        blank = Chart(axis, where, axis.label, column, (), heading=where, recipes=recipes, **_of_board(board))
        made += _joined(found, blank)
    return made


def _by(spec: Spec, axis: Axis) -> float | None:
    return parameter(spec, axis.by) if axis.by else None


def _by_seed(row: Row, column: Column, known: Mapping[str, Record]) -> dict[int, float]:
    """The mean of a row on each seed, where there are several and all are finite."""
    own = [known[key] for key in row.keys if key in known]
    means = {r.cell["seed"]: float(r.scores[column.name].mean()) for r in own if column.name in r.scores}
    return means if len(means) > 1 and all(map(math.isfinite, means.values())) else {}


def _joined(found: Sequence[_Placed], blank: Chart) -> list[Chart]:
    """`blank` with the points, a line each for what is the same but x; with `by` a chart each for what else is."""
    axis = blank.axis
    families: dict[str, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        rest = without(one.spec, axis.x)
        if axis.by:
            families[str(without(rest, axis.by))][f"{one.point.by:g}"].append(one.point)
        else:
            families[""][str(rest)].append(one.point)
    made = []
    for family, lines in families.items():
        varied = {label: points for label, points in lines.items() if len({p.x for p in points}) > 1}
        if len(varied) > bool(axis.by):
            if not axis.by:
                varied = _called(varied, {one.point.method for one in found if one.named})
            curves = _curves(varied, set(), blank.column.higher)
            if axis.by:
                curves = tuple(sorted(curves, key=lambda curve: float(curve.label)))
            made.append(replace(blank, curves=curves, family=family))
    return made


def _called(lines: Mapping[str, list[Point]], named: Set[str]) -> dict[str, list[Point]]:
    """The lines by what the names of their methods begin with, where all have names, and no two begin alike."""
    begin = {label: _beginning([p.method for p in points]) for label, points in lines.items()}
    every = all(p.method in named for points in lines.values() for p in points)
    if not every or not all(begin.values()) or len(set(begin.values())) < len(begin):
        return dict(lines)
    return {begin[label]: points for label, points in lines.items()}


def _beginning(names: Sequence[str]) -> str:
    """What names have in common at their start, without numbers and stops at its end."""
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in alike).rstrip(" ,;:=(0123456789")


# ------------------------------------------------------------------------------------------ trainings


def training_charts(records: Sequence[Record], axis: Axis) -> list[Chart]:
    """A figure of trainings against a parameter of their recipes; those of one network and dataset share a chart.

    Raises `UsageError` where none has the figure, or nothing varies.
    """
    found: dict[tuple[str, str], dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    displays: dict[str, tuple[Spec, Spec]] = {}
    lacking = f"nothing is trained with {axis.x} at two values or more"
    for record in records:
        cell = record.cell
        spec, shown = readable_spec(cell["method"]["spec"]), readable_spec(cell["method"]["display"])
        if cell["kind"] != "train" or spec is None or parameter(spec, axis.x) is None:
            continue
        if cell["outcome"] not in ("ok", "diverged"):
            lacking = f"a training is {cell['outcome']}: {one_line(cell['reason'])}"
            continue
        try:
            value = training_figure(axis.figure, [cell], {})
        except Unknown as error:
            lacking = str(error)
            continue
        args = dict(spec.args)
        where = ", ".join(str(getattr(args.get(part), "name", "")) for part in ("arch", "data"))
        found[cell["track"], where][str(spec)][cell["seed"]] = value
        displays[str(spec)] = spec, shown or spec
    made = []
    for (track, where), trained in found.items():
        placed = []
        for text, by_seed in trained.items():
            spec, shown = displays[text]
            x = parameter(spec, axis.x)
            # What one seed has not, such as where it diverged, has no mean that compares.
            whole = all(map(math.isfinite, by_seed.values()))
            if x is not None and whole and (not axis.by or parameter(spec, axis.by) is not None):
                mean = fmean(by_seed.values())
                seeds = by_seed if len(by_seed) > 1 else {}
                placed.append(_Placed(shown, Point(x, mean, None, str(shown), seeds=seeds, by=_by(spec, axis))))
        column = Column(axis.y, 0, True, "", axis.y, FIGURE_DECIMALS)
        seeds_said = sorted({seed for by_seed in trained.values() for seed in by_seed})
        said = f"{where}, seed{'s' * (len(seeds_said) > 1)} {','.join(map(str, seeds_said))}"
        made += _joined(placed, Chart(axis, said, axis.label, column, (), track=track, heading=said, recipes=True))
    if not made:
        raise UsageError(f"study y: {axis.y}: {lacking}")
    return made


# ------------------------------------------------------------------------------------ another metric


def metric_chart(board: Board, axis: Axis) -> Chart | None:
    """Quality against the mean of another metric, a line for methods of one name; None where no line has two points."""
    column = _column(board, axis)
    other = next((c for c in board.columns if axis.metric in (c.label, c.name)), None)
    if column is None or other is None:
        return None
    lines: dict[str, list[Point]] = defaultdict(list)
    for row in filter(_shown, board.rows):
        x = row.scores[other.label].mean if other.label in row.scores else math.nan
        point = _point(row, column, board, x) if math.isfinite(x) else None
        if point is not None:
            lines[row.name].append(point)
    varied = {label: points for label, points in lines.items() if len({p.x for p in points}) > 1}
    if not varied:
        return None
    where = f"{board.title}, {board.protocol}, {board.seeds_text}"
    label = f"{other.label}{f' ({other.unit})' if other.unit else ''}"
    curves = _curves(varied, set(), column.higher)
    return Chart(axis, where, label, column, curves, heading=where, **_of_board(board))


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
    elif name == "weights":
        stored = cost.get("weight_bytes")
        value = None if stored is None else stored / 2**10
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
