"""Paired statistics on arrays: means of differences with intervals that hold all at once, the worst tail."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..components.keyed_noise import keyed_generator

Floats = npt.NDArray[np.float64]
"""float64 arrays of scores and statistics; each use gives the shape."""
Flags = npt.NDArray[np.bool_]
"""A yes or no for each of something."""
Places = npt.NDArray[np.intp]
"""Where something is in an array."""

ALPHA = 0.05
MIN_ITEMS = 6
"""With fewer, items that all agree in sign are no evidence at 5 %: 2/2⁵ = 0.0625."""
RESAMPLES, RESAMPLES_OF_MANY, MANY = 1_999, 499, 500
"""Resamples of a family, fewer where it has more than `MANY` differences."""
TAIL = 0.10
"""The tail of each difference by which it is made comparable to the others of its family."""
CAUTION = 1.25
"""Resampled tails are too light by up to a fourth of their share with heavy tails and skew: p is raised by as much."""
EQUAL = 0.002
"""Resamples of equal items have no spread. In a family they may be 4 % together; of one row so many never matter."""
ROUNDING = 1e-9
"""Two scores of one item that differ by no more than this share of the larger are equal but for rounding."""
ROWS_AT_ONCE, _JUDGED_AT_ONCE = 256, 4096


def keyed_rng(identity: str) -> np.random.Generator:
    """A generator that depends on `identity` alone: Philox keyed by its SHA-256."""
    return keyed_generator(hashlib.sha256(identity.encode("utf-8", "replace")).digest())


@dataclass(frozen=True)
class MeanDifferences:
    """Of P differences: `mean` (P,), its standard `error` (P,), `interval` (P, 2) and adjusted `p` (P,).

    The intervals of a family hold all at once with 95 %. An interval excludes 0 where p ≤ 5 %, and only there. A
    difference that cannot be judged has the interval NaN and p = 1.
    """

    mean: Floats
    error: Floats
    interval: Floats
    p: Floats

    @property
    def significant(self) -> Flags:
        """Which means differ significantly from 0, (P,)."""
        significant: Flags = self.p <= ALPHA
        return significant

    def row(self, place: int) -> MeanDifferences:
        """One of them alone."""
        return self._rows(slice(place, place + 1))

    def first(self, count: int) -> MeanDifferences:
        """The first `count` of them."""
        return self._rows(slice(count))

    def _rows(self, rows: slice) -> MeanDifferences:
        return MeanDifferences(self.mean[rows], self.error[rows], self.interval[rows], self.p[rows])


class DifferenceRows(Protocol):
    """Differences (P, n) that are computed some rows at a time, such as those of all pairs; or an array."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, rows: slice | Flags | Places, /) -> Floats: ...


def mean_differences(families: Sequence[DifferenceRows], identity: str) -> list[MeanDifferences]:
    """The means of finite `differences` (P, n), judged as one family; n may differ from one table to the next.

    Equal-tailed bootstrap-t (Efron 1982; Hall 1988): items are resampled, the same ones for all rows of a table, and
    each mean is studentised anew. Each row is scaled by its own tails (Beran 1988), and the largest of all rows is
    what a difference has to exceed (Westfall & Young 1993, single step). No p is below 2/2ⁿ, the chance that n signs
    agree. `identity` keys the resamples.
    """
    rows = sum(family.shape[0] for family in families)
    largest = no_largest(rows)
    tails = [tails_of(family, identity, largest, rows) for family in families]
    return [judge(family, ends, largest) for family, ends in zip(families, tails, strict=True)]


def no_largest(rows: int) -> Floats:
    """A zero for each resample of a family of so many `rows`: the largest studentised mean before any is computed."""
    return np.zeros(RESAMPLES if rows <= MANY else RESAMPLES_OF_MANY)


def bound_of(largest: Floats) -> float:
    """What a difference of a family has to exceed, from the `largest` studentised mean in each resample."""
    return float(np.sort(largest)[len(largest) - round(ALPHA / CAUTION * (len(largest) + 1))])


