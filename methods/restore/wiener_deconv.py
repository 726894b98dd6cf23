from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.restore._inverse import filtered, periodic
from noisebench.methods.restore._noise_level import noise_sigma


@nb.method("wiener_deconv", layout="hwc", needs=("kernel",), cite="Wiener 1949; Field 1987; Stein 1981")
def wiener_deconv(noisy: Any, info: Any) -> Any:
    """Wiener deconvolution with the power spectrum of natural pictures, c/|f|² (Field 1987).

    c has the least unbiased estimate (Stein 1981) of the risk of the picture blurred again, in steps of 2. A
    noise below the rounding error of 8 bits is taken to be that.
    """
    y, height, width, transfer = periodic(noisy, info)
    variance = max(noise_sigma(noisy, info), 1 / (255 * np.sqrt(12))) ** 2
    f = np.hypot(np.fft.fftfreq(y.shape[0])[:, None], np.fft.rfftfreq(y.shape[1])[None, :])[:, :, None]
    f[0, 0] = 1 / max(y.shape[:2])
    mean = y.mean(axis=(0, 1))
    # Of a real picture rfft2 holds half the plane: all but the first column stand for two (Nyquist's, for one).
    power = np.abs(np.fft.rfft2(y - mean, axes=(0, 1))) ** 2
    twice = np.where(np.arange(f.shape[1]) * 2 % y.shape[1] == 0, 1.0, 2.0)[:, None] / (y.shape[0] * y.shape[1])
    passed = np.abs(transfer) ** 2
    best, least = np.zeros_like(transfer), np.inf
    for c in 2.0 ** np.arange(-24, 1):
        shrink = passed / (passed + variance / c * f**2)
        fit = np.sum(np.square(1 - shrink) * power * twice) / y.size
        risk = fit + 2 * variance * np.sum(shrink * twice)
        if risk < least:
            best, least = np.conj(transfer) / (passed + variance / c * f**2), risk
    return (mean + filtered(y - mean, best))[:height, :width].astype(np.float32)
