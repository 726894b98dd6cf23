"""The rules of a gate, as a file gives them: how much each score may drop, where."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from .old_rule_keys import OLD_RULE_KEYS
from .reading import UNWRITTEN, Check, FileModel, Text, YamlPart, plain_text, read_yaml, yes_or_no

QUALITY = ("max_drop", "max_drop_item", "max_relative", "min_above_baseline", "must_stay_first")
SPEED = "max_latency_rel"
RIVAL = "must_not_be_slower_than"
_IN_UNITS = ("max_drop", "max_drop_item", "min_above_baseline")


def _number(value: Any) -> float:
    """A number as a float; NaN for anything else, and for one that is too large."""
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


Amount = Annotated[float | None, Check(_amount)]
Gain = Annotated[float | None, Check(_gain)]


@dataclass(frozen=True)
class Rule(FileModel):
    """Limits for the cells that four glob patterns choose. A limit of None does not limit; inf allows all.

    `max_drop` (mean) and `max_drop_item` are losses in the unit of the metric; `max_relative` is a loss of the mean
    as a share of the baseline's; `min_above_baseline` is a gain over the method of that role; `max_latency_rel` is a
    ratio current / baseline; `must_not_be_slower_than` names a method measured beside it; `where` is file and line.
    """

    where: str = field(default="", metadata=UNWRITTEN)
    metric: Text = "*"
    dataset: Text = "*"
    regime: Text = "*"
    method: Text = "*"
    max_drop: Amount = None
    max_drop_item: Amount = None
    max_relative: Amount = None
    max_latency_rel: Annotated[float | None, Check(_ratio)] = None
    min_above_baseline: Gain = None
    must_stay_first: Annotated[bool | None, Check(yes_or_no)] = None
    must_not_be_slower_than: Annotated[str | None, Check(plain_text)] = None

    called = "a rule"


@dataclass(frozen=True)
class _RuleInFile(Rule):
    """A rule with the keys that it may have by their old names."""

    max_drop_picture: Amount = None
    min_above_identity: Gain = None


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file: a list of mappings. Raises `UsageError` with file and line."""
    file = read_yaml(path, "rules", "list rules such as `- metric: psnr`")
    rules = file.items()
    if not rules:
        raise file.mistake("a list of rules was due, such as `- {metric: psnr, max_drop: 0.05}`")
    return tuple(map(_rule, rules))


def _rule(part: YamlPart) -> Rule:
    read = part.read(_RuleInFile)
    values: dict[str, Any] = {}
    for key in part.mapping:
        name = OLD_RULE_KEYS.get(key, key)
        if name in values:
            raise part.mistake(f"{name} is given twice, once by its old name: leave one out", key)
        values[name] = getattr(read, key)
    if values.keys().isdisjoint((*QUALITY, SPEED, RIVAL)):
        raise part.mistake(f"the rule limits nothing: give one of {', '.join((*QUALITY, SPEED, RIVAL))}")
    if "metric" not in values:
        for name in _IN_UNITS:
            if name in values:
                raise part.mistake(f"{name} needs `metric`, because its unit depends on it")
        if "must_stay_first" in values:
            raise part.mistake("must_stay_first needs `metric`: first by which?")
    for name in (SPEED, RIVAL):
        if name in values and "dataset" in values:
            raise part.mistake(f"{name} takes no `dataset`: a cost is measured without one")
    return Rule(part.place, **values)
