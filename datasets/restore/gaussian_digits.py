from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

import noisebench as nb
import numpy as np
import numpy.typing as npt
from annotated_types import Ge
from noisebench.datasets.restore._synthetic import Count, Synthetic

_LEAST = 1e-4
"""Added to each variance: some pixels at the border are 0 in all digits."""


@nb.dataset(
    "gaussian_digits",
    licence="CC0-1.0 (made here), with moments of digits, CC BY 4.0",
    citation="E. Alpaydin, C. Kaynak, Optical recognition of handwritten digits, UCI machine learning repository, 1998",
)
def gaussian_digits(*, n: Count = 200, seed: Annotated[int, Ge(0)] = 0) -> Synthetic:
    """Pictures of a normal law that has the mean and the covariance of handwritten digits, 8 x 8: all of it is known.

    The moments are those of scikit-learn's 1,797 digits on [0, 1]; `seed` draws other pictures. Not clipped. `meta`:
    `weights` (1,), `means` (1, 8, 8) and `covariances` (1, 64, 64), float64, as in `gaussian_mixture`.
    """
    mean, covariance, root = _law()
    law = {"weights": np.ones(1), "means": mean.reshape(1, 8, 8), "covariances": covariance[None]}

    def draw(rng: np.random.Generator) -> tuple[Any, dict[str, Any]]:
        picture = mean + root @ rng.standard_normal(64)
        # Products of matrices differ in the last bits from machine to machine; on this grid the pixels do not.
        return (np.rint(picture * 2**20) / 2**20).reshape(8, 8), law

    return Synthetic("gaussian_digits", n, f"gaussian_digits|seed={seed}", draw)


@lru_cache(maxsize=1)
def _law() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean (64,), covariance (64, 64) and its lower Cholesky factor."""
    from sklearn.datasets import load_digits

    digits = load_digits().images.reshape(-1, 64) / 16
    covariance = np.cov(digits.T) + _LEAST * np.eye(64)
    return digits.mean(axis=0), covariance, np.asarray(np.linalg.cholesky(covariance), np.float64)
