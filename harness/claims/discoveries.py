"""How many of the effects that are reproduced stand where all effects are taken together."""

from __future__ import annotations

from collections.abc import Sequence

from .numbers import ClaimRow

RATE = 0.05
"""The share of false ones among those that stand, at most."""


def discoveries_text(rows: Sequence[ClaimRow]) -> str:
    """How many reproduced effects stand by the step-up rule of Benjamini and Hochberg (1995); empty where none has a p.

    The family are all effects that vary over seeds, whatever their verdict.
    """
    tested = [row for row in rows if row.get("p", 0.0) > 0.0]
    reproduced = [row["p"] for row in tested if row["verdict"] == "reproduced"]
    if not reproduced:
        return ""
    largest = largest_standing([row["p"] for row in tested])
    standing = sum(p <= largest for p in reproduced)
    return (
        f"{standing} of {len(reproduced)} reproduced effects that vary over seeds stand where 5 % are "
        f"false at most (Benjamini and Hochberg, of {len(tested)})"
    )


def largest_standing(p_values: Sequence[float]) -> float:
    """The largest p that stands among them; -1 where none does."""
    ordered = sorted(p_values)
    return max((p for place, p in enumerate(ordered, 1) if p <= RATE * place / len(ordered)), default=-1.0)
