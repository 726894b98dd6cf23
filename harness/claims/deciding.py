"""Seeds added to effects until their verdicts are decided, by bounds that allow for a look after each seed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from .effects import Effect
from .inference import MOST_MORE
from .numbers import Claim, ClaimRow


def decide(
    claims: Sequence[Claim | Effect],
    run: Callable[[Sequence[Claim | Effect]], list[ClaimRow]],
    seconds: float,
    known: Mapping[str, ClaimRow] | None = None,
) -> list[ClaimRow]:
    """A row for each claim, in their order; effects get seeds until each is decided or time is up.

    `run` gives the rows of claims, and keeps what it has run. `known` has earlier rows of effects by name: one that is
    decided there stays as it is, another goes on from its seeds. No seed is begun that would take longer than is left,
    by what the seeds before it took, and 100 are added at most.
    """
    end = time.monotonic() + seconds
    current = [_begun(one, (known or {}).get(one.name)) if isinstance(one, Effect) else one for one in claims]
    rows = run(current)
    while True:
        time_left = end - time.monotonic()
        more = {
            place: _with_more_seeds(effect, len(claim.seeds) + MOST_MORE, rows[place], time_left)
            for place, (claim, effect) in enumerate(zip(claims, current, strict=True))
            if isinstance(claim, Effect) and isinstance(effect, Effect)
        }
        open_effects = {place: effect for place, effect in more.items() if effect is not None}
        if not open_effects:
            return rows
        for place, row in zip(open_effects, run(list(open_effects.values())), strict=True):
            current[place], rows[place] = open_effects[place], row


def _begun(effect: Effect, row: ClaimRow | None) -> Effect:
    """The effect on the seeds that are known; by bounds that hold after each seed, but where it is decided."""
    if row is None:
        return replace(effect, sequential=True)
    is_open = row["verdict"] == "undecided"
    return replace(effect, seeds=tuple(row["seeds"]), sequential=is_open or row.get("sequential", False))


def _with_more_seeds(effect: Effect, most: int, row: ClaimRow, time_left: float) -> Effect | None:
    """The effect with as many more seeds as should decide it, at most twice of what it has; None for no more."""
    count = len(effect.seeds)
    decided = row["verdict"] != "undecided" or row.get("more_seeds") == 0
    if decided or (row.get("edges") and not effect.widened) or math.isnan(row.get("low", math.nan)):
        return None
    fitting = time_left / ((row["seconds"] or 0.0) / count or 1e-9)
    added = int(min(row.get("more_seeds") or count, count, most - count, fitting))
    first = max(effect.seeds) + 1
    return replace(effect, seeds=(*effect.seeds, *range(first, first + added))) if added > 0 else None
