"""What a board can tell apart: the smallest difference that its own paired test finds with a chance of 80 %. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..statistics.exact_scores import compared, is_exact
from ..statistics.paired_tests import MIN_ITEMS, Floats
from ..statistics.sample_size import MOST, smallest_effect, units_for
from .rows import Column, Row
from .units import Units


@dataclass(frozen=True)
class DetectableDifferences:
    """What a board tells apart with its `units` and `seeds`, where the test judges `comparisons` at once.

    Of each of P pairs of its contenders, the most alike first: the `places` (P, 2) of the two in `labels`, their mean
    difference, its `deviations` over units, and `seed_variances`, the part of that variance that is of single seeds:
    None with one seed.
    """

    units: int
    seeds: int
    comparisons: int
    column: Column
    labels: Sequence[str]
    places: npt.NDArray[np.intp]
    differences: Floats
    deviations: Floats
    seed_variances: Floats | None

    @property
    def smallest(self) -> Floats:
        """The smallest difference (P,) of each pair that is told from 0."""
        smallest: Floats = smallest_effect(self.units, self.comparisons) * self.deviations
        return smallest

    @property
    def typical(self) -> int:
        """The pair in the middle."""
        return len(self.deviations) // 2

    def place_of(self, one: str, other: str) -> int | None:
        """Which pair has these two labels; None where none has."""
        names = {self.labels.index(label) for label in (one, other) if label in self.labels}
        return next((place for place, pair in enumerate(self.places.tolist()) if {*pair} == names), None)

    def units_for(self, pair: int, difference: float) -> int:
        """How many units tell a difference of a pair."""
        deviation = float(self.deviations[pair])
        return MIN_ITEMS if deviation <= 1e-9 * difference else units_for(difference / deviation, self.comparisons)

    def seeds_for(self, pair: int, difference: float) -> int | None:
        """How many seeds, with the units that there are, tell a difference of a pair; None where no number does, or
        where one seed does not say it."""
        if self.seed_variances is None:
            return None
        over_seeds = float(self.seed_variances[pair])
        between = max(0.0, float(self.deviations[pair]) ** 2 - over_seeds / self.seeds)
        allowed = (difference / smallest_effect(self.units, self.comparisons)) ** 2 - between
        return None if allowed <= 0 else max(1, math.ceil(over_seeds / allowed - 1e-9))


def detectable_differences(rows: Sequence[Row], column: Column | None, units: Units) -> DetectableDifferences | None:
    """What a board of rows that `rank` put in order by `column` tells apart.

    None where its test needs more units, and where no two methods are there whose scores vary over units alone: those
    that were trained anew for each seed vary over trainings too.
    """
    ranked = [row for row in rows if not row.unranked]
    if column is None or len(ranked) < 2:
        return None
    values = np.stack([row.scores[column.label].values for row in ranked])
    kept = compared(values, column.higher)
    exact = [bool(is_exact(scores, column.higher).all()) for scores in values]
    chosen = [i for i, row in enumerate(ranked) if not (exact[i] or row.trained_anew)]
    contenders = [i for i in chosen if not ranked[i].role]
    chosen = contenders if len(contenders) > 1 else chosen
    n, contending = int(kept.sum()), len(ranked) - sum(exact)
    if n < MIN_ITEMS or len(chosen) < 2:
        return None
    comparisons = contending * (contending - 1) // 2
    seeds = len(ranked[0].keys)
    scores = values[chosen][:, kept]
    pairs = np.triu_indices(len(chosen), 1)
    deviations = np.sqrt(_variances(np.cov(scores)))[pairs]
    order = np.argsort(deviations, kind="stable")
    over_seeds = _seed_variances(ranked, chosen, column, units, kept) if seeds > 1 else None
    means = scores.mean(axis=1)
    return DetectableDifferences(
        n, seeds, comparisons, column, [ranked[i].label for i in chosen], np.stack(pairs, axis=1)[order],
        (means[pairs[0]] - means[pairs[1]])[order], deviations[order],
        None if over_seeds is None else over_seeds[pairs][order],
    )  # fmt: skip


def _variances(covariance: Floats) -> Floats:
    """The variance (M, M) of the difference of each pair of what has this covariance (M, M)."""
    diagonal = covariance.diagonal()
    variances: Floats = np.maximum(diagonal[:, None] + diagonal[None] - 2 * covariance, 0.0)
    return variances


def _seed_variances(
    ranked: Sequence[Row], chosen: Sequence[int], column: Column, units: Units, kept: npt.NDArray[np.bool_]
) -> Floats | None:
    """The variance over seeds (M, M) of the differences of each pair, pooled over units; None where one is unknown."""
    by_seed = [ranked[i].scores[column.label].by_seed for i in chosen]
    if any(one is None for one in by_seed):
        return None
    scores = np.stack([units.average(np.asarray(one))[:, kept] for one in by_seed])
    if not np.isfinite(scores).all():
        return None
    apart = scores - scores.mean(axis=1, keepdims=True)
    seeds, n = apart.shape[1:]
    flat = apart.reshape(len(chosen), -1)
    return _variances(flat @ flat.T / (n * (seeds - 1)))


def amount(value: float, column: Column) -> str:
    """A difference as a person reads it: `0.11 dB`, with two digits at least."""
    return f"{column.notation.text_of_digits(value, 2)} {column.unit}".rstrip()


def count_text(count: int) -> str:
    """A number that is planned: two digits, since more would say that the plan is exact."""
    step = 10 ** max(0, len(str(count)) - 2)
    return f"more than {MOST:,}" if count > MOST else f"{-(-count // step) * step:,}"


def detectable_text(detectable: DetectableDifferences) -> str:
    """`detectable difference: …`, the line of a board."""
    smallest = detectable.smallest
    shown = [amount(float(smallest[i]), detectable.column) for i in (0, detectable.typical, -1)]
    span = f" ({shown[0]} to {shown[2]}, by pair)" if len(detectable.deviations) > 2 else ""
    return f"detectable difference: {shown[1]} at 80 % power{span}"