def shares_of_items(identity: str, n: int, resamples: int) -> Floats:
    """The share of each item in each resample, (n, resamples): products with it are resampled moments."""
    drawn = keyed_rng(f"{identity}|{n}").integers(0, n, size=(resamples, n), dtype=np.int64)
    places = drawn + n * np.arange(resamples)[:, None]
    shares: Floats = np.bincount(places.ravel(), minlength=resamples * n).reshape(resamples, n).T / n
    return shares


def tail_places(resamples: int) -> tuple[int, int]:
    """Where the lower and the upper tail are among sorted resamples."""
    return round(TAIL * (resamples + 1)) - 1, resamples - round(TAIL * (resamples + 1))


def tails_of(differences: DifferenceRows, identity: str, largest: Floats, family_rows: int) -> Floats:
    """Lower and upper tail (P, 2) of each studentised mean, NaN for none; raises `largest` (resamples,) to them.

    A row has none where a share of the resamples, which depends on `family_rows`, or four, consists of equal items.
    """
    rows, n = differences.shape
    tails = np.full((rows, 2), np.nan)
    if n < MIN_ITEMS or not rows:
        return tails
    resamples = len(largest)
    shares, (low, high) = shares_of_items(identity, n, resamples), tail_places(resamples)
    most = max(EQUAL, ALPHA / CAUTION / family_rows)
    # Allocating memory anew costs more than the computation.
    whole_t, whole_spread, whole_scratch = np.empty((3, min(rows, ROWS_AT_ONCE), resamples))
    for start in range(0, rows, ROWS_AT_ONCE):
        part = differences[start : start + ROWS_AT_ONCE]
        t, spread, scratch = whole_t[: len(part)], whole_spread[: len(part)], whole_scratch[: len(part)]
        mean = part.mean(axis=1, keepdims=True)
        deviations = part - mean
        squares = deviations**2
        variance = squares.mean(axis=1, keepdims=True)
        np.matmul(deviations, shares, out=t)
        np.matmul(squares, shares, out=spread)
        spread -= np.square(t, out=scratch)
        equal_counts = np.zeros(len(part), np.int64)
        if (spread.min(axis=1) <= 1e-12 * variance[:, 0]).any():
            equal = spread <= 1e-12 * variance
            equal_counts = np.count_nonzero(equal, axis=1)
            np.maximum(spread, np.maximum(1e-18 * variance, np.finfo(float).tiny), out=spread)
        np.sqrt(spread, out=spread)
        t /= spread
        t *= np.sqrt(n - 1.0)
        if equal_counts.any():
            _bound_equal(t, equal & (equal_counts < max(EQUAL * resamples, 4))[:, None])
        scratch[:] = t
        scratch.sort(axis=1)
        pairs = np.stack([-scratch[:, low], scratch[:, high]], axis=1)
        judged = (pairs > 0).all(axis=1) & (equal_counts < max(most * resamples, 4))
        if (suspect := judged & (variance <= 1e-17 * mean**2)[:, 0]).any():
            judged[suspect] = ~_constant(part[suspect])
        pairs[~judged] = np.nan
        tails[start : start + len(part)] = pairs
        if judged.any():
            if not judged.all():
                t, pairs, scratch = t[judged], pairs[judged], scratch[judged]
            for scale in (-1 / pairs[:, 0], 1 / pairs[:, 1]):
                np.maximum(largest, np.einsum("ij,i->ij", t, scale, out=scratch).max(axis=0), out=largest)
    return tails


def _bound_equal(t: Floats, equal: Flags) -> None:
    """Give resamples (P, R) whose items are all `equal`, and so have no spread, the largest studentised mean of others.

    Their own would be near infinity, and the bound of a whole family would hang on them.
    """
    for row in np.flatnonzero(equal.any(axis=1)):
        others = np.abs(t[row][~equal[row]])
        t[row, equal[row]] = np.sign(t[row, equal[row]]) * others.max(initial=0.0)


