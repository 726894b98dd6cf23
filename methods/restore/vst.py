from __future__ import annotations

from typing import Any, Literal

import noisebench as nb
import numpy as np


@nb.method("vst", layout="hwc", needs=("peak|looks",), cite="Mäkitalo & Foi 2011, 2013")
class Vst:
    """Stabilise the variance, denoise with `method` as if the noise were Gaussian, transform back unbiased.

    `anscombe` for Poisson noise of a disclosed `peak`, with read noise `sigma` where there is; `log` for
    gamma noise of disclosed `looks`; `auto` takes the one that is disclosed. Skips where none is.
    """

    def __init__(self, *, method: nb.MethodSpec = "nlm", kind: Literal["auto", "anscombe", "log"] = "auto") -> None:
        self.inner = nb.Restorer(method)
        self.kind = kind

    def setup(self, device: Any) -> None:
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        kind = self.kind
        if kind == "auto":
            kind = "log" if info.looks is not None and info.peak is None else "anscombe"
        if kind == "anscombe":
            if info.peak is None:
                raise nb.Skip("kind=anscombe needs peak, which the regime does not disclose")
            pair = anscombe(float(info.peak), float(info.sigma or 0))
        else:
            if info.looks is None:
                raise nb.Skip("kind=log needs looks, which the regime does not disclose")
            pair = logarithm(float(info.looks))
        forward, backward, spread = pair
        low, high = forward(np.array([0.0, 1.0]))
        scaled = (forward(noisy.astype(np.float64)) - low) / (high - low)
        inner = info.replace(sigma=float(spread / (high - low)), peak=None, looks=None, speckle=None)
        restored = self.inner.restore(scaled.astype(np.float32), inner)
        return backward(low + (high - low) * restored.astype(np.float64)).astype(np.float32)


def anscombe(peak: float, sigma: float = 0.0) -> tuple[Any, Any, float]:
    """Generalised Anscombe transform of Poisson(peak·x)/peak + N(0, sigma²): (forward, backward, deviation).

    `backward` is the closed-form approximation of the exact unbiased inverse (Mäkitalo & Foi 2011 and 2013).
    """
    offset = 3 / 8 + (peak * sigma) ** 2

    def forward(y: Any) -> Any:
        return 2 * np.sqrt(np.maximum(peak * y + offset, 0))

    def backward(d: Any) -> Any:
        # Below the transform of zero counts the inverse is zero (ibid.); d⁻³ would blow up there.
        d = np.maximum(d, 2 * np.sqrt(3 / 8))
        root = np.sqrt(3 / 2)
        counts = d**2 / 4 + root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3) - 1 / 8
        return np.maximum(counts - (peak * sigma) ** 2, 0) / peak

    return forward, backward, 1.0


def logarithm(looks: float) -> tuple[Any, Any, float]:
    """Log of y = x·Gamma(looks)/looks: (forward, backward, deviation of the noise).

    E[log y] = log x + ψ(L) − log L and var[log y] = ψ′(L), so that `backward` divides the bias out.
    """
    from scipy.special import digamma, polygamma

    # Half a grey level of 8 bits: a black pixel has no logarithm, and nothing below it can be seen.
    floor = 0.5 / 255
    bias = float(digamma(looks) - np.log(looks))

    def forward(y: Any) -> Any:
        return np.log(np.maximum(y, floor))

    def backward(z: Any) -> Any:
        return np.exp(np.minimum(z - bias, 50.0))

    return forward, backward, float(np.sqrt(polygamma(1, looks)))
