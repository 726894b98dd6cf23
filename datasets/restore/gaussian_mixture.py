from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

import noisebench as nb
import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Le
from noisebench.datasets.restore._synthetic import Count, Synthetic

_BETWEEN = 0.15
"""Standard deviation of the means of components, over pixels and components."""
_SPREAD = 0.1
"""Standard deviation within each component, over its pixels."""
_Float = npt.NDArray[np.float64]


@nb.dataset("gaussian_mixture", licence="CC0-1.0 (made here)")
def gaussian_mixture(
    *,
    n: Count = 200,
    size: Annotated[int, Ge(8), Le(32)] = 8,
    components: Annotated[int, Ge(1), Le(64)] = 4,
    seed: Annotated[int, Ge(0)] = 0,
) -> Synthetic:
    """Patches of a Gaussian mixture: the law is known, and with it the mean of the clean patch given a noisy one.

    Components are as likely as one another, smooth, and independent in the cosine basis; the law depends on `size` and
    `components` alone, `seed` draws other patches of it. Mean 0.5, not clipped. `meta`: `weights` (K,), `means`
    (K, size, size) and `covariances` (K, size², size²), float64, of pixels in rows; any set whose items have these
    three has its optimum.
    """
    means, stds, basis = _law(size, components)
    covariances = (basis * stds[:, None, :] ** 2) @ basis.T
    law = {
        "weights": np.full(components, 1 / components),
        "means": means.reshape(components, size, size),
        "covariances": covariances,
    }

    def draw(rng: np.random.Generator) -> tuple[Any, dict[str, Any]]:
        one = int(rng.integers(components))
        patch = means[one] + basis @ (stds[one] * rng.standard_normal(size * size))
        # Products of matrices differ in the last bits from machine to machine; on this grid the pixels do not.
        return (np.rint(patch * 2**20) / 2**20).reshape(size, size), law

    recipe = f"gaussian_mixture|size={size}|components={components}|seed={seed}"
    return Synthetic("gaussian_mixture", n, recipe, draw)


@lru_cache(maxsize=8)
def _law(size: int, components: int) -> tuple[_Float, _Float, _Float]:
    """Means (K, D) of patches, standard deviations (K, D) of cosine coefficients, and the basis (D, D) in columns."""
    rng = nb.keyed_generator(nb.text_key(f"gaussian_mixture|size={size}|components={components}"))
    n = np.arange(size)
    cosines = np.cos(np.pi * np.outer(n + 0.5, n) / size) * np.sqrt(2 / size)
    cosines[:, 0] /= np.sqrt(2)
    basis = np.kron(cosines, cosines)
    power = (1 + np.hypot(n[:, None], n[None, :]).ravel()) ** -2.0
    power *= size**2 / power.sum()
    means = 0.5 + (rng.standard_normal((components, size**2)) * np.sqrt(power) * _BETWEEN) @ basis.T
    variances = rng.gamma(0.5, 2.0, (components, size**2)) * power
    variances *= _SPREAD**2 * size**2 / variances.sum(axis=1, keepdims=True)
    return means, np.sqrt(variances), basis
