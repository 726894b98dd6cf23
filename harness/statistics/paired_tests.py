"""Paired statistics on arrays: keyed bootstrap, signed-rank tests of many pairs, the worst tail."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..keyed_noise import keyed_generator

Floats = npt.NDArray[np.float64]
"""Scores and what is made of them, float64; its shape is said where it is used."""

RESAMPLES = 2_000
LEVEL = 0.95
EXACT = 50
"""Up to this many pairs without ties the null distribution is exact; with ties up to `EXACT_TIES`."""
EXACT_TIES = 25
ROWS_AT_ONCE = 20_000
"""Pairs of methods that are tested in one go: what bounds the memory of a big board."""


def keyed_rng(identity: str) -> np.random.Generator:
    """A generator that depends on `identity` alone: Philox keyed by its SHA-256."""
    return keyed_generator(hashlib.sha256(identity.encode("utf-8", "replace")).digest())


def bootstrap_interval(differences: Floats, identity: str) -> Floats:
    """Percentile interval (M, 2) of the mean of each row of `differences` (M, n), 95 %, 2,000 resamples.

    All rows share the resampled items, so the interval is paired. A row that is not finite gives NaN.
    """
    m, n = differences.shape
    interval = np.full((m, 2), np.nan)
    usable = np.isfinite(differences).all(axis=1)
    if n == 0 or not usable.any():
        return interval
    drawn = keyed_rng(identity).integers(0, n, size=(RESAMPLES, n), dtype=np.int64)
    # How often each item was drawn turns the resampled means into one product.
    places = drawn + n * np.arange(RESAMPLES)[:, None]
    counts = np.bincount(places.ravel(), minlength=RESAMPLES * n).reshape(RESAMPLES, n)
    # Not `@`: a BLAS splits the sum by its threads, and the last digit would depend on the machine.
    means = np.einsum("mn,rn->mr", differences[usable], counts / n)
    tail = (1.0 - LEVEL) / 2.0
    interval[usable] = np.quantile(means, (tail, 1.0 - tail), axis=1).T
    return interval


def signed_rank(differences: Floats) -> tuple[Floats, npt.NDArray[np.int8]]:
    """Wilcoxon's two-sided p value and direction (-1, 0, 1) of each row of `differences` (P, n).

    Zeros are dropped (Wilcoxon 1945) and ties share their mean rank. The null distribution is exact up to 50
    pairs (25 where there are ties), else normal with the tie correction and without continuity correction.
    Infinite differences take the largest ranks; a row without any difference has p = 1.
    """
    total = len(differences)
    p = np.ones(total)
    direction = np.zeros(total, dtype=np.int8)
    for part in row_slices(total):
        p[part], direction[part] = _signed_rank(differences[part])
    return p, direction


def row_slices(total: int) -> Iterator[slice]:
    """Slices that cover `total` rows, at most `ROWS_AT_ONCE` each."""
    for start in range(0, total, ROWS_AT_ONCE):
        yield slice(start, start + ROWS_AT_ONCE)


def _signed_rank(differences: Floats) -> tuple[Floats, npt.NDArray[np.int8]]:
    if np.isnan(differences).any():
        raise ValueError("a difference is NaN: items without a score cannot be paired")
    rows, n = differences.shape
    size = np.abs(differences)
    zeros = (size == 0).sum(axis=1)
    order = np.argsort(size, axis=1)
    ordered = np.take_along_axis(size, order, axis=1)
    same = ordered[:, 1:] == ordered[:, :-1]
    tied = (same & (ordered[:, 1:] != 0)).any(axis=1)
    ranks = np.empty_like(size)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(1.0, n + 1), size.shape), axis=1)
    if tied.any():
        from scipy.stats import rankdata

        ranks[tied] = rankdata(size[tied], axis=1)
    ranks = np.where(size == 0, 0.0, ranks - zeros[:, None])
    plus = np.where(differences > 0, ranks, 0.0).sum(axis=1)
    kept = n - zeros
    p = np.ones(rows)
    for m in np.unique(kept[~tied & (kept <= EXACT)]):
        mine = ~tied & (kept == m)
        p[mine] = _exact_table(int(m))[plus[mine].astype(np.int64)]
    for row in np.flatnonzero(tied & (kept <= EXACT_TIES)):
        p[row] = _exact_with_ties(ranks[row][ranks[row] > 0], plus[row])
    normal = (kept > EXACT) | (tied & (kept > EXACT_TIES))
    if normal.any():
        p[normal] = _normal(ranks[normal], kept[normal], plus[normal])
    return p, np.sign(plus - kept * (kept + 1) / 4.0).astype(np.int8)


@functools.cache
def _exact_table(n: int) -> Floats:
    """The two-sided p value for each value 0 … n(n+1)/2 of the rank sum, no ties."""
    return _two_sided(np.arange(1, n + 1))


def _two_sided(ranks: npt.NDArray[np.int64]) -> Floats:
    counts = np.zeros(int(ranks.sum()) + 1)
    counts[0] = 1.0
    for rank in ranks:
        shifted = counts.copy()
        shifted[rank:] += counts[: len(counts) - rank]
        counts = shifted
    below = np.cumsum(counts) / counts.sum()
    above = np.cumsum(counts[::-1])[::-1] / counts.sum()
    both: Floats = np.minimum(1.0, 2.0 * np.minimum(below, above))
    return both


def _exact_with_ties(ranks: Floats, plus: float) -> float:
    # Mean ranks are multiples of one half, so doubled ranks are whole numbers.
    return float(_two_sided(np.rint(2 * ranks).astype(np.int64))[round(2 * float(plus))])


def _normal(ranks: Floats, kept: npt.NDArray[np.int64], plus: Floats) -> Floats:
    from scipy.special import ndtr

    # The sum of squared ranks carries the tie correction: Var W⁺ = Σ rank² / 4.
    deviation = np.sqrt((ranks**2).sum(axis=1) / 4.0)
    z = (plus - kept * (kept + 1) / 4.0) / deviation
    return np.asarray(2.0 * ndtr(-np.abs(z)), dtype=np.float64)


def worst_tail(values: Floats, higher: bool) -> Floats:
    """The score that the worst 5 % of the items fall short of, of each row of `values` (M, n): a quantile.

    Linear between items; where one is infinite, the next worse item.
    """
    share = 0.05 if higher else 0.95
    with np.errstate(invalid="ignore"):
        tail: Floats = np.quantile(values, share, axis=1)
    rough = ~np.isfinite(values).all(axis=1)
    if rough.any():
        tail[rough] = np.quantile(values[rough], share, axis=1, method="lower" if higher else "higher")
    return tail


def paired_difference(scores: Floats, reference: Floats) -> Floats:
    """`scores` (M, n) − `reference`, (n,) or (M, n); two identical values, infinite ones included, differ by 0."""
    # inf - inf is no difference: both are perfect on the item.
    with np.errstate(invalid="ignore"):
        return np.where(scores == reference, 0.0, scores - reference)
