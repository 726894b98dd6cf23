"""The limits of a rule held against scores: why a metric of a cell is a regression, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..errors import UsageError, one_line
from ..store.record import Cell, Record
from .gather import Alignment, group_key, method_key
from .match import Shelf
from .rules import Limit

SLACK = 1e-9
"""Rounding of a mean of float64 scores is no loss."""


def broken(held: Mapping[str, Limit], drop: float, worst: float, item: str, mean: float, unit: str) -> list[str]:
    reasons: list[str] = []
    space = f" {unit}" if unit else ""
    limit = held.get("max_drop")
    if limit and drop > limit.value + SLACK:
        reasons.append(f"the mean dropped by {drop:.4g}{space}, more than {limit.value:g} ({limit.where})")
    limit = held.get("max_relative")
    share = drop / abs(mean) if mean and math.isfinite(mean) else math.inf if drop > SLACK else 0.0
    if limit and share > limit.value + SLACK:
        reasons.append(f"the mean dropped by {share:.3%}, more than {limit.value:.3%} ({limit.where})")
    limit = held.get("max_drop_picture")
    if limit and worst > limit.value + SLACK:
        reasons.append(f"picture {item} dropped by {worst:.4g}{space}, more than {limit.value:g} ({limit.where})")
    return reasons


class Groups:
    """Mean scores of the ok cells that may stand side by side on one side."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._groups: dict[tuple[object, ...], list[Record]] = {}
        for record in shelf.records:
            if record.cell["outcome"] == "ok" and not Alignment.lacks(record):
                self._groups.setdefault((group_key(record.cell), record.cell["seed"]), []).append(record)

    def of(self, cell: Cell) -> list[Record]:
        """The cells beside `cell`, itself included."""
        return self._groups.get((group_key(cell), cell["seed"]), [])

    def lead(self, cell: Cell, metric: str) -> tuple[float, str]:
        """By how much the best other method is ahead, and its label; oracles take no part."""
        mine = next((r for r in self.of(cell) if method_key(r.cell) == method_key(cell)), None)
        own = _mean(mine, metric) if mine else math.nan
        ahead, best = -math.inf, ""
        for record in self.of(cell):
            oracle = (record.cell["method"]["flags"] or {}).get("oracle")
            # The same method from another source is no rival: it is the past of this one.
            if oracle or record.cell["method"]["spec"] == cell["method"]["spec"]:
                continue
            gap = _gap(_mean(record, metric), own)
            if gap > ahead:
                ahead, best = gap, self._shelf.label(record.cell)
        return ahead, best


def _mean(record: Record, metric: str) -> float:
    part = record.cell["metrics"].get(metric)
    if part is None or metric not in record.scores:
        return math.nan
    with np.errstate(invalid="ignore"):
        mean = float(np.mean(record.scores[metric]))
    return mean if part["higher"] else -mean


def _gap(a: float, b: float) -> float:
    return 0.0 if a == b else a - b


def above_identity(partner: Record, metric: str, limit: Limit, now: Groups) -> list[str]:
    noisy = [r for r in now.of(partner.cell) if r.cell["method"]["name"] == "identity"]
    if not noisy:
        raise UsageError(
            f"{limit.where}: min_above_identity needs an ok cell of `identity` in CURRENT on "
            f"{one_line(partner.cell['dataset']['display'], 80)} · {one_line(partner.cell['regime']['display'], 80)}: "
            "add it to the methods"
        )
    gain = _gap(_mean(partner, metric), _mean(noisy[0], metric))
    if gain >= limit.value - SLACK:
        return []
    return [f"{gain:.4g} above identity, less than {limit.value:g} ({limit.where})"]


def stays_first(record: Record, partner: Record, metric: str, limit: Limit, before: Groups, now: Groups) -> list[str]:
    was, _ = before.lead(record.cell, metric)
    if was > SLACK:
        return []
    ahead, best = now.lead(partner.cell, metric)
    if ahead <= SLACK:
        return []
    return [f"no longer first: {best} is ahead by {ahead:.4g} ({limit.where})"]
