"""How often equal recipes are claimed to differ over items and seeds, and how often unequal ones are told apart.

Prints percentages for docs/statistics.md: 300 simulated boards a setting, of 2, 5 and 8 recipes, 3 and 5 seeds, 12 and
68 items. A seed moves all scores of a recipe, an item all of its own, and each score varies by itself. `even`: all
recipes vary alike. `uneven`: one of them varies three times as much from seed to seed as the others.
"""

from __future__ import annotations

import itertools

import numpy as np
from noisebench.statistics import crossed_ranking
from noisebench.statistics.crossed_ranking import crossed_ranges

BOARDS = 300
RECIPES, SEEDS, ITEMS = (2, 5, 8), (3, 5), (12, 68)
PARTS = ((0.1, 0.3, 0.1), (0.1, 0.02, 0.1), (0.05, 0.0, 0.5))
"""Standard deviations by seed, by item and recipe, and of what is left."""


def scores(recipes: int, seeds: int, items: int, part: tuple[float, ...], uneven: bool, rng: np.random.Generator):
    """Scores (M, S, n) of equal recipes."""
    own = np.where((np.arange(recipes) == 0) & uneven, 3.0, 1.0)[:, None, None]
    by_seed, by_item, rest = part
    return (
        own * by_seed * rng.normal(size=(recipes, seeds, 1))
        + by_item * rng.normal(size=(recipes, 1, items))
        + rest * rng.normal(size=(recipes, seeds, items))
    )


def false_claims(uneven: bool, seeds: int, rng: np.random.Generator) -> list[float]:
    """Share of boards, in %, on which a pair of equal recipes is told apart, of each setting."""
    found = []
    for recipes, items, part in itertools.product(RECIPES, ITEMS, PARTS):
        told = [crossed_ranges(scores(recipes, seeds, items, part, uneven, rng)).apart.any() for _ in range(BOARDS)]
        found.append(100.0 * float(np.mean(told)))
    return found


def told_apart(seeds: int, rng: np.random.Generator) -> float:
    """Share of pairs, in %, that are told apart: five recipes, each 0.2 better than the next, 68 items."""
    shares = []
    for _ in range(BOARDS):
        made = scores(5, seeds, 68, (0.1, 0.1, 0.2), False, rng) + 0.2 * np.arange(5)[:, None, None]
        shares.append(crossed_ranges(made).apart.sum() / 20)
    return 100.0 * float(np.mean(shares))


def interpolated() -> None:
    """Have factors between few degrees of freedom interpolated: each takes half a second, and there are 20,000."""
    factor = crossed_ranking._factor
    degrees = np.array([1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 14, 20, 35, 80, 300, 1e5])
    known = {m: np.array([factor(m, float(one)) for one in degrees]) for m in RECIPES}
    crossed_ranking._factor = lambda m, one: float(np.interp(-1 / one, -1 / degrees, known[m]))


def main() -> None:
    """Print them."""
    interpolated()
    rng = np.random.default_rng(0)
    for uneven in (False, True):
        for seeds in SEEDS:
            found = false_claims(uneven, seeds, rng)
            name = "uneven" if uneven else "even"
            print(f"{name}, {seeds} seeds: mean {np.mean(found):.1f}, worst {max(found):.1f}", flush=True)
    for seeds in SEEDS:
        print(f"told apart with {seeds} seeds: {told_apart(seeds, rng):.0f} of 100 pairs", flush=True)


if __name__ == "__main__":
    main()
