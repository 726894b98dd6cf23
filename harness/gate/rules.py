"""What the rules of a gate say of a stored cell: the limits that hold for it, and the rules that guard nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from ..spec.paths import is_meant
from ..store.cell import Cell, NamedPart
from ..store.names import Names, spec_of
from ..store.record import gate_of
from ..suite.rules import QUALITY, RIVAL, SPEED, Rule
from ..text.errors import UsageError, nearest, one_line

_DECLARED = ("max_drop", "max_drop_item")
"""Limits that a metric may declare itself: they hold where no rule speaks."""


def covers(rule: Rule, cell: Cell, metric: str | None) -> bool:
    """Whether a rule speaks of this cell, and of this metric of it (None: of its speed)."""
    return (
        (metric is None or fnmatchcase(metric, rule.metric))
        and (metric is None or fits(rule.dataset, cell.dataset))
        and fits(rule.regime, cell.regime)
        and fits(rule.method, cell.method)
    )


@dataclass(frozen=True)
class Limit:
    """A limit that holds, and the file and line that say so."""

    value: float
    where: str


def with_specs(rules: Sequence[Rule], names: Names) -> tuple[Rule, ...]:
    """The rules with canonical specs in place of the names under which methods and datasets are shown."""
    return tuple(
        replace(
            rule,
            method=spec_of(names, "method", rule.method) or rule.method,
            dataset=spec_of(names, "dataset", rule.dataset) or rule.dataset,
            must_not_be_slower_than=(rival := rule.must_not_be_slower_than)
            and (spec_of(names, "method", rival) or rival),
        )
        for rule in rules
    )


def limits(rules: Sequence[Rule], cell: Cell, metric: str | None) -> dict[str, Limit]:
    """What holds for a metric of a cell (None: for its speed), by the name of the limit; later rules win.

    Where no rule speaks, what the metric of the cell declares holds: its `where` is `default`.
    """
    return {name: limit for name, limit in spoken(rules, cell, metric).items() if not _never(name, limit.value)}


def spoken(rules: Sequence[Rule], cell: Cell, metric: str | None) -> dict[str, Limit]:
    """The same with limits that allow all: they still take the place of a default."""
    by_name = {n: Limit(float(v), "default") for n, v in _declared(cell, metric).items() if n in _DECLARED}
    for rule in rules:
        if covers(rule, cell, metric):
            for name in QUALITY if metric is not None else (SPEED,):
                value = getattr(rule, name)
                if value is not None:
                    by_name[name] = Limit(float(value), rule.where)
    return by_name


def _declared(cell: Cell, metric: str | None) -> Mapping[str, float]:
    part = cell.metrics.get(metric) if metric is not None else None
    return gate_of(metric, part) if metric is not None and part is not None else {}


def rivals(rules: Sequence[Rule], cell: Cell) -> dict[str, str]:
    """Methods that a cost cell must not be slower than, and the file and line that say so."""
    named = [rule for rule in rules if rule.must_not_be_slower_than is not None and covers(rule, cell, None)]
    return {str(rule.must_not_be_slower_than): rule.where for rule in named}


def speed_limited(rules: Sequence[Rule], cell: Cell) -> bool:
    """Whether any rule speaks of the speed of this cell."""
    return cell.kind == "cost" and bool(limits(rules, cell, None) or rivals(rules, cell))


def _never(name: str, value: float) -> bool:
    return (name == "must_stay_first" and not value) or (name != "min_above_baseline" and math.isinf(value))


def refuse_idle(rules: Sequence[Rule], cells: Sequence[Cell]) -> None:
    """Raise `UsageError` for a rule that no cell of the baseline falls under: it would guard nothing."""
    for rule in rules:
        if any(getattr(rule, name) is not None for name in QUALITY) and not any(
            cell.kind == "score" and covers(rule, cell, metric) for cell in cells for metric in _metrics(cell)
        ):
            raise UsageError(f"{rule.where}: this rule matches no cell of the baseline: {_what_to_mend(rule, cells)}")
        for name in (SPEED, RIVAL):
            if getattr(rule, name) is not None and not any(
                cell.kind == "cost" and covers(rule, cell, None) for cell in cells
            ):
                raise UsageError(
                    f"{rule.where}: {name} matches no cost cell of the baseline: give the suite a `cost:`, "
                    "or mend the pattern"
                )


def _what_to_mend(rule: Rule, cells: Sequence[Cell]) -> str:
    scored = [cell for cell in cells if cell.kind == "score"]
    for part in ("method", "dataset", "regime"):
        pattern = getattr(rule, part)
        names = {getattr(cell, part).display: getattr(cell, part) for cell in scored}
        if not any(fits(pattern, fields) for fields in names.values()):
            return f"{part} {one_line(pattern, 80)!r}, {one_line(nearest(pattern, names))}"
    metrics = {metric for cell in scored for metric in _metrics(cell)}
    if not any(fnmatchcase(metric, rule.metric) for metric in metrics):
        return f"metric {one_line(rule.metric, 80)!r}, {one_line(nearest(rule.metric, metrics))}"
    return "its patterns never meet in one cell"


def _metrics(cell: Cell) -> tuple[str, ...]:
    """What a rule may speak of: the metrics of single items and those of the whole set."""
    return (*cell.metrics, *(cell.sets or {}))


def fits(pattern: str, part: NamedPart) -> bool:
    """Whether a pattern means this method, dataset or regime, by its name or its spec, with or without defaults."""
    # A spec may hold brackets, which a pattern reads as a choice of characters; so it also matches as it stands.
    names = (part.display, part.spec, part.name)
    if pattern in names:
        return True
    return any(fnmatchcase(name, pattern) for name in names) or is_meant(pattern, part.spec, part.display)
