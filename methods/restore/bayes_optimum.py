from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.restore._clean import clean_of


@nb.method("bayes_optimum", layout="hwc", oracle=True, role="optimum")
def bayes_optimum(noisy: Any, info: Any) -> Any:
    """The least mean squared error that is possible, on synthetic sets under white Gaussian noise.

    With the true `spectrum` (E|fft2(x − mean)|² / HW) of a stationary Gaussian field it is the Wiener filter,
    which is the exact posterior mean (Wiener 1949). With `labels` of a piecewise constant picture it is the
    mean of each region: the posterior mean under a flat prior, for someone who is told the edges, hence a
    bound that no method reaches. With the `weights`, `means` and `covariances` of a Gaussian mixture it is the
    exact posterior mean of the patch. Skips where none applies.
    """
    clean = clean_of(info)
    meta = info.sample.meta
    if not meta.keys() & {"spectrum", "labels", "covariances"}:
        raise nb.Skip("the optimum is known for synthetic data only (gaussian_field, gaussian_mixture, piecewise)")
    if info.sigma is None or any(name in info for name in ("mask", "kernel", "scale", "peak", "looks")):
        raise nb.Skip("the optimum is known for white Gaussian noise of a disclosed sigma only")
    sigma = float(info.sigma)
    observed = np.asarray(noisy, np.float64)
    digital = info.sample.clean.dtype.kind == "f" and _is_digital(observed, info.bit_depth)
    clipped = bool(np.isin(observed, (0, 1)).any())
    if digital or clipped or not _is_white_gaussian(observed - clean, sigma):
        raise nb.Skip("the optimum is known for white Gaussian noise only, which this is not")
    if "spectrum" in meta:
        return _wiener(observed, np.asarray(meta["spectrum"], np.float64), meta["mean"], sigma)
    if "covariances" in meta:
        weights, means, covariances = (
            np.asarray(meta[name], np.float64) for name in ("weights", "means", "covariances")
        )
        estimate = posterior_mean(observed.ravel(), weights, means, covariances, sigma)
        return estimate.reshape(observed.shape).astype(np.float32)
    return _region_means(observed, np.asarray(meta["labels"]))


def posterior_mean(observed: Any, weights: Any, means: Any, covariances: Any, sigma: float) -> Any:
    """E[x | x + sigma·noise = observed] of a Gaussian mixture: float64 (D,), from (D,), (K,), (K, …) of D, (K, D, D).

    The mean of each component given the observation, weighed by how likely the component is given it.
    """
    if sigma == 0:
        return observed
    logs, component_means = [], []
    for weight, mean, covariance in zip(weights, means, covariances, strict=True):
        off = observed - mean.ravel()
        factor = np.linalg.cholesky(covariance + sigma**2 * np.eye(off.size))
        white = np.linalg.solve(factor, off)
        logs.append(np.log(weight) - 0.5 * white @ white - np.log(np.diag(factor)).sum())
        component_means.append(mean.ravel() + covariance @ np.linalg.solve(factor.T, white))
    shares = np.exp(np.array(logs) - max(logs))
    return shares @ np.array(component_means) / shares.sum()


def _is_digital(observed: Any, bit_depth: int | None) -> bool:
    """Whether all values are whole numbers of so many bits: not so of noise on a picture that happens to be."""
    if bit_depth is None:
        return False
    steps = observed * (2**bit_depth - 1)
    return bool((np.abs(steps - np.rint(steps)) < 1e-2).all())


def _is_white_gaussian(noise: Any, sigma: float) -> bool:
    """Whether spread, kurtosis and the correlation of neighbours agree with N(0, sigma²) within 6 errors.

    A regime tells its sigma and not its law (Laplace and correlated noise have a sigma too). Spread and kurtosis of a
    patch are skewed: the first as its cube root (Wilson, Hilferty 1931), the second by Anscombe and Glynn (1983).
    """
    from scipy.stats import kurtosistest

    n = noise.size
    if sigma <= 0:
        return bool(np.abs(noise).max() < 1e-6)
    z = noise / sigma
    moments = [
        (np.cbrt(np.mean(z**2)) - 1 + 2 / (9 * n)) / np.sqrt(2 / (9 * n)),
        kurtosistest(z, axis=None).statistic,
        np.sum(z[1:] * z[:-1]) / np.sqrt(max(z[1:].size, 1)),
        np.sum(z[:, 1:] * z[:, :-1]) / np.sqrt(max(z[:, 1:].size, 1)),
    ]
    return bool(np.max(np.abs(moments)) < 6)


def _wiener(observed: Any, spectrum: Any, mean: Any, sigma: float) -> Any:
    spectrum = spectrum[:, :, None] if spectrum.ndim == 2 else spectrum
    gain = spectrum / np.maximum(spectrum + sigma**2, np.finfo(np.float64).tiny)
    filtered = np.fft.ifft2(gain * np.fft.fft2(observed - mean, axes=(0, 1)), axes=(0, 1)).real
    return (mean + filtered).astype(np.float32)


def _region_means(observed: Any, labels: Any) -> Any:
    _, region = np.unique(labels.ravel(), return_inverse=True)
    region = region.ravel()
    pixels = observed.reshape(region.size, -1)
    count = np.bincount(region)
    means = [np.bincount(region, weights=channel) / count for channel in pixels.T]
    return np.stack([m[region] for m in means], axis=-1).reshape(observed.shape).astype(np.float32)
