"""How often equal trainings are claimed to differ over items and seeds, and how often unequal ones are told apart.

`python benchmarks/test_false_claims_over_trainings.py` prints the tables of docs/statistics.md, of 250 boards a
setting; `make bench` holds the mean of few boards of each setting against its bound.

A score is a part of its item, one of item and method, one of the training and a rest. The part of item and method is
heavy-tailed (`symmetric`) or, of every other method, exponential (`skewed`), as in `false_claims.py`. Training of a
restless row varies ten times as much as that of the others. Items of one draw are used with all numbers of seeds and
deviations; the rest of one item has the mean 0 over seeds. None of the draws was looked at when the rule was chosen.
"""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from false_claims import NULLS, scores
from noisebench.statistics.blas_threads import one_blas_thread
from noisebench.statistics.crossed_ranking import TrainingScores, with_trainings
from noisebench.statistics.paired_tests import ALPHA, mean_differences
from noisebench.statistics.ranking import MethodPairs
from scipy.special import chdtri, ndtr, ndtri, stdtrit
from targets import hold

METHODS, ITEMS, SEEDS, DEVIATIONS = (2, 5, 10, 30), (6, 12, 24, 68), (2, 3, 5, 10), (0.0, 0.1, 1.0)
REST, RESTLESS = 0.1, 10.0
DRAWS = 47
"""Keys the random numbers."""
STEPS = {2: 3.0, 5: 1.5, 10: 0.8, 30: 0.3}
"""By how many deviations of a difference each method is better than the next one, by the number of methods."""
VARIANCES = {"symmetric": (0.18, 0.18), "skewed": (0.01, 0.09)}
"""Of what an item adds to the methods with even and with odd numbers."""


class Setting(NamedTuple):
    """What a board is drawn by."""

    null: str
    methods: int
    items: int
    seeds: int
    deviation: float
    restless: bool


class Claims(NamedTuple):
    """Whether equal methods were told apart, and the shares of unequal pairs that are: by the test, and by two who know
    more: the oracle knows all variances, the informed those of items and which trainings deviate alike."""

    false: float
    power: float
    informed: float
    oracle: float


def oracle(means: np.ndarray, variances: np.ndarray, degrees: np.ndarray | float = 1e6) -> np.ndarray:
    """Which pairs (P,) differ by Student's t with these variances, by Holm's steps."""
    size, apart = np.abs(means) / np.sqrt(variances), np.zeros(len(means), bool)
    while (steps := size > -stdtrit(degrees, ALPHA / max(1, len(means) - apart.sum()) / 2)).sum() > apart.sum():
        apart = steps
    return apart


def informed(means: np.ndarray, of_items: np.ndarray, drawn: np.ndarray, restless: np.ndarray) -> np.ndarray:
    """Which pairs differ for who pools all methods (M, S), or all but the first, whose pairs are `restless` (P,)."""
    seeds = drawn.shape[1]
    own, free = drawn.var(axis=1, ddof=1) / seeds, seeds - 1.0
    calm = slice(int(restless.any()), None)
    pooled, together = own[calm].mean(), free * len(own[calm])
    variances = np.where(restless, own[0] + pooled, 2 * pooled)
    squares = np.where(restless, own[0] ** 2 / free + pooled**2 / together, variances**2 / together)
    return oracle(means, of_items + variances, (of_items + variances) ** 2 / np.maximum(squares, 1e-12))


def simulate(null: str, methods: int, items: int, boards: int) -> dict[Setting, Claims]:
    """The shares of claims, in %, by setting."""
    rng = np.random.default_rng([DRAWS, NULLS.index(null), methods, items])
    made: dict[Setting, list[Claims]] = defaultdict(list)
    no_shared = np.zeros((methods, methods), bool)
    for number in range(boards):
        table = scores(null, methods, items, rng)
        pairs = MethodPairs(table)
        (by_items,) = mean_differences([pairs], f"{DRAWS}|{number}")
        for seeds, deviation, restless in itertools.product(SEEDS, DEVIATIONS, (False, True)):
            spread = np.full(methods, deviation)
            spread[0] = max(RESTLESS * deviation, 1.0) if restless else deviation
            own = np.stack([np.resize(VARIANCES[null], methods) / items, spread**2 / seeds])
            of_items, of_trainings = own[:, pairs.first] + own[:, pairs.second]
            variances = of_items + of_trainings
            by_training = spread[:, None] * rng.normal(size=(methods, seeds))
            rest = REST * rng.normal(size=(methods, seeds, items))
            rest -= rest.mean(axis=1, keepdims=True)
            steps = STEPS[methods] * float(np.sqrt(np.median(variances))) * rng.permutation(methods)
            claims = []
            for better in (0.0 * steps, steps):
                drawn = by_training + better[:, None]
                shift = drawn.mean(axis=1)[pairs.second] - drawn.mean(axis=1)[pairs.first]
                shifted = replace(by_items, mean=by_items.mean + shift, interval=by_items.interval + shift[:, None])
                trainings = TrainingScores(table[:, None] + drawn[..., None] + rest, np.ones(methods, bool), no_shared)
                judged = with_trainings(shifted, pairs.first, pairs.second, trainings)
                claims.append(judged)
            setting = Setting(null, methods, items, seeds, deviation, restless)
            means = claims[1].mean
            powers = (
                claims[1].significant.mean(),
                informed(means, of_items, by_training, restless & (pairs.first == 0)).mean(),
                oracle(means, variances).mean(),
            )
            made[setting].append(Claims(float(claims[0].significant.any()), *map(float, powers)))
    return {setting: Claims(*(100 * np.mean(each) for each in zip(*own, strict=True))) for setting, own in made.items()}


