"""The part of a large comparison that a person reads: the largest changes, and how many others there are."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ..statistics.paired_tests import ALPHA
from ..text.wording import by_number, counted
from .comparison import Comparison, SetDifference, Speed, Unmatched
from .difference import Differences, ScoreDifference

T = TypeVar("T")

WHOLE = 30
"""Differences that are all shown, moved or not."""

MOVED = (
    f"Moved: told apart from 0 (p at most {ALPHA:.0%}), or by more than a check lets pass; the largest of each metric "
    "come first."
)


@dataclass(frozen=True)
class Selection:
    """The part of a comparison that is shown, and a line for each kind of which some is not."""

    shown: Comparison
    rest: tuple[str, ...]


def selected(comparison: Comparison, most: int) -> Selection:
    """All of a small comparison; of a larger one the `most` largest changes of each metric and kind.

    Cells of a method that could not be matched for one reason stand as one line.
    """
    differences, rest = _differences(comparison.differences, most)
    unmatched = comparison.unmatched
    if len(unmatched) > most:
        unmatched = _by_reason(unmatched)
    for things, name in ((unmatched, "reason"), (comparison.sets, "set metric"), (comparison.speeds, "speed")):
        if len(things) > most:
            which_are = "why cells were not matched" if name == "reason" else "that changed less"
            rest.append(f"… and {counted(len(things) - most, f'more {name}')} {which_are}")
    shown = replace(
        comparison,
        differences=differences,
        unmatched=unmatched[:most],
        sets=_largest(comparison.sets, _set_change, most),
        speeds=_largest(comparison.speeds, _speed_change, most),
    )
    return Selection(shown, tuple(rest))


def _differences(every: Differences, most: int) -> tuple[Differences, list[str]]:
    if len(every) <= WHOLE:
        return every, []
    shown: list[ScoreDifference] = []
    rest = []
    for metric in dict.fromkeys(every.columns.metric.tolist()):
        of_metric = every.where(every.columns.metric == metric)
        changed = of_metric.where(of_metric.columns.moved)
        shown += largest(changed, most)
        still = len(of_metric) - len(changed)
        if len(changed) > most:
            more = counted(len(changed) - most, "more difference")
            rest.append(f"… and {more} of {metric} that moved, {still:,} that did not")
        elif still:
            rest.append(f"… and {counted(still, 'difference')} of {metric} that did not move")
    return Differences.of(shown), rest


def largest(every: Differences, most: int, undefined: float = math.inf) -> list[ScoreDifference]:
    """The `most` that changed most, the largest first, then by their names. `undefined`: how large a NaN counts."""
    sizes = np.abs(every.columns.difference)
    sizes = np.where(np.isnan(sizes), undefined, sizes)
    # Of very many few are to be named.
    least = np.partition(sizes, -most)[-most] if len(sizes) > most else -np.inf
    places = np.flatnonzero(sizes >= least)
    chosen = [*zip(sizes[places].tolist(), every.take(places), strict=True)]
    chosen.sort(key=lambda one: (-one[0], by_number(one[1].method), by_number(one[1].where)))
    return [one for _, one in chosen[:most]]


def _by_reason(every: Sequence[Unmatched]) -> tuple[Unmatched, ...]:
    """One for all of a side, method and reason: the first, with the number of the others; the most numerous first."""
    alike: dict[tuple[str, str, str], list[Unmatched]] = defaultdict(list)
    for one in every:
        alike[one.side, one.method, one.reason].append(one)
    groups = sorted(alike.values(), key=lambda group: -len(group))
    return tuple(_with_others(*group) for group in groups)


def _with_others(first: Unmatched, *others: Unmatched) -> Unmatched:
    if not others:
        return first
    return replace(first, where=f"{first.where} and {counted(len(others), 'more cell')}")


def _largest(every: tuple[T, ...], size: Callable[[T], float], most: int) -> tuple[T, ...]:
    """All, or the `most` that changed most."""
    return every if len(every) <= most else tuple(sorted(every, key=lambda one: -size(one))[:most])


def _set_change(one: SetDifference) -> float:
    """Lost values first, then by how much of A it is."""
    change = one.change
    return math.inf if change.reason else abs(change.change) / (abs(change.a) or 1.0)


def _speed_change(one: Speed) -> float:
    return abs(math.log(one.b / one.a)) if one.a > 0 and one.b > 0 else math.inf
