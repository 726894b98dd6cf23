"""How often an effect that is not there is decided, and how many seeds it takes to decide one that is there.

Prints the tables of docs/statistics.md. A seed moves the difference of two arms by a normal value, an item by one of
its own, and each score varies by itself. Fixed: judged once, at so many seeds. Sequential: as `reproduce --decide`
does, but one seed at a time, from three until the verdict is decided, 40 at most.
"""

from __future__ import annotations

import itertools

import numpy as np
from noisebench.claims.comparisons import Inequality, statement_of
from noisebench.claims.expression import parsed
from noisebench.claims.inference import judge_effect, judge_sample, sample_of

SIMULATIONS, SEQUENCES, SEEDS, MOST = 2_000, 500, (3, 5, 10), 40
BY_SEED = (0.1, 1.0, 10.0)
"""Standard deviations by seed; those by item and of what is left are 1."""
ITEMS = (0, 12, 68)
"""0 where no rows of items are at hand, and seeds alone are seen."""
EFFECTS = (1.0, 2.0, 4.0)
"""In standard deviations of a seed."""
ONE = statement_of(parsed("a > b", ("a", "b")))
SEVERAL = ("a >= b and c >= b and d >= b", "a > max(b, c, d)", "a > b or c > b or d > b", "abs(a - b) <= 0.5")


def differences(seeds: int, items: int, by_seed: float, rng: np.random.Generator) -> np.ndarray:
    """Differences (seeds, items or 1) of two equal arms."""
    of_seeds = by_seed * rng.normal(size=(seeds, 1))
    return of_seeds + rng.normal(size=(1, items)) + rng.normal(size=(seeds, items)) if items else of_seeds


def decided(table: np.ndarray, sequential: bool) -> bool:
    """Whether a table of differences decides a comparison, on either side."""
    assert isinstance(ONE, Inequality)
    return judge_sample(ONE, sample_of(table), len(table), sequential).answer != "undecided"


def seeds_to_decide(table: np.ndarray) -> int:
    """The first number of seeds, from three, at which the sequential rule decides; one more than all for none."""
    return next((seeds for seeds in range(3, len(table) + 1) if decided(table[:seeds], True)), len(table) + 1)


def percent(shares: list[bool]) -> str:
    """A share in %."""
    return f"{100 * float(np.mean(shares)):.1f}"


def main() -> None:
    """Print them."""
    rng = np.random.default_rng(0)
    for items, by_seed in itertools.product(ITEMS, BY_SEED):
        fixed = [
            percent([decided(differences(seeds, items, by_seed, rng), False) for _ in range(SIMULATIONS)])
            for seeds in SEEDS
        ]
        ends = [seeds_to_decide(differences(MOST, items, by_seed, rng)) for _ in range(SEQUENCES)]
        print(
            f"null, {items} items, by seed {by_seed}: {fixed}, sequential {percent([n <= MOST for n in ends])}",
            flush=True,
        )
    for text in SEVERAL:
        # The arms b, c, d vary by seed alone and are equal; the last statement is at its edge.
        statement = statement_of(parsed(text, "abcd"))
        wrong = []
        for seeds in SEEDS:
            values = [dict(zip("abcd", rng.normal(size=(4, seeds)), strict=True)) for _ in range(SIMULATIONS)]
            shift = 0.5 if text.startswith("abs") else 0.0
            on_seeds = [[{n: v[n][s] + shift * (n == "a") for n in v} for s in range(seeds)] for v in values]
            wrong.append(percent([judge_effect(statement, one, {}).answer != "undecided" for one in on_seeds]))
        print(f"null, {text}: {wrong}", flush=True)
    for effect in EFFECTS:
        fixed = [
            percent([decided(effect + differences(seeds, 0, 1.0, rng), False) for _ in range(SIMULATIONS)])
            for seeds in SEEDS
        ]
        ends = [seeds_to_decide(effect + differences(MOST, 0, 1.0, rng)) for _ in range(SEQUENCES)]
        print(f"effect of {effect}: {fixed}, sequential takes {np.median(ends):.0f} seeds in the median", flush=True)


if __name__ == "__main__":
    main()
