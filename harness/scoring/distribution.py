"""Distances between two sets of features: Fréchet and kernel distance, exact in float64, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import NotDefined, UsageError
from .protocol import Array

Float = npt.NDArray[np.float64]

_BLOCK = 512
# Eigenvalues this far below zero, relative to the largest, are the rounding of a covariance kept in float32.
_NEGATIVE = 1e-5
# The squares of a kernel of the third degree must stay finite: (1e20²)³ squared is 1e240.
_LARGEST = 1e20
# The part of the traces by which the quick way may be off at most; else the way by singular values is taken.
_EXACT, _ROUNDINGS = 1e-10, 2
# Two-sided 95 % points of Student's t with 7 degrees of freedom: eight groups are deleted in turn.
_GROUPS, _T95 = 8, 2.3646242515927853


@dataclass(eq=False)
class Moments:
    """Number, mean (d,) and sum of squared deviations (d, d) of features seen so far, in float64.

    `add` takes batches of (n, d) as they come, `merged` joins two halves; both by the update of Chan, Golub
    and LeVeque (1983), so the result does not depend on batches beyond rounding (1e-14).
    """

    n: int
    mean: Float
    m2: Float

    @classmethod
    def of(cls, features: Any, who: str = "features") -> Moments:
        """The moments of (N, d) features, block by block. Raises `UsageError` for what is not finite numbers."""
        array = _features(features, who, least=1)
        moments = cls(0, np.zeros(array.shape[1]), np.zeros((array.shape[1],) * 2))
        return moments.add(array, who)

    def add(self, features: Any, who: str = "features") -> Moments:
        """Take in (n, d) more features, in place; returns itself."""
        array = _features(features, who, least=1)
        _same_width(self.mean.size, array.shape[1])
        for rows in _blocks(array, who, 8 * _BLOCK):
            mean = rows.mean(axis=0)
            rows -= mean
            self._join(rows.shape[0], mean, rows.T @ rows)
        return self

    def merged(self, other: Moments) -> Moments:
        """The moments of both sets together; neither is changed."""
        _same_width(self.mean.size, other.mean.size)
        both = Moments(self.n, self.mean.copy(), self.m2.copy())
        both._join(other.n, other.mean, other.m2)
        return both

    @property
    def cov(self) -> Float:
        """The unbiased covariance (d, d)."""
        if self.n < 2:
            raise UsageError(f"a covariance needs at least 2 features, not {self.n}: add more")
        return self.m2 / (self.n - 1)

    def _join(self, n: int, mean: Float, m2: Float) -> None:
        total = self.n + n
        if n == 0:
            return
        gap = mean - self.mean
        self.m2 += m2
        self.m2 += np.outer(gap, gap) * (self.n * n / total)
        self.mean = self.mean + gap * (n / total)
        self.n = total


def frechet_distance(a: Any, b: Any) -> float:
    """Fréchet distance |μa − μb|² + tr(Σa + Σb − 2 (Σa Σb)^½) of two sets, unbiased covariances.

    `a`, `b`: features (N, d), N ≥ 2, or their `Moments`. With features centred and scaled by 1/√(N−1) to A
    and B, the trace of the root is the sum of the singular values of A Bᵀ: no d×d covariance, no matrix root,
    no loss of digits where a covariance is singular. More rows than columns are reduced first: where both
    covariances are regular, to the eigenvalues of Σa Σb, else to triangles by QR. The error is 1e-14 of
    tr(Σa + Σb) as measured, and 1e-10 at most. Raises `UsageError` for other shapes, and values that are not finite.
    """
    return _frechet(_side(a, "a"), _side(b, "b"))


def frechet_from_statistics(mean_a: Any, cov_a: Any, mean_b: Any, cov_b: Any) -> float:
    """Fréchet distance of two Gaussians: means (d,) and covariances (d, d), positive semi-definite.

    The error is about 1e-13 of the traces for regular covariances; the digits that a singular covariance lost
    when it was formed do not come back: up to 1e-8. Prefer features where there are any.
    """
    return _frechet(_statistics(mean_a, cov_a, "a"), _statistics(mean_b, cov_b, "b"))


def frechet_infinity(
    a: Any, b: Any, *, splits: int = 2, seed: int = 0, allow_small: bool = False, paired: bool = False
) -> tuple[float, float, float]:
    """Fréchet distance extrapolated to infinitely many samples, and its 95 % interval: (value, low, high).

    The distance of N samples is too high by c/N + O(1/N²) (Chong and Forsyth 2020). Halves have twice that
    bias: value = 2 FD(all) − mean FD(half), the mean over both halves of `splits` random splits. The interval
    is Student's t of a jackknife that deletes each of eight random groups in turn. `b` may be `Moments`: then
    it counts as exact, as the reference statistics of the authors do. With `paired`, row i of `a` and row i of `b`
    belong together and stay together in each half. Raises `UsageError` where a half has
    fewer rows than columns (the bias is not c/N there), unless `allow_small`.
    """
    if splits < 1:
        raise UsageError(f"splits is {splits}: give 1 or more")
    rng = np.random.Generator(np.random.Philox(seed))
    sets: list[Any] = []
    order: npt.NDArray[np.intp] = np.empty(0, np.intp)
    for who, given in (("a", a), ("b", b)):
        if isinstance(given, Moments) and who == "b":
            sets.append(given)
            continue
        array = _features(given, who, least=2 * _GROUPS**2)
        if array.shape[0] < 2 * array.shape[1] and not allow_small:
            raise UsageError(
                f"{who}: {array.shape[0]} features of dimension {array.shape[1]} cannot be extrapolated: give at "
                f"least {2 * array.shape[1]}, or allow_small=True"
            )
        _check_finite(array, who)
        if paired and sets and sets[0].shape[0] != array.shape[0]:
            raise UsageError(f"pairs need equally many features, not {sets[0].shape[0]} and {array.shape[0]}")
        order = order if paired and sets else rng.permutation(array.shape[0])
        sets.append(array[order])
    orders = [rng.permutation(_GROUPS * 2) for _ in range(splits)]
    value = _extrapolated(sets, orders)
    without = [_extrapolated(sets, orders, group) for group in range(_GROUPS)]
    spread = (_GROUPS - 1) / _GROUPS * sum((w - sum(without) / _GROUPS) ** 2 for w in without)
    half = _T95 * math.sqrt(spread)
    return value, value - half, value + half


def kernel_distance(a: Any, b: Any, *, paired: bool = False, block: int = _BLOCK) -> tuple[float, float]:
    """Kernel distance (KID, Bińkowski et al. 2018) of two sets, and its standard error: (value, error).

    `a`, `b`: features (m, d) and (n, d). The full unbiased U-statistic of the squared maximum mean discrepancy
    with the kernel k(x, y) = (x·y/d + 1)³: every pair once, no random subsets; it may be below zero. Memory is
    that of the features and of two blocks.

    The variance is that of Hoeffding's decomposition, every part estimated from all pairs:
    4/m σa² + 4/n σb² + 2 τaa/(m(m−1)) + 2 τbb/(n(n−1)) + 4 τab/(mn). Here τ are the mean squares of the doubly
    centred kernel (Székely and Rizzo 2014), which alone remain where the sets have one distribution, and σa²
    is the variance over i of Σⱼ k(aᵢ, aⱼ)/(m−1) − Σⱼ k(aᵢ, bⱼ)/n, less τaa/(m−1) + τab/n. Where the first two
    parts together come out negative they count as zero, so near equality the error is 10 to 20 % too large.
    The error is `NotDefined` below four features.

    With `paired`, row i of `a` and row i of `b` belong together, as a restored picture and its clean one do:
    then k(aᵢ, bᵢ) is no draw from both distributions and is left out, which keeps the mean unbiased (the
    one-sample statistic of Gretton et al. 2012, lemma 6, over h = k(aᵢ, aⱼ) + k(bᵢ, bⱼ) − k(aᵢ, bⱼ) − k(aⱼ, bᵢ)).
    Equal sets give 0 to rounding. Raises `UsageError` as `frechet_distance` does, and for pairs of unequal number.
    """
    if block < 1:
        raise UsageError(f"block is {block}: give 1 or more rows")
    x, y = _features(a, "a"), _features(b, "b")
    _same_width(x.shape[1], y.shape[1])
    _check_finite(x, "a")
    _check_finite(y, "b")
    m, n = x.shape[0], y.shape[0]
    if paired:
        if m != n:
            raise UsageError(f"pairs need equally many features, not {m} and {n}")
        return _paired_distance(x, y, block)
    rows_x, _, squares_x = _kernel_sums(x, x, block)
    rows_y, _, squares_y = _kernel_sums(y, y, block)
    cross_x, cross_y, squares_xy = _kernel_sums(x, y, block)
    within_x, within_y, between = math.fsum(rows_x), math.fsum(rows_y), math.fsum(cross_x)
    value = within_x / (m * (m - 1)) + within_y / (n * (n - 1)) - 2 * between / (m * n)
    if min(m, n) < 4:
        return value, NotDefined(f"a standard error needs at least 4 features in each set, not {min(m, n)}")
    tau_x, tau_y = _centred_within(rows_x, squares_x), _centred_within(rows_y, squares_y)
    tau_xy = _centred_between(cross_x, cross_y, squares_xy)
    sigma_x = float(np.var(rows_x / (m - 1) - cross_x / n, ddof=1)) - tau_x / (m - 1) - tau_xy / n
    sigma_y = float(np.var(rows_y / (n - 1) - cross_y / m, ddof=1)) - tau_y / (n - 1) - tau_xy / m
    first = max(4 * sigma_x / m + 4 * sigma_y / n, 0.0)
    second = 2 * tau_x / (m * (m - 1)) + 2 * tau_y / (n * (n - 1)) + 4 * tau_xy / (m * n)
    return value, math.sqrt(first + max(second, 0.0))


@dataclass(frozen=True, eq=False)
class _Side:
    """A set: its mean (d,), and its covariance (d, d) itself or as rows whose squares add up to it."""

    who: str
    mean: Float
    given: Float
    as_rows: bool

    def spread(self) -> float:
        """The trace of the covariance."""
        return float(np.vdot(self.given, self.given)) if self.as_rows else float(np.trace(self.given))

    def square(self) -> Float | None:
        """The covariance, unless it must be singular."""
        if not self.as_rows:
            return self.given
        return self.given.T @ self.given if self.given.shape[0] > self.given.shape[1] else None

    def root(self) -> Float:
        """R of at most d rows with RᵀR = covariance."""
        if self.as_rows:
            tall = self.given.shape[0] > self.given.shape[1]
            return np.asarray(np.linalg.qr(self.given, mode="r"), np.float64) if tall else self.given
        values, vectors = np.linalg.eigh(self.given)
        if values[0] < -_NEGATIVE * float(np.abs(values).max()):
            raise UsageError(f"{self.who}: covariance has the eigenvalue {values[0]:.3g}: it must not be negative")
        scaled: Float = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
        return scaled


def _frechet(a: _Side, b: _Side) -> float:
    _same_width(a.mean.size, b.mean.size)
    gap, spread = a.mean - b.mean, a.spread() + b.spread()
    overlap = _regular_overlap(a, b, spread)
    if overlap is None:
        overlap = float(np.linalg.svd(a.root() @ b.root().T, compute_uv=False).sum())
    return float(gap @ gap) + max(spread - 2 * overlap, 0.0)


def _regular_overlap(a: _Side, b: _Side, spread: float) -> float | None:
    """tr((Σa Σb)^½) from the eigenvalues of Σa Σb; None where they are too small for their roots to be exact."""
    first, second = a.square(), b.square()
    if first is None or second is None:
        return None
    from scipy.linalg import LinAlgError, eigh

    try:
        values = eigh(second, first, type=2, eigvals_only=True, check_finite=False)
    except LinAlgError:  # Σa is not positive definite
        return None
    # An eigenvalue v is off by some roundings of the largest, its root by that over 2 √v.
    rounding = _ROUNDINGS * np.finfo(float).eps * float(values[-1])
    if values[0] <= rounding:
        return None
    roots = np.sqrt(values)
    return float(roots.sum()) if rounding / 2 * float((1 / roots).sum()) <= _EXACT * spread else None


def _side(given: Any, who: str) -> _Side:
    if isinstance(given, Moments):
        return _statistics(given.mean, given.cov, who)
    array = _features(given, who)
    _check_finite(array, who)
    centred = np.array(array, np.float64, order="C")
    mean = centred.mean(axis=0)
    centred -= mean
    centred /= math.sqrt(array.shape[0] - 1)
    return _Side(who, mean, centred, True)


def _statistics(mean: Any, cov: Any, who: str) -> _Side:
    centre, square = np.asarray(mean, np.float64), np.asarray(cov, np.float64)
    if centre.ndim != 1 or square.shape != (centre.size, centre.size) or centre.size == 0:
        raise UsageError(f"{who}: mean has shape {centre.shape} and covariance {square.shape}: give (d,) and (d, d)")
    if not (np.isfinite(centre).all() and np.isfinite(square).all()):
        raise UsageError(f"{who}: mean or covariance has values that are not finite: a distance needs numbers")
    if float(np.abs(square - square.T).max()) > _NEGATIVE * float(np.abs(square).max()):
        raise UsageError(f"{who}: covariance is not symmetric: give (d, d) of np.cov(features, rowvar=False)")
    return _Side(who, centre, (square + square.T) / 2, False)


def _extrapolated(sets: list[Any], orders: list[npt.NDArray[np.intp]], without: int | None = None) -> float:
    """Twice the distance of all less the mean of the halves; a group left out is left out of each of them."""
    every = np.arange(2 * _GROUPS)
    halves = [
        frechet_distance(*(_take(s, part, without) for s in sets))
        for order in orders
        for part in (order[:_GROUPS], order[_GROUPS:])
    ]
    return 2 * frechet_distance(*(_take(s, every, without) for s in sets)) - sum(halves) / len(halves)


def _take(given: Any, parts: npt.NDArray[np.intp], without: int | None) -> Any:
    """The rows of some of sixteen parts. Each of the eight groups has the same share of every part."""
    if isinstance(given, Moments):
        return given
    row = np.arange(given.shape[0])
    chosen = np.isin(row % (2 * _GROUPS), parts)
    if without is not None:
        chosen &= (row // (2 * _GROUPS)) % _GROUPS != without
    return given[chosen]


def _paired_distance(x: Array, y: Array, block: int) -> tuple[float, float]:
    """The U-statistic of degree two over pairs, and the root of its variance 4 σ²/n + 2 τ/(n(n−1))."""
    n = x.shape[0]
    rows, squares = np.zeros(n), 0.0
    for i in range(0, n, block):
        left = [s[i : i + block].astype(np.float64) for s in (x, y)]
        for j in range(i, n, block):
            right = left if i == j else [s[j : j + block].astype(np.float64) for s in (x, y)]
            h = _kernel(left[0], right[0])
            h -= _kernel(left[0], right[1])  # in this order equal sets cancel
            h += _kernel(left[1], right[1]) - _kernel(left[1], right[0])
            if i == j:
                np.fill_diagonal(h, 0.0)
            else:
                rows[j : j + block] += h.sum(axis=0)
            rows[i : i + block] += h.sum(axis=1)
            squares += float(np.vdot(h, h)) * (1 if i == j else 2)
    value = math.fsum(rows) / (n * (n - 1))
    if n < 4:
        return value, NotDefined(f"a standard error needs at least 4 pairs, not {n}")
    tau = _centred_within(rows, squares)
    sigma = float(np.var(rows / (n - 1), ddof=1)) - tau / (n - 1)
    return value, math.sqrt(max(4 * sigma / n, 0.0) + 2 * tau / (n * (n - 1)))


def _kernel(x: Float, y: Float) -> Float:
    gram: Float = x @ y.T
    gram /= x.shape[1]
    gram += 1.0
    cubed: Float = gram * gram
    cubed *= gram
    return cubed


def _kernel_sums(x: Array, y: Array, block: int) -> tuple[Float, Float, float]:
    """Row and column sums of the kernel matrix and the sum of its squares; without the diagonal if `x is y`."""
    rows, columns, squares = np.zeros(x.shape[0]), np.zeros(y.shape[0]), 0.0
    for i in range(0, x.shape[0], block):
        left = x[i : i + block].astype(np.float64)
        for j in range(i if x is y else 0, y.shape[0], block):
            same = x is y and i == j
            right = left if same else y[j : j + block].astype(np.float64)
            kernel = _kernel(left, right)
            if same:
                np.fill_diagonal(kernel, 0.0)
            rows[i : i + block] += kernel.sum(axis=1)
            columns[j : j + block] += kernel.sum(axis=0)
            twice = x is y and not same
            if twice:  # the mirror image below the diagonal
                rows[j : j + block] += kernel.sum(axis=0)
            squares += float(np.vdot(kernel, kernel)) * (2 if twice else 1)
    return rows, columns, squares


def _centred_within(rows: Float, squares: float) -> float:
    """The unbiased mean square of the doubly centred kernel, from sums without the diagonal."""
    m, total = rows.size, math.fsum(rows)
    left = squares - 2 * float(rows @ rows) / (m - 2) + total**2 / ((m - 1) * (m - 2))
    return max(left, 0.0) / (m * (m - 3))


def _centred_between(rows: Float, columns: Float, squares: float) -> float:
    m, n, total = rows.size, columns.size, math.fsum(rows)
    left = squares - float(rows @ rows) / n - float(columns @ columns) / m + total**2 / (m * n)
    return max(left, 0.0) / ((m - 1) * (n - 1))


def _features(given: Any, who: str, least: int = 2) -> Array:
    if hasattr(given, "detach"):
        given = given.detach().cpu().numpy()
    array = np.asarray(given)
    if array.dtype.kind not in "fiu":
        raise UsageError(f"{who}: features are {array.dtype}: give real numbers, (N, d)")
    if array.ndim != 2 or array.shape[1] == 0:
        raise UsageError(f"{who}: features have shape {array.shape}: give (N, d), one row a picture")
    if array.shape[0] < least:
        raise UsageError(f"{who}: {array.shape[0]} features are too few: give at least {least}")
    return array


def _same_width(a: int, b: int) -> None:
    if a != b:
        raise UsageError(f"features have dimensions {a} and {b}: take both from the same extractor")


def _check_finite(array: Array, who: str) -> None:
    for _ in _blocks(array, who, _BLOCK):
        pass


def _blocks(array: Array, who: str, size: int) -> Iterator[Float]:
    """Fresh float64 copies of `size` rows at a time. Raises `UsageError` for NaN and Inf, naming the row."""
    for start in range(0, array.shape[0], size):
        rows = array[start : start + size].astype(np.float64)
        if not np.isfinite(rows).all():
            row = start + int(np.argmin(np.isfinite(rows).all(axis=1)))
            raise UsageError(f"{who}: row {row} has a value that is not finite: a distance needs numbers")
        largest = float(np.abs(rows).max())
        if largest > _LARGEST:
            raise UsageError(f"{who}: a feature reaches {largest:.3g}, above {_LARGEST:g}: scale them")
        yield rows
