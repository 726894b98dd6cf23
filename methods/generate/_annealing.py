"""How many tokens each iteration of an autoregressive sampler draws, and by how many steps of diffusion."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import noisebench as nb

Annealing = Literal["linear", "cosine", "two_stage", "rising", "constant"]


def unmasked(tokens: int, iterations: int) -> list[int]:
    """How many of the tokens each iteration draws: T cos(π/2 k/K), rounded down, are left after k of K; 1 at least.

    As MaskGIT and MAR have it, so that later iterations draw more. Raises `Skip` for more iterations than tokens.
    """
    if iterations > tokens:
        raise nb.Skip(f"{tokens} tokens are drawn in {tokens} iterations at most, not {iterations}")
    drawn, remaining = [], tokens
    for done in range(1, iterations):
        after = max(1, min(remaining - 1, math.floor(tokens * math.cos(math.pi / 2 * done / iterations))))
        drawn.append(remaining - after)
        remaining = after
    return [*drawn, remaining]


def annealed(schedule: Annealing, upper: int, lower: int, drawn: Sequence[int]) -> list[int]:
    """Steps of each iteration k of 0 … K - 1, which draw so many tokens; one iteration alone has `upper`.

    `linear` falls from `upper` to `lower`, `cosine` along half a wave, `two_stage` has `upper` in the first half and
    `lower` behind, all by k, whatever is drawn, and rounded down. `rising` and `constant` cost as much as `linear`, in
    tokens times steps: a line from `lower` up, the highest that costs no more, which mirrors `linear` where all
    iterations draw alike; and two numbers of steps that differ by 1, by turns. Raises `UsageError` for a rise of steps.
    """
    if upper < lower:
        raise nb.UsageError(f"upper={upper} is below lower={lower}: give a smaller lower, or schedule=rising")
    last = len(drawn) - 1
    if last == 0:
        return [upper]
    falling = [lower + (upper - lower) * (last - k) // last for k in range(last + 1)]
    if schedule == "linear":
        return falling
    if schedule == "cosine":
        return [lower + math.floor((upper - lower) * (1 + math.cos(math.pi * k / last)) / 2) for k in range(last + 1)]
    if schedule == "two_stage":
        return [upper if 2 * k < last else lower for k in range(last + 1)]
    cost = cost_of(falling, drawn)
    if schedule == "rising":
        return _dearest(lambda rise: [lower + math.floor(rise * k / last) for k in range(last + 1)], cost, drawn)
    return _even(cost, drawn)


def cost_of(steps: Sequence[int], drawn: Sequence[int]) -> int:
    """How often a token is seen for one sample: the sum of tokens times steps."""
    return sum(count * calls for count, calls in zip(drawn, steps, strict=True))


def _dearest(steps: Callable[[float], list[int]], cost: int, drawn: Sequence[int]) -> list[int]:
    """The steps of the largest rise whose cost is no more than `cost`."""
    least, most = 0.0, float(cost)
    for _ in range(64):
        middle = (least + most) / 2
        least, most = (middle, most) if cost_of(steps(middle), drawn) <= cost else (least, middle)
    return steps(least)


def _even(cost: int, drawn: Sequence[int]) -> list[int]:
    """Whole steps whose mean over tokens is, up to each iteration, as near to that of all as it can be."""
    whole, steps, seen, spent = sum(drawn), list[int](), 0, 0
    for count in drawn:
        seen += count
        steps.append(max(1, round((cost * seen / whole - spent) / count)))
        spent += count * steps[-1]
    return steps
