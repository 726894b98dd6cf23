"""Which means of a column are bold and which underlined: those that the paired test parts from the rest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from ...boards.rows import Row

Mark = Literal["", "best", "second"]


def marks(rows: Sequence[Row], among: Collection[str]) -> dict[str, Mark]:
    """Mark by label of those `among` the rows of a board, which are in its order for one metric.

    A group is the fewest rows at the head of which each is told apart from each row below, a contender among these.
    There is none where a row has not been tested. A group with a row that is there to be beaten is not marked, nor is
    what comes after it.
    """
    entrants = [row for row in rows if row.label in among and not row.unranked and row.role != "optimum"]
    if any(row.ranks is None for row in entrants):
        return {}
    marked: dict[str, Mark] = {}
    for mark in ("best", "second"):
        size = _head(entrants)
        if size is None or any(row.role for row in entrants[:size]):
            break
        marked |= {row.label: mark for row in entrants[:size]}
        entrants = entrants[size:]
    return marked


def _head(rows: Sequence[Row]) -> int | None:
    """How many rows at the head are told apart from all others, the fewest; None where no number of them is.

    A contender is among the others: to be better than what is there to be beaten is no distinction.
    """
    last = max((place for place, row in enumerate(rows) if not row.role), default=0)
    for size in range(1, last + 1):
        if all(below.label in row.apart for row in rows[:size] for below in rows[size:]):
            return size
    return None
