"""The set metrics of two cells side by side: what changed, and whether it is more than a gate lets pass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..store.record import Record
from .rules import Limit
from .sets import identity

SHARE = 0.01
"""Without a rule, a rise of a set metric by this share of the baseline, or by its standard error, is let pass."""
_SLACK = 1e-9


@dataclass(frozen=True)
class SetChange:
    """One set metric on both sides; `reason` says why it cannot be compared, and then nothing else holds."""

    metric: str
    a: float = math.nan
    b: float = math.nan
    error: float = 0.0
    n: int = 0
    lost: bool = False
    reason: str = ""

    @property
    def change(self) -> float:
        """B − A: above zero is worse."""
        return self.b - self.a


def set_changes(a: Record, b: Record) -> list[SetChange]:
    """Every set metric that either cell was asked for, sorted by name. `lost` marks one that A has and B lacks."""
    one, other = a.cell.get("sets") or {}, b.cell.get("sets") or {}
    found = []
    for name in sorted(one.keys() | other.keys()):
        mine, theirs = one.get(name), other.get(name)
        if mine is None or theirs is None:
            side = "A" if mine is None else "B"
            found.append(SetChange(name, lost=theirs is None, reason=f"{name} was not scored in {side}"))
        elif identity(name, mine) != identity(name, theirs) or _inputs(a) != _inputs(b):
            found.append(SetChange(name, reason=f"{name} is of other features, pictures, reference or version"))
        elif mine["value"] is None or theirs["value"] is None:
            lost = mine["value"] is not None
            side, part = ("B", theirs) if lost else ("A", mine)
            why = "refused" if "refused" in part["flags"] else part["note"]
            found.append(SetChange(name, lost=lost, reason=f"{name} has no value in {side}: {why}"))
        else:
            error = max(mine["error"] or 0.0, theirs["error"] or 0.0)
            found.append(SetChange(name, mine["value"], theirs["value"], error, theirs["n"]))
    return found


def _inputs(record: Record) -> list[tuple[str, str]]:
    return sorted(zip(record.items, record.input_sha256, strict=True))


def set_limits_broken(change: SetChange, held: Mapping[str, Limit]) -> list[str]:
    """Which limits a change breaks. `max_drop` and `max_relative` of a rule take the place of the default."""
    rise, reasons = change.change, []
    limit = held.get("max_drop")
    if limit and rise > limit.value + _SLACK:
        reasons.append(f"rose by {rise:.4g}, more than {limit.value:g} ({limit.where})")
    share = held.get("max_relative")
    if share and rise > share.value * abs(change.a) + _SLACK:
        reasons.append(f"rose by {rise:.4g}, more than {share.value:.3%} of {change.a:.4g} ({share.where})")
    passed = max(SHARE * abs(change.a), change.error)
    if not limit and not share and rise > passed + _SLACK:
        reasons.append(f"rose by {rise:.4g}, more than {passed:.4g} (default: 1 %, or the standard error)")
    return reasons
