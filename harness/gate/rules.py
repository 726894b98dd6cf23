"""The rules of a gate: how much each score may drop, where. YAML read strictly, each mistake named with its line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from ..spec.paths import is_meant
from ..store.cell import Cell, NamedPart
from ..store.old_schemas import OLD_RULE_KEYS
from ..store.record import gate_of
from ..suite.reading import compose, mapping, mistake, plain_text, scalar
from ..text.errors import UsageError, nearest, one_line

QUALITY = ("max_drop", "max_drop_item", "max_relative", "min_above_baseline", "must_stay_first")
SPEED = "max_latency_rel"
RIVAL = "must_not_be_slower_than"
_IN_UNITS = ("max_drop", "max_drop_item", "min_above_baseline")
_DECLARED = ("max_drop", "max_drop_item")
"""Limits that a metric may declare itself: they hold where no rule speaks."""


@dataclass(frozen=True)
class Rule:
    """Limits for the cells that four glob patterns choose. A limit that is None says nothing; inf allows all.

    `max_drop` (mean) and `max_drop_item` are losses in the unit of the metric; `max_relative` is a loss of the mean
    as a share of the baseline's; `min_above_baseline` is a gain over the method of that role; `max_latency_rel` is a
    ratio current / baseline; `must_not_be_slower_than` names a method measured beside it; `where` is file and line.
    """

    where: str
    metric: str = "*"
    dataset: str = "*"
    regime: str = "*"
    method: str = "*"
    max_drop: float | None = None
    max_drop_item: float | None = None
    max_relative: float | None = None
    max_latency_rel: float | None = None
    min_above_baseline: float | None = None
    must_stay_first: bool | None = None
    must_not_be_slower_than: str | None = None

    def covers(self, cell: Cell, metric: str | None) -> bool:
        """Whether the rule speaks of this cell, and of this metric of it (None: of its speed)."""
        return (
            (metric is None or fnmatchcase(metric, self.metric))
            and (metric is None or fits(self.dataset, cell.dataset))
            and fits(self.regime, cell.regime)
            and fits(self.method, cell.method)
        )


@dataclass(frozen=True)
class Limit:
    """A limit that holds, and the file and line that say so."""

    value: float
    where: str


def limits(rules: Sequence[Rule], cell: Cell, metric: str | None) -> dict[str, Limit]:
    """What holds for a metric of a cell (None: for its speed), by the name of the limit; later rules win.

    Where no rule speaks, what the metric of the cell declares holds: its `where` is `default`.
    """
    return {name: said for name, said in spoken(rules, cell, metric).items() if not _never(name, said.value)}


def spoken(rules: Sequence[Rule], cell: Cell, metric: str | None) -> dict[str, Limit]:
    """The same with limits that allow all: they still take the place of a default."""
    found = {n: Limit(float(v), "default") for n, v in _declared(cell, metric).items() if n in _DECLARED}
    for rule in rules:
        if rule.covers(cell, metric):
            for name in QUALITY if metric is not None else (SPEED,):
                value = getattr(rule, name)
                if value is not None:
                    found[name] = Limit(float(value), rule.where)
    return found


def _declared(cell: Cell, metric: str | None) -> Mapping[str, float]:
    part = cell.metrics.get(metric) if metric is not None else None
    return gate_of(metric, part) if metric is not None and part is not None else {}


def rivals(rules: Sequence[Rule], cell: Cell) -> dict[str, str]:
    """Methods that a cost cell must not be slower than, and the file and line that say so."""
    named = [rule for rule in rules if rule.must_not_be_slower_than is not None and rule.covers(cell, None)]
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
            cell.kind == "score" and rule.covers(cell, metric) for cell in cells for metric in _metrics(cell)
        ):
            raise UsageError(f"{rule.where}: this rule matches no cell of the baseline: {_there(rule, cells)}")
        for name in (SPEED, RIVAL):
            if getattr(rule, name) is not None and not any(
                cell.kind == "cost" and rule.covers(cell, None) for cell in cells
            ):
                raise UsageError(
                    f"{rule.where}: {name} matches no cost cell of the baseline: give the suite a `cost:`, "
                    "or mend the pattern"
                )


def _there(rule: Rule, cells: Sequence[Cell]) -> str:
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


def _number(value: Any) -> float:
    """A number as a float; NaN for what is none, or is too large to be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _amount(value: Any) -> float:
    if not (number := _number(value)) >= 0:
        raise ValueError("a number from 0 (.inf: no limit)")
    return number


def _gain(value: Any) -> float:
    if not math.isfinite(number := _number(value)):
        raise ValueError("a number")
    return number


def _ratio(value: Any) -> float:
    if not (number := _number(value)) > 0:
        raise ValueError("a ratio above 0, such as 1.25")
    return number


def _yes(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


_FIELDS = {
    "metric": plain_text, "dataset": plain_text, "regime": plain_text, "method": plain_text, "max_drop": _amount,
    "max_drop_item": _amount, "max_relative": _amount, "max_latency_rel": _ratio,
    "min_above_baseline": _gain, "must_stay_first": _yes,
    RIVAL: plain_text,
}  # fmt: skip


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file: a list of mappings. Raises `UsageError` with file and line."""
    node = compose(path, "rules")
    if node is None:
        raise UsageError(f"rules {one_line(path)}: the file is empty: list rules such as `- metric: psnr`")
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise mistake(node, path, "a list of rules was due, such as `- {metric: psnr, max_drop: 0.05}`")
    return tuple(_rule(child, path) for child in node.value)


def _rule(node: yaml.Node, path: Path) -> Rule:
    values: dict[str, Any] = {}
    for key, child in mapping(node, path).items():
        name = OLD_RULE_KEYS.get(key, key)
        if name not in _FIELDS:
            raise mistake(child, path, f"unknown key {one_line(key)!r} in a rule: {nearest(key, _FIELDS)}")
        if name in values:
            raise mistake(child, path, f"{name} is given twice, once by its old name: leave one out")
        values[name] = scalar(child, path, key, _FIELDS[name])
    asked = [name for name in (*QUALITY, SPEED, RIVAL) if name in values]
    if not asked:
        raise mistake(node, path, f"the rule limits nothing: give one of {', '.join((*QUALITY, SPEED, RIVAL))}")
    if "metric" not in values:
        for name in _IN_UNITS:
            if name in values:
                raise mistake(node, path, f"{name} needs `metric`, because its unit depends on it")
        if "must_stay_first" in values:
            raise mistake(node, path, "must_stay_first needs `metric`: first by which?")
    for name in (SPEED, RIVAL):
        if name in values and "dataset" in values:
            raise mistake(node, path, f"{name} takes no `dataset`: a cost is measured without one")
    return replace(Rule(f"{one_line(path)}:{node.start_mark.line + 1}"), **values)
