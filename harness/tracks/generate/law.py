"""A law of pictures that is known: a Gaussian mixture, and with it its score at every level of noise."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...text.errors import UsageError

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Law:
    """A mixture of K normal laws of pictures of `shape` (C, H, W), D values each, float64.

    `weights` (K,) add up to 1; `means` are (K, D), `covariances` (K, D, D), symmetric and not negative. The classes of
    a set whose law it is are its components. Raises `UsageError` for what is none.
    """

    weights: Floats
    means: Floats
    covariances: Floats
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        count, width = self.means.shape
        if self.weights.shape != (count,) or self.covariances.shape != (count, width, width):
            raise UsageError(
                f"a law has weights (K,), means (K, D) and covariances (K, D, D), not {self.weights.shape}, "
                f"{self.means.shape} and {self.covariances.shape}"
            )
        if width != int(np.prod(self.shape)) or abs(float(self.weights.sum()) - 1) > 1e-9 or self.weights.min() < 0:
            raise UsageError(f"a law of pictures {self.shape} has as many values, and weights that add up to 1")

    @cached_property
    def axes(self) -> tuple[Floats, Floats]:
        """Variances (K, D) along the axes (K, D, D) of each component, in columns."""
        variances, axes = np.linalg.eigh(self.covariances)
        return np.maximum(variances, 0.0), axes

    def moments(self) -> tuple[Floats, Floats]:
        """Mean (D,) and covariance (D, D) of the whole mixture."""
        mean = self.weights @ self.means
        off = self.means - mean
        return mean, np.einsum("k,kij->ij", self.weights, self.covariances) + (self.weights[:, None] * off).T @ off

    def drawn(self, normal: Floats, components: Whole) -> Floats:
        """Pictures (N, D), each of its component (N,), from standard normal values (N, D).

        By the symmetric root, so that they are what the probability flow of one component makes of these latents where
        the noise at its start is strong.
        """
        variances, axes = self.axes
        rows = np.empty_like(normal)
        for k in np.unique(components):
            chosen = components == k
            along = (normal[chosen] @ axes[k]) * np.sqrt(variances[k])
            rows[chosen] = self.means[k] + along @ axes[k].T
        return rows

    @cached_property
    def sha256(self) -> str:
        """The hash of all of it."""
        sha = hashlib.sha256(repr(self.shape).encode())
        for array in (self.weights, self.means, self.covariances):
            sha.update(np.ascontiguousarray(array, "<f8").tobytes())
        return sha.hexdigest()
