from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le
from noisebench.datasets.restore._synthetic import Count, Size, Synthetic


def power_spectrum(size: int, exponent: float, std: float) -> npt.NDArray[np.float64]:
    """|f|^-exponent on the (size, size) FFT grid, 0 at f = 0, scaled so that its mean is std²."""
    f = np.fft.fftfreq(size)
    radius = np.hypot(f[:, None], f[None, :])
    radius[0, 0] = np.inf
    spectrum = radius**-exponent
    spectrum[0, 0] = 0.0
    return np.asarray(spectrum * (std**2 / spectrum.mean()))


@nb.dataset("gaussian_field", licence="CC0-1.0 (made here)")
def gaussian_field(
    *,
    n: Count = 8,
    size: Size = 128,
    exponent: Annotated[float, Ge(0), Le(8)] = 2.0,
    std: Annotated[float, Gt(0), Le(0.25)] = 0.1,
) -> Synthetic:
    """Stationary Gaussian random fields: the Wiener filter with the true spectrum is the Bayes optimum.

    Circular, mean 0.5, power spectrum |f|^-exponent. `meta`: `mean`, and `spectrum` (size, size), float64:
    the expectation of |FFT2(picture − mean)|² / size², so that white noise of variance s² has s² everywhere
    and the optimum is mean + IFFT2(FFT2(noisy − mean) · spectrum / (spectrum + s²)).
    """
    spectrum = power_spectrum(size, exponent, std)

    def draw(rng: np.random.Generator) -> tuple[Any, dict[str, Any]]:
        white = np.fft.fft2(rng.standard_normal((size, size)))
        field = np.fft.ifft2(white * np.sqrt(spectrum)).real
        # FFTs differ in the last bits from machine to machine; on this grid the pixels do not.
        return np.rint((0.5 + field) * 2**20) / 2**20, {"spectrum": spectrum, "mean": 0.5}

    recipe = f"gaussian_field|size={size}|exponent={exponent!r}|std={std!r}"
    return Synthetic("gaussian_field", n, recipe, draw)
