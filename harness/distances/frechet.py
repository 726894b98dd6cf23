"""Fréchet distance between two sets of features, exact in float64, and its extrapolation to infinitely many."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..text.errors import UsageError
from .moments import Float, Moments, check_finite, feature_rows, same_width

# Eigenvalues this far below zero, relative to the largest, are the rounding of a covariance kept in float32.
_NEGATIVE = 1e-5
# The part of the traces by which the quick way may be off at most; else the way by singular values is taken.
_EXACT, _ROUNDINGS = 1e-10, 2
# Two-sided 95 % points of Student's t with 7 degrees of freedom: eight groups are deleted in turn.
_GROUPS, _T95 = 8, 2.3646242515927853


def frechet_distance(a: Any, b: Any) -> float:
    """Fréchet distance |μa − μb|² + tr(Σa + Σb − 2 (Σa Σb)^½) of two sets, unbiased covariances.

    `a`, `b`: features (N, d), N ≥ 2, or their `Moments`. With features centred and scaled by 1/√(N−1) to A
    and B, the trace of the root is the sum of the singular values of A Bᵀ: no d×d covariance, no matrix root,
    no loss of digits where a covariance is singular. More rows than columns are reduced first: where both
    covariances are regular, to the eigenvalues of Σa Σb, else to triangles by QR. The error is 1e-14 of
    tr(Σa + Σb) as measured, and 1e-10 at most. Raises `UsageError` for other shapes, and values that are not finite.

        >>> features = np.random.default_rng(0).normal(size=(50, 4))
        >>> round(nb.frechet_distance(features, features + 1), 6)
        4.0
    """
    return _frechet(_side(a, "a"), _side(b, "b"))


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
        array = feature_rows(given, who, least=2 * _GROUPS**2)
        if array.shape[0] < 2 * array.shape[1] and not allow_small:
            raise UsageError(
                f"{who}: {array.shape[0]} features of dimension {array.shape[1]} cannot be extrapolated: give at "
                f"least {2 * array.shape[1]}, or allow_small=True"
            )
        check_finite(array, who)
        if paired and sets and sets[0].shape[0] != array.shape[0]:
            raise UsageError(f"pairs need equally many features, not {sets[0].shape[0]} and {array.shape[0]}")
        order = order if paired and sets else rng.permutation(array.shape[0])
        sets.append(array[order])
    orders = [rng.permutation(_GROUPS * 2) for _ in range(splits)]
    value = _extrapolated(sets, orders)
    jackknife = [_extrapolated(sets, orders, group) for group in range(_GROUPS)]
    spread = (_GROUPS - 1) / _GROUPS * sum((w - sum(jackknife) / _GROUPS) ** 2 for w in jackknife)
    half = _T95 * math.sqrt(spread)
    return value, value - half, value + half


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
    same_width(a.mean.size, b.mean.size)
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
        return _Side(who, *symmetric(given.mean, given.cov, who), False)
    array = feature_rows(given, who)
    check_finite(array, who)
    centred = np.array(array, np.float64, order="C")
    mean = centred.mean(axis=0)
    centred -= mean
    centred /= math.sqrt(array.shape[0] - 1)
    return _Side(who, mean, centred, True)


def symmetric(mean: Any, cov: Any, who: str) -> tuple[Float, Float]:
    """Mean (d,) and covariance (d, d) in float64, symmetric to the last digit. Raises `UsageError`."""
    centre, square = np.asarray(mean, np.float64), np.asarray(cov, np.float64)
    if centre.ndim != 1 or square.shape != (centre.size, centre.size) or centre.size == 0:
        raise UsageError(f"{who}: mean has shape {centre.shape} and covariance {square.shape}: give (d,) and (d, d)")
    if not (np.isfinite(centre).all() and np.isfinite(square).all()):
        raise UsageError(f"{who}: mean or covariance has values that are not finite: a distance needs numbers")
    if float(np.abs(square - square.T).max()) > _NEGATIVE * float(np.abs(square).max()):
        raise UsageError(f"{who}: covariance is not symmetric: give (d, d) of np.cov(features, rowvar=False)")
    return centre, (square + square.T) / 2


def _extrapolated(sets: list[Any], orders: list[npt.NDArray[np.intp]], left_out: int | None = None) -> float:
    """Twice the distance of all, less the mean of the halves; the group `left_out` is in none of them."""
    all_parts = np.arange(2 * _GROUPS)
    halves = [
        frechet_distance(*(_take(s, part, left_out) for s in sets))
        for order in orders
        for part in (order[:_GROUPS], order[_GROUPS:])
    ]
    return 2 * frechet_distance(*(_take(s, all_parts, left_out) for s in sets)) - sum(halves) / len(halves)


def _take(given: Any, parts: npt.NDArray[np.intp], left_out: int | None) -> Any:
    """The rows of some of sixteen parts. Each of the eight groups has the same share of every part."""
    if isinstance(given, Moments):
        return given
    row = np.arange(given.shape[0])
    chosen = np.isin(row % (2 * _GROUPS), parts)
    if left_out is not None:
        chosen &= (row // (2 * _GROUPS)) % _GROUPS != left_out
    return given[chosen]
