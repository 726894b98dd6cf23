"""A mixture of normal laws of grey pictures whose cosine waves are independent, so that no matrix is held."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from noisebench.tracks.generate import Law


class WaveLaw(Law):
    """A mixture of K normal laws of grey pictures (1, H, W) that differ in their mean brightness alone.

    `covariances` (H, W) are the variances of the coefficients of the orthonormal cosine transform, in place of
    matrices. What has matrices makes them: `axes` and `moments`.
    """

    def __post_init__(self) -> None:
        """Nothing: it is not made of a user's numbers."""

    @cached_property
    def axes(self) -> tuple[Any, Any]:
        """Variances (K, D) along the axes (K, D, D) of each component, in columns."""
        count = len(self.weights)
        return np.tile(self.covariances.ravel(), (count, 1)), np.tile(self._waves, (count, 1, 1))

    def moments(self) -> tuple[Any, Any]:
        """Mean (D,) and covariance (D, D) of the whole mixture."""
        mean = self.weights @ self.means
        off = self.means - mean
        return mean, (self._waves * self.covariances.ravel()) @ self._waves.T + (self.weights[:, None] * off).T @ off

    def drawn(self, normal: Any, components: Any) -> Any:
        """Pictures (N, D), each of its component (N,), from standard normal values (N, D), by the symmetric root."""
        from scipy.fft import dctn, idctn

        waves = dctn(normal.reshape(len(normal), *self.shape[1:]), axes=(1, 2), norm="ortho")
        pictures = idctn(waves * np.sqrt(self.covariances), axes=(1, 2), norm="ortho")
        return self.means[components] + pictures.reshape(len(normal), -1)

    @cached_property
    def _waves(self) -> Any:
        tall, wide = (cosines(side) for side in self.shape[1:])
        return np.kron(tall, wide).T


def cosines(side: int) -> Any:
    """The orthonormal cosine waves of a side, one a row."""
    from scipy.fft import dct

    return dct(np.eye(side), axis=0, norm="ortho")
