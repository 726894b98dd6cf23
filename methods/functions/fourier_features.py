"""Ridge regression on random cosines, which stand for a Gaussian kernel."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le

LENGTHS, RIDGES = 8, (1e-10, 1e-8, 1e-6, 1e-4, 1e-2)
"""How many lengths are tried between the spacing of the samples and their span, and which ridges with each."""


@nb.method(
    "fourier_features",
    track="functions",
    blind=True,
    cite="A. Rahimi, B. Recht, Random features for large-scale kernel machines, NeurIPS 2007",
)
def fourier_features(
    samples: Any,
    info: Any,
    *,
    length: Annotated[float, Gt(0), Le(1e6)] | None = None,
    width: Annotated[int, Ge(1), Le(20_000)] = 500,
    ridge: Annotated[float, Gt(0), Le(1e6)] | None = None,
) -> Any:
    """g(x) = Σ cⱼ √(2 / width) cos(wⱼ·x + bⱼ), w normal of deviation 1 / length, b uniform on [0, 2π), c by ridge.

    `samples.x` (N, d), `samples.y` (N,) → values (M,) at `samples.at`, float64. Products of the features tend to
    exp(−|x − x′|² / (2 length²)) as 1 / √width (Rahimi & Recht 2007, algorithm 1 and claim 1). Samples lose their mean;
    `ridge` times N is added to the normal equations. Default length and ridge: those of 8 by 5 with the least
    leave-one-out error. Draws are keyed by the input.
    """
    normals = info.rng.standard_normal((samples.x.shape[1], width))
    phases = info.rng.uniform(0, 2 * np.pi, width)

    def features(x: Any, of_length: float) -> Any:
        return np.sqrt(2 / width) * np.cos(x @ (normals / of_length) + phases)

    mean = samples.y.mean()
    lengths = [length] if length is not None else _lengths(samples.x)
    ridges = [ridge] if ridge is not None else list(RIDGES)
    fits = (_fit(features(samples.x, one), samples.y - mean, ridges) for one in lengths)
    (_, weights), best = min(zip(fits, lengths, strict=True), key=lambda pair: pair[0][0])
    return features(samples.at, best) @ weights + mean


def _lengths(x: Any) -> list[float]:
    """Lengths on a logarithmic scale, from what parts neighbours to the span of the samples (N, d)."""
    span = float(np.ptp(x, axis=0).max()) or 1.0
    least = span / max(len(x) ** (1 / x.shape[1]), 2)
    return list(np.geomspace(least, span, LENGTHS).tolist())


def _fit(a: Any, y: Any, ridges: list[float]) -> tuple[float, Any]:
    """The least leave-one-out error over the ridges, and the weights (width,), of features (N, width)."""
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    along, fits = u.T @ y, []
    for ridge in ridges:
        kept = s**2 / (s**2 + ridge * len(y))
        residuals = (y - u @ (kept * along)) / np.maximum(1 - (u**2) @ kept, 1e-12)
        fits.append((float(np.mean(residuals**2)), vt.T @ (s / (s**2 + ridge * len(y)) * along)))
    return min(fits, key=lambda one: one[0])
