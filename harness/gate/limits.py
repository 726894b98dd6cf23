"""The limits of a rule held against scores: why a metric of a cell is a regression, in words."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..boards.grouping import Alignment, group_key, method_key
from ..boards.units import units_of
from ..comparing.pairing import Shelf
from ..comparing.set_changes import SetChange
from ..statistics.exact_scores import compared
from ..statistics.paired_tests import Floats, paired_difference
from ..store.cell import Cell, MetricPart
from ..store.record import Record, role_of, words_of
from ..text.errors import UsageError, one_line
from .rules import Limit

SLACK = 1e-9
"""Rounding of a mean of float64 scores is no loss."""
SET_SHARE = 0.01
"""Without a rule, a rise of a set metric by this share of the baseline, or by its standard error, is let pass."""


def limits_broken(
    active: Mapping[str, Limit], drop: float, worst: tuple[str, float], mean: float, part: MetricPart, gone: str = ""
) -> list[str]:
    """Which limits a metric of single items breaks: by the loss of its `mean`, and of the item that lost most.

    `gone` says which exact items were lost: those are in no mean, and more than any limit of it.
    """
    reasons: list[str] = []
    space, moved = f" {part.unit}" if part.unit else "", "dropped" if part.higher else "rose"
    limit = active.get("max_drop")
    if limit and (gone or drop > limit.value + SLACK):
        reasons.append(f"{gone or f'the mean {moved} by {drop:.4g}{space}'}, more than {limit.value:g} ({limit.where})")
    limit = active.get("max_relative")
    share = drop / abs(mean) if mean and math.isfinite(mean) else math.inf if drop > SLACK else 0.0
    if limit and (gone or share > limit.value + SLACK):
        reasons.append(f"{gone or f'the mean {moved} by {share:.3%}'}, more than {limit.value:.3%} ({limit.where})")
    limit = active.get("max_drop_item")
    item, loss = worst
    if limit and loss > limit.value + SLACK:
        reasons.append(f"{item} {moved} by {loss:.4g}{space}, more than {limit.value:g} ({limit.where})")
    return reasons


def breaking(active: Mapping[str, Limit], drops: Floats, worst: Floats, means: Floats) -> npt.NDArray[np.bool_]:
    """Which of many cells break a limit of `limits_broken`: by the loss of the mean and of the item that lost most."""
    broken, drops = np.zeros(len(drops), np.bool_), np.where(np.isnan(drops), np.inf, drops)
    if limit := active.get("max_drop"):
        broken |= drops > limit.value + SLACK
    if limit := active.get("max_relative"):
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = drops / np.abs(means)
        unbounded = np.where(drops > SLACK, np.inf, 0.0)
        broken |= np.where((means != 0) & np.isfinite(means), shares, unbounded) > limit.value + SLACK
    if limit := active.get("max_drop_item"):
        broken |= worst > limit.value + SLACK
    return broken


class Groups:
    """Mean scores of the ok cells that may stand side by side on one side."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @cached_property
    def _groups(self) -> dict[tuple[object, ...], list[Record]]:
        groups: dict[tuple[object, ...], list[Record]] = defaultdict(list)
        for record in self._shelf.records:
            if record.cell.outcome == "ok" and Alignment.why_not_whole(record) is None:
                groups[group_key(record.cell), record.cell.seed].append(record)
        return groups

    def of(self, cell: Cell) -> list[Record]:
        """The cells beside `cell`, itself included."""
        return self._groups.get((group_key(cell), cell.seed), [])

    def lead(self, cell: Cell, metric: str) -> tuple[float, str]:
        """By how much the best other method is ahead, and its label; oracles take no part."""
        mine = next((r for r in self.of(cell) if method_key(r.cell) == method_key(cell)), None)
        largest, best = -math.inf, ""
        for record in self.of(cell):
            oracle = (record.cell.method.flags or {}).get("oracle")
            # The same method from another source is no rival: it is the past of this one.
            if oracle or record.cell.method.spec == cell.method.spec:
                continue
            gap = _gap(record, mine, metric) if mine else math.nan
            if gap > largest:
                largest, best = gap, self._shelf.label(record.cell)
        return largest, best


def _gap(one: Record, other: Record, metric: str) -> float:
    """How much better the mean of `one` is, over the units that neither has exact; NaN where one was not scored."""
    part = one.cell.metrics.get(metric)
    both = metric in one.scores and metric in other.scores and sorted(one.items) == sorted(other.items)
    if part is None or not both:
        return math.nan
    places = [sorted(range(len(r.items)), key=r.items.__getitem__) for r in (one, other)]
    units = units_of((one, other), places)
    a, b = (units.average(r.scores[metric][order]) for r, order in zip((one, other), places, strict=True))
    kept = compared(np.stack([a, b]), part.higher)
    if not kept.any():
        return math.nan
    with np.errstate(invalid="ignore"):
        gap = float(paired_difference(a[None], b)[0][kept].mean())
    return gap if part.higher else -gap


def why_not_above_baseline(partner: Record, metric: str, limit: Limit, now: Groups) -> str | None:
    """That a mean is not as far above that of the baseline method as it must be.

    Raises `UsageError` where no method of that role was run.
    """
    cell, given = partner.cell, one_line(words_of(partner.cell)["given"], 60)
    baseline = next((r for r in now.of(cell) if role_of(r.cell.method) == "baseline"), None)
    if baseline is None:
        raise UsageError(
            f"{limit.where}: min_above_baseline needs an ok cell of a method of role 'baseline' ({given}) in CURRENT "
            f"on {one_line(cell.dataset.display, 80)} · {one_line(cell.regime.display, 80)}: "
            "add it to the methods"
        )
    gain = _gap(partner, baseline, metric)
    if gain >= limit.value - SLACK:
        return None
    return f"{gain:.4g} above the {given}, less than {limit.value:g} ({limit.where})"


def why_not_first(
    record: Record, partner: Record, metric: str, limit: Limit, before: Groups, now: Groups
) -> str | None:
    """That another method is ahead now, where none was."""
    was, _ = before.lead(record.cell, metric)
    gap, best = now.lead(partner.cell, metric)
    if was > SLACK or gap <= SLACK:
        return None
    return f"no longer first: {best} is ahead by {gap:.4g} ({limit.where})"


def set_limits_broken(change: SetChange, active: Mapping[str, Limit]) -> list[str]:
    """Which limits a set metric breaks. `max_drop` and `max_relative` of a rule replace the default."""
    rise, reasons = change.rise, []
    moved = "fell" if change.higher else "rose"
    limit = active.get("max_drop")
    if limit and rise > limit.value + SLACK:
        reasons.append(f"{moved} by {rise:.4g}, more than {limit.value:g} ({limit.where})")
    share = active.get("max_relative")
    if share and rise > share.value * abs(change.a) + SLACK:
        reasons.append(f"{moved} by {rise:.4g}, more than {share.value:.3%} of {change.a:.4g} ({share.where})")
    passed = max(SET_SHARE * abs(change.a), change.error)
    if not limit and not share and rise > passed + SLACK:
        reasons.append(f"{moved} by {rise:.4g}, more than {passed:.4g} (default: 1 %, or the standard error)")
    return reasons
