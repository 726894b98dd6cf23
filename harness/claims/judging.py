"""A claim judged on what there is of its cells, wherever that comes from."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..store.training_figures import Unknown
from .edges import edges_of, told_edges
from .effects import Effect, Judged, effect_row
from .figures import CellOf, CellResult, value_of
from .numbers import Claim, ClaimRow, verdict_row

ABSENT = "not among these results"

Find = Callable[[CellOf, int], CellResult]
"""What there is of a cell on a seed."""


def cells_of(claim: Claim | Effect) -> list[tuple[str, CellOf, int]]:
    """Each cell that a claim needs, with its name (empty, of a number) and its seed."""
    if isinstance(claim, Claim):
        return [("", _cell_of(claim), 0)]
    return [(name, cell.at(seed), seed) for seed in claim.seeds for name, cell in claim.cells.items()]


def not_available(claim: Claim | Effect, name: str, reason: str) -> ClaimRow:
    """A claim whose cell of that name cannot be run."""
    if isinstance(claim, Claim):
        return verdict_row(claim, CellResult(), None, reason)
    return effect_row(claim, Judged(reason=f"{name}: {reason}"))


def judged_row(claim: Claim | Effect, find: Find) -> ClaimRow:
    """A claim beside what we get: claimed, ours, seconds, verdict, reason."""
    return _number(claim, find) if isinstance(claim, Claim) else effect_row(claim, _judged(claim, find))


def _number(claim: Claim, find: Find) -> ClaimRow:
    of = _cell_of(claim)
    found = find(of, 0)
    ours, reason = None, ""
    try:
        ours = value_of(of, found, {})
    except Unknown as error:
        reason = str(error)
    if found.diverged:
        ours, reason = None, "what it trains diverged"
    return verdict_row(claim, found, ours, reason)


def _judged(effect: Effect, find: Find) -> Judged:
    values: list[dict[str, float]] = []
    seconds: dict[str, float] = {}
    notes: dict[str, None] = {}
    edges: list[tuple[str, str, int]] = []
    for seed in effect.seeds:
        known: dict[str, float] = {}
        for name, cell in effect.cells.items():
            of = cell.at(seed)
            found = find(of, seed)
            try:
                known[name] = value_of(of, found, known)
            except Unknown as error:
                reason = str(error)
                told = reason if reason == ABSENT else f"{name}: {reason}"
                return Judged(reason=told, outcome=found.outcome)
            seconds |= found.seconds
            edges += [(name, edge, seed) for edge in edges_of(of, found)]
            if math.isnan(known[name]) and found.diverged:
                notes[f"{name} diverged on seed {seed}"] = None
        values.append(known)
    return Judged(values, sum(seconds.values()), sorted(seconds), list(notes), told_edges(edges))


def _cell_of(claim: Claim) -> CellOf:
    return CellOf(claim.method, claim.dataset, claim.regime, claim.protocol, claim.metric, claim.track)
