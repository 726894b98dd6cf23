"""Synthetic pictures with a known optimum, keyed by name, parameters and picture number."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le

Count = Annotated[int, Ge(1), Le(100_000)]
Size = Annotated[int, Ge(8), Le(4096)]


class Synthetic:
    """Pictures that are drawn when they are loaded; each depends on `recipe` and its own number alone."""

    def __init__(self, name: str, n: int, recipe: str, draw: Callable[[np.random.Generator], tuple[Any, Any]]) -> None:
        self.ids: Sequence[str] = [f"{name}_{i:0{max(3, len(str(n - 1)))}d}" for i in range(n)]
        self._recipe = recipe
        self._draw = draw

    def load(self, index: int) -> nb.Sample:
        """Picture `index`, float32 (size, size), with its `meta`."""
        number = range(len(self.ids))[index]
        key = hashlib.sha256(f"{self._recipe}|{number}".encode()).digest()
        rng = np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "little")))
        picture, meta = self._draw(rng)
        return nb.Sample(self.ids[index], np.ascontiguousarray(picture, dtype=np.float32), meta=meta)


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


@nb.dataset("piecewise", licence="CC0-1.0 (made here)")
def piecewise(*, n: Count = 8, size: Size = 128, pieces: Annotated[int, Ge(1), Le(1024)] = 12) -> Synthetic:
    """Piecewise-constant pictures (Voronoi cells): with known regions, their means are the optimum.

    Grey levels are uniform on [0.1, 0.9]. `meta`: `labels`, int32 (size, size), the region of each pixel; the
    mean of a region of m pixels has the error variance s²/m under white noise of variance s².
    """

    def draw(rng: np.random.Generator) -> tuple[Any, dict[str, Any]]:
        sites = rng.uniform(0, size, (pieces, 2))
        levels = rng.uniform(0.1, 0.9, pieces)
        grid = np.arange(size) + 0.5
        nearest = np.full((size, size), np.inf)
        labels = np.zeros((size, size), np.int32)
        for label, (y, x) in enumerate(sites):
            distance = (grid[:, None] - y) ** 2 + (grid[None, :] - x) ** 2
            closer = distance < nearest
            nearest[closer] = distance[closer]
            labels[closer] = label
        return levels[labels], {"labels": labels}

    return Synthetic("piecewise", n, f"piecewise|size={size}|pieces={pieces}", draw)
