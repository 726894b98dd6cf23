from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.restore._noise_level import noise_sigma


@nb.method("estimated", layout="hwc", blind=True, cite="Donoho & Johnstone 1994")
class Estimated:
    """`method` with sigma estimated from the picture, whatever the regime discloses of the noise.

    The estimate is the median absolute diagonal wavelet coefficient / 0.6745 (Donoho & Johnstone 1994), the mean over
    channels: right for white Gaussian noise, too low for noise that is correlated or went through JPEG.
    """

    def __init__(self, *, method: nb.MethodSpec = "ffdnet(color=True)") -> None:
        self.inner = nb.Restorer(method)

    def setup(self, device: Any) -> None:
        """Set up the method within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same."""
        sigma = noise_sigma(noisy, nb.Info())
        return self.inner.restore(noisy, info.replace(sigma=sigma, peak=None, looks=None, speckle=None, quality=None))
