"""The set metrics of two cells side by side: what changed, or why it cannot be said. `gate/limits.py` judges it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..boards.set_metrics import set_identity
from ..store.record import Record, words_of


@dataclass(frozen=True)
class SetChange:
    """One set metric on both sides; `reason` says why it cannot be compared, and then nothing else holds."""

    metric: str
    a: float = math.nan
    b: float = math.nan
    error: float = 0.0
    n: int = 0
    absent: bool = False
    reason: str = ""
    higher: bool = False

    @property
    def change(self) -> float:
        """B − A: above zero is worse, but where a `higher` value is better."""
        return self.b - self.a

    @property
    def rise(self) -> float:
        """By how much B is worse."""
        return -self.change if self.higher else self.change


def set_changes(a: Record, b: Record) -> list[SetChange]:
    """Every set metric that either cell was asked for, sorted by name. `absent` marks one that A has and B lacks."""
    one, other = a.cell.sets or {}, b.cell.sets or {}
    items = words_of(a.cell)["items"]
    changes = []
    for name in sorted(one.keys() | other.keys()):
        mine, theirs = one.get(name), other.get(name)
        if mine is None or theirs is None:
            side = "A" if mine is None else "B"
            changes.append(SetChange(name, absent=theirs is None, reason=f"{name} was not scored in {side}"))
        elif set_identity(name, mine) != set_identity(name, theirs) or _inputs(a) != _inputs(b):
            changes.append(SetChange(name, reason=f"{name} is of other features, {items}, reference or version"))
        elif mine.value is None or theirs.value is None:
            absent = mine.value is not None
            side, part = ("B", theirs) if absent else ("A", mine)
            why = "refused" if "refused" in part.flags else part.note
            changes.append(SetChange(name, absent=absent, reason=f"{name} has no value in {side}: {why}"))
        else:
            error = max(mine.error or 0.0, theirs.error or 0.0)
            changes.append(SetChange(name, mine.value, theirs.value, error, theirs.n, higher=bool(theirs.higher)))
    return changes


def _inputs(record: Record) -> list[tuple[str, str]]:
    return sorted(zip(record.items, record.input_sha256, strict=True))