def judge(differences: DifferenceRows, tails: Floats, largest: Floats) -> MeanDifferences:
    """Means of `differences` (P, n) from their `tails` and the `largest` studentised means of their family."""
    (rows, n), bound = differences.shape, bound_of(largest)
    mean, errors, p, interval = np.empty(rows), np.empty(rows), np.empty(rows), np.empty((rows, 2))
    ordered = np.sort(largest)
    for start in range(0, rows, _JUDGED_AT_ONCE):
        block = slice(start, start + _JUDGED_AT_ONCE)
        part, tail = differences[block], tails[block]
        middle = part.mean(axis=1)
        deviation = part.std(axis=1, ddof=1) if n > 1 else np.zeros(len(part))
        error = deviation / np.sqrt(n)
        constant = np.isnan(tail[:, 0]) & (n >= MIN_ITEMS)
        constant[constant] = _constant(part[constant])
        with np.errstate(divide="ignore", invalid="ignore"):
            exceeds = np.where(middle > 0, middle / tail[:, 1], -middle / tail[:, 0]) / error
            exceeds = np.where(constant, np.where(middle == 0, 0.0, np.inf), exceeds)
        ends = np.stack([middle - bound * tail[:, 1] * error, middle + bound * tail[:, 0] * error], axis=1)
        ends[constant] = middle[constant, None]
        above = len(largest) - np.searchsorted(ordered, np.nan_to_num(exceeds, nan=0.0, posinf=np.inf))
        mean[block], errors[block], interval[block] = middle, error, ends
        p[block] = np.clip(CAUTION * (above + 1) / (len(largest) + 1), min(1.0, 2.0 ** (1 - n)), 1.0)
    return MeanDifferences(mean, errors, interval, p)


def _constant(differences: Floats) -> Flags:
    """Which rows of (P, n) have one value but for rounding, (P,)."""
    constant: Flags = np.ptp(differences, axis=1) <= 1e-9 * np.abs(differences).max(axis=1, initial=0.0)
    return constant


def worst_tail(values: Floats, higher: bool) -> Floats:
    """The score that the worst 5 % of the items fall short of, for each row of `values` (M, n): a quantile.

    Linear between items; where one is infinite, the next worse item.
    """
    share = 0.05 if higher else 0.95
    with np.errstate(invalid="ignore"):
        tail: Floats = np.quantile(values, share, axis=1)
    infinite = ~np.isfinite(values).all(axis=1)
    if infinite.any():
        tail[infinite] = np.quantile(values[infinite], share, axis=1, method="lower" if higher else "higher")
    return tail


def paired_difference(scores: Floats, reference: Floats) -> Floats:
    """`scores` (M, n) − `reference`, (n,) or (M, n); two equal values, infinite ones included, differ by 0."""
    # inf - inf is no difference: both are perfect on the item.
    with np.errstate(invalid="ignore"):
        return np.where(_equal(scores, reference), 0.0, scores - reference)


def without_rounding(scores: Floats) -> Floats:
    """`scores` (M, n), where an item's scores that are equal but for rounding become the lowest of them.

    So a tie is a tie in every difference, rank and win.
    """
    order = np.argsort(scores, axis=0)
    ordered = np.take_along_axis(scores, order, axis=0)
    near = _equal(ordered[1:], ordered[:-1])
    if not (near & (ordered[1:] != ordered[:-1])).any():
        return scores
    first = np.indices(scores.shape)[0]
    first[1:][near] = 0
    result = np.empty_like(scores)
    lowest = np.take_along_axis(ordered, np.maximum.accumulate(first, axis=0), axis=0)
    np.put_along_axis(result, order, lowest, axis=0)
    return result


def _equal(one: Floats, other: Floats) -> Flags:
    """Which scores are equal but for rounding."""
    with np.errstate(invalid="ignore"):
        near = np.abs(one - other) <= ROUNDING * np.maximum(np.abs(one), np.abs(other))
    equal: Flags = (one == other) | (near & np.isfinite(one) & np.isfinite(other))
    return equal
