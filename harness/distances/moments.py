"""Features of a set as they come in: checked, and their mean and covariance kept in float64."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..text.errors import UsageError

Array = npt.NDArray[Any]
Float = npt.NDArray[np.float64]

BLOCK = 512
# The squares of a kernel of the third degree must stay finite: (1e20²)³ squared is 1e240.
_LARGEST = 1e20


@dataclass(eq=False)
class Moments:
    """Number, mean (d,) and sum of squared deviations (d, d) of features seen so far, in float64.

    `add` takes batches of (n, d) as they come, by the update of Chan, Golub and LeVeque (1983), so that the result does
    not depend on batches beyond rounding (1e-14).
    """

    n: int
    mean: Float
    m2: Float

    @classmethod
    def of(cls, features: Any, who: str = "features") -> Moments:
        """The moments of (N, d) features, block by block. Raises `UsageError` for anything but finite numbers."""
        array = feature_rows(features, who, least=1)
        moments = cls(0, np.zeros(array.shape[1]), np.zeros((array.shape[1],) * 2))
        return moments.add(array, who)

    def add(self, features: Any, who: str = "features") -> Moments:
        """Take in (n, d) more features, in place; returns itself."""
        array = feature_rows(features, who, least=1)
        same_width(self.mean.size, array.shape[1])
        for rows in in_blocks(array, who, 8 * BLOCK):
            mean = rows.mean(axis=0)
            rows -= mean
            self._join(rows.shape[0], mean, rows.T @ rows)
        return self

    @property
    def cov(self) -> Float:
        """The unbiased covariance (d, d)."""
        if self.n < 2:
            raise UsageError(f"a covariance needs at least 2 features, not {self.n}: add more")
        return self.m2 / (self.n - 1)

    def _join(self, n: int, mean: Float, m2: Float) -> None:
        total = self.n + n
        gap = mean - self.mean
        self.m2 += m2
        self.m2 += np.outer(gap, gap) * (self.n * n / total)
        self.mean = self.mean + gap * (n / total)
        self.n = total


def feature_rows(given: Any, who: str, least: int = 2) -> Array:
    """(N, d) real numbers of any type, on the CPU. Raises `UsageError` for another shape or type."""
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


def same_width(a: int, b: int) -> None:
    """Raise `UsageError` for features of two dimensions."""
    if a != b:
        raise UsageError(f"features have dimensions {a} and {b}: take both from the same extractor")


def check_finite(array: Array, who: str) -> None:
    """Raise `UsageError` for NaN, Inf, and numbers whose powers would be."""
    for _ in in_blocks(array, who, BLOCK):
        pass


def in_blocks(array: Array, who: str, size: int) -> Iterator[Float]:
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
