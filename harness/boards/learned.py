"""Boards of restoration on which no learned method is ahead of the best of the others: said in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from .rows import Row

TRACKS = ("restore",)
"""Those where the methods that learn nothing are strong rivals of those that do."""


def learned_behind(track: str, rows: Sequence[Row]) -> str:
    """That the learned of ranked `rows`, best first, are behind the best other; empty where one is ahead of it.

    "Behind" is said where each is told apart from it. What a known optimum gives is no rival.
    """
    ranked = [row for row in rows if not row.unranked and row.role != "optimum"]
    learned = [row for row in ranked if is_learned(row)]
    others = [row for row in ranked if not is_learned(row)]
    if track not in TRACKS or not learned or not others or ranked[0] is not others[0]:
        return ""
    best = others[0]
    if all(row.label in best.apart for row in learned):
        return f"every learned method here is behind {best.label}"
    return f"no learned method here is ahead of {best.label}"


def is_learned(row: Row) -> bool:
    """Whether a method was trained, in a cell or before on a set that it names."""
    return bool(row.trained_on) or any(row.trainings)
