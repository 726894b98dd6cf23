from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le
from noisebench.datasets.restore._synthetic import Count, Size, Synthetic

_WAVES = 0.06
"""Standard deviation of a part about its level."""


@nb.dataset(
    "c_alpha",
    licence="CC0-1.0 (made here)",
    citation="Z. Kadkhodaie et al., Generalization in diffusion models arises from geometry-adaptive harmonic "
    "representations, ICLR 2024",
)
def c_alpha(
    *,
    n: Count = 100,
    size: Size = 32,
    alpha: Annotated[float, Gt(0), Le(8)] = 2.0,
    seed: Annotated[int, Ge(0)] = 0,
) -> Synthetic:
    """Pictures of known regularity: two smooth parts that meet along a contour, all of them C^alpha.

    Both parts and the contour are Gaussian and as regular as `alpha` says: power |f|^-(2 alpha + 2) in the plane and
    |f|^-(2 alpha + 1) along the contour, which crosses the picture in either direction. The best mean squared error
    that any denoiser has falls as s^(2 alpha / (alpha + 1)) with the noise s, for pictures of ever more pixels
    (Korostelev and Tsybakov 1993). `meta`: `alpha`. `seed` makes another set.
    """

    def draw(rng: np.random.Generator) -> tuple[Any, dict[str, Any]]:
        middle = 0.25 * size * _smooth(rng, (2 * size,), alpha)[:size]
        contour = size * rng.uniform(0.3, 0.7) + middle - middle.mean()
        ground, step = rng.uniform(0.3, 0.7), rng.uniform(0.15, 0.25)
        levels = (ground - step, ground + step) if rng.uniform() < 0.5 else (ground + step, ground - step)
        one, other = (level + _WAVES * _smooth(rng, (2 * size,) * 2, alpha)[:size, :size] for level in levels)
        picture = np.where(np.arange(size) + 0.5 < contour[:, None], one, other)
        picture = np.rot90(picture, int(rng.integers(4)))
        # FFTs differ in the last bits from machine to machine; on this grid the pixels do not.
        return np.rint(np.clip(picture, 0, 1) * 2**20) / 2**20, {"alpha": alpha}

    return Synthetic("c_alpha", n, f"c_alpha|size={size}|alpha={alpha!r}|seed={seed}", draw)


def _smooth(rng: np.random.Generator, shape: tuple[int, ...], alpha: float) -> npt.NDArray[np.float64]:
    """A periodic Gaussian field of mean 0 and standard deviation 1 that is C^alpha."""
    axes = np.meshgrid(*(np.fft.fftfreq(side) for side in shape), indexing="ij")
    far = np.sqrt(sum(axis**2 for axis in axes))
    far[(0,) * len(shape)] = np.inf
    spectrum = far ** -(2 * alpha + len(shape))
    white = np.fft.fftn(rng.standard_normal(shape))
    return np.asarray(np.fft.ifftn(white * np.sqrt(spectrum / spectrum.mean())).real)