def told_apart(methods: int, degrees: float) -> float:
    """The share of pairs, in %, that Student's t tells apart at Holm's first level, where noise is normal.

    No test of a pair alone does better that is valid whatever the variance, and that treats both signs alike (Lehmann
    and Romano, 2005, 5.2 and 5.3). With infinite degrees of freedom the variance is known. A deviation is averaged over
    its quantiles.
    """
    first, second = np.triu_indices(methods, 1)
    apart, level = STEPS[methods] * (second - first), ALPHA / len(first) / 2
    if np.isinf(degrees):
        bound, deviations = -ndtri(level), np.ones(1)
    else:
        bound = -stdtrit(degrees, level)
        deviations = np.sqrt(chdtri(degrees, (np.arange(2000) + 0.5) / 2000) / degrees)
    limits = bound * deviations[:, None]
    return float(100 * np.mean(ndtr(apart - limits) + ndtr(-apart - limits)))


def print_bounds() -> None:
    """Print what unknown variances leave of the power of the oracle."""
    degrees = {
        "alike, and known to be": lambda methods, seeds: methods * (seeds - 1),
        "of any variance": lambda _, seeds: 2 * (seeds - 1),
        "beside a restless one": lambda _, seeds: seeds - 1,
    }
    for methods in METHODS:
        for name, of in degrees.items():
            shares = (f"{told_apart(methods, of(methods, seeds)):.0f}" for seeds in SEEDS)
            print(f"| {methods} methods, {name} | {' | '.join(shares)} | {told_apart(methods, np.inf):.0f} |")
    for methods in METHODS:
        print(f"| {methods} | {' | '.join(f'{told_apart(methods, items - 1):.0f}' for items in ITEMS)} |")


def test_two_methods_of_three_seeds_cannot_be_within_ten_points_of_the_oracle() -> None:
    assert told_apart(2, 4) < told_apart(2, np.inf) - 20 and told_apart(10, 20) > told_apart(10, np.inf) - 10


def simulated(boards: int) -> dict[Setting, Claims]:
    """All settings."""
    made: dict[Setting, Claims] = {}
    with one_blas_thread():
        for null, methods, items in itertools.product(NULLS, METHODS, ITEMS):
            made |= simulate(null, methods, items, boards)
    return made


def worst(made: dict[Setting, Claims]) -> str:
    """Mean and largest share of false claims."""
    false = [claims.false for claims in made.values()]
    return f"{np.mean(false):.1f}, {max(false):.1f}"


def test_equal_trainings_are_told_apart_on_one_board_in_twenty_at_most() -> None:
    made = simulated(40)
    false = {
        null: float(np.mean([claims.false for setting, claims in made.items() if setting.null == null]))
        for null in NULLS
    }
    hold(
        {
            "equal trainings told apart, symmetric": false["symmetric"],
            "equal trainings told apart, skewed": false["skewed"],
        }
    )


def main(boards: int = 250) -> None:
    """Print the tables."""
    print_bounds()
    made = simulated(boards)
    print("| false claims, % of boards | symmetric: mean, worst | skewed: mean, worst |\n|---|---|---|")
    for field, values in (("seeds", SEEDS), ("deviation", DEVIATIONS), ("restless", (False, True)),
                          ("items", ITEMS), ("methods", METHODS)):  # fmt: skip
        for value in values:
            own = {s: c for s, c in made.items() if getattr(s, field) == value}
            shares = (worst({s: c for s, c in own.items() if s.null == null}) for null in NULLS)
            print(f"| {field} {value} | {' | '.join(shares)} |")
    titles = [f"{methods} methods{', one restless' * restless}" for restless in (0, 1) for methods in METHODS]
    print(f"\n| pairs told apart, %: test, informed, oracle | {' | '.join(titles)} |\n|---|{'---|' * len(titles)}")
    for seeds, deviation in itertools.product(SEEDS, DEVIATIONS):
        cells = []
        for restless, methods in itertools.product((False, True), METHODS):
            own = [c for s, c in made.items() if s[1:2] + s[3:] == (methods, seeds, deviation, restless)]
            cells.append(", ".join(f"{np.mean([getattr(c, name) for c in own]):.0f}" for name in Claims._fields[1:]))
        print(f"| {seeds} seeds, {deviation:g} dB | {' | '.join(cells)} |")
    for setting, claims in sorted(made.items(), key=lambda pair: -pair[1].false)[:12]:
        print(f"{claims.false:.1f}", setting)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
