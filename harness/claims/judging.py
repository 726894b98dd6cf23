"""A claim judged on what there is of its cells, wherever that comes from."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import replace

from ..store.training_figures import NoValue
from .edges import edge_notes, edges_of
from .effect_verdicts import Judged, effect_row, joined, judged_of
from .effects import Effect
from .figures import CellOf, CellResult, value_of
from .inference import Rows
from .numbers import Claim, ClaimRow, verdict_row

ABSENT = "not among these results"

Find = Callable[[CellOf, int], CellResult]
"""What there is of a cell on a seed."""


def cells_of(claim: Claim | Effect, known: ClaimRow | None = None) -> list[tuple[str, CellOf, int]]:
    """Each cell that a claim needs, with its name (empty, of a number) and its seed, beyond the seeds that are known.

    `known` is the row of an effect on its first seeds.
    """
    if isinstance(claim, Claim):
        return [("", _cell_of(claim), 0)]
    seeds = _beyond(claim, known).seeds
    return [(name, cell.at(seed), seed) for seed in seeds for name, cell in claim.all_cells.items()]


def _beyond(effect: Effect, known: ClaimRow | None) -> Effect:
    """The effect on the seeds after those that are known, which are its first. Raises ValueError where they are not."""
    seeds = tuple(known["seeds"]) if known is not None else ()
    if effect.seeds[: len(seeds)] != seeds:
        raise ValueError(f"{effect.name}: the seeds that are known are not its first")
    return replace(effect, seeds=effect.seeds[len(seeds) :])


def not_available(claim: Claim | Effect, name: str, reason: str) -> ClaimRow:
    """A claim whose cell of that name cannot be run."""
    if isinstance(claim, Claim):
        return verdict_row(claim, CellResult(), None, reason)
    return effect_row(claim, Judged(reason=f"{name}: {reason}"))


def judged_row(claim: Claim | Effect, find: Find, known: ClaimRow | None = None) -> ClaimRow:
    """A claim beside what we get: claimed, ours, seconds, verdict, reason.

    `known` is the row of an effect on its first seeds: only the others are looked for.
    """
    if isinstance(claim, Claim):
        return _number(claim, find)
    if known is None:
        return effect_row(claim, _judged(claim, find))
    others, before = _beyond(claim, known), judged_of(known)
    return effect_row(claim, joined(before, _judged(others, find)) if others.seeds else before)


def _number(claim: Claim, find: Find) -> ClaimRow:
    of = _cell_of(claim)
    result = find(of, 0)
    ours, reason = None, ""
    try:
        ours = value_of(of, result, {})
    except NoValue as error:
        reason = str(error)
    if result.diverged:
        ours, reason = None, "what it trains diverged"
    return verdict_row(claim, result, ours, reason)


def _judged(effect: Effect, find: Find) -> Judged:
    values: list[dict[str, float]] = []
    seconds: dict[str, float] = {}
    notes: dict[str, None] = {}
    edges: list[tuple[str, str, int]] = []
    scored: dict[str, list[tuple[str, list[float]]]] = {}
    for seed in effect.seeds:
        known: dict[str, float] = {}
        for name, cell in effect.all_cells.items():
            of = cell.at(seed)
            result = find(of, seed)
            try:
                known[name] = value_of(of, result, known)
            except NoValue as error:
                reason = str(error)
                return Judged(reason=reason if reason == ABSENT else f"{name}: {reason}", outcome=result.outcome)
            seconds |= result.seconds
            edges += [(name, edge, seed) for edge in edges_of(of, result)]
            if math.isnan(known[name]) and result.diverged:
                notes[f"{name} diverged on seed {seed}"] = None
            if of.scored_by in result.scores:
                scored.setdefault(name, []).append(_by_item(of, result))
        values.append(known)
    rows = {
        name: Rows(items=on[0][0], scores=[scores for _, scores in on])
        for name, on in scored.items()
        if len(on) == len(effect.seeds) and len({items for items, _ in on}) == 1
    }
    return Judged(values, sum(seconds.values()), sorted(seconds), list(notes), edge_notes(edges), rows=rows)


def _by_item(of: CellOf, result: CellResult) -> tuple[str, list[float]]:
    """A short hash of which items a cell is of, and the scores in the order of their names, as files keep them."""
    names, scores = zip(*sorted(zip(result.items, result.scores[of.scored_by].tolist(), strict=True)), strict=True)
    named = hashlib.sha256("\n".join([of.track, of.dataset, *names]).encode()).hexdigest()
    return named[:12], [float(f"{score:.6g}") for score in scores]


def _cell_of(claim: Claim) -> CellOf:
    return CellOf(claim.method, claim.dataset, claim.regime, claim.protocol, claim.metric, claim.track)
