"""Kernel distance (KID) of two sets of features: the full unbiased statistic and its standard error, in blocks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..text.errors import NotDefined, UsageError
from .moments import BLOCK, Array, Float, check_finite, feature_rows, same_width


def kernel_distance(a: Any, b: Any, *, paired: bool = False, block: int = BLOCK) -> tuple[float, float]:
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

        >>> features = np.random.default_rng(0).normal(size=(50, 4))
        >>> value, error = nb.kernel_distance(features, features + 1)
        >>> value > 3 * error
        True
    """
    if block < 1:
        raise UsageError(f"block is {block}: give 1 or more rows")
    x, y = feature_rows(a, "a"), feature_rows(b, "b")
    same_width(x.shape[1], y.shape[1])
    check_finite(x, "a")
    check_finite(y, "b")
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


def _paired_distance(x: Array, y: Array, block: int) -> tuple[float, float]:
    """The U-statistic of degree two over pairs, and the root of its variance 4 σ²/n + 2 τ/(n(n−1))."""
    n = x.shape[0]
    rows, squares = np.zeros(n), 0.0
    for i in range(0, n, block):
        first = [s[i : i + block].astype(np.float64) for s in (x, y)]
        for j in range(i, n, block):
            second = first if i == j else [s[j : j + block].astype(np.float64) for s in (x, y)]
            h = _kernel(first[0], second[0])
            h -= _kernel(first[0], second[1])  # in this order equal sets cancel
            h += _kernel(first[1], second[1]) - _kernel(first[1], second[0])
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
        first = x[i : i + block].astype(np.float64)
        for j in range(i if x is y else 0, y.shape[0], block):
            same = x is y and i == j
            second = first if same else y[j : j + block].astype(np.float64)
            kernel = _kernel(first, second)
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
    centred = squares - 2 * float(rows @ rows) / (m - 2) + total**2 / ((m - 1) * (m - 2))
    return max(centred, 0.0) / (m * (m - 3))


def _centred_between(rows: Float, columns: Float, squares: float) -> float:
    m, n, total = rows.size, columns.size, math.fsum(rows)
    centred = squares - float(rows @ rows) / n - float(columns @ columns) / m + total**2 / (m * n)
    return max(centred, 0.0) / ((m - 1) * (n - 1))
