from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.restore._noise_level import noise_sigma


@nb.method("estimated_subsampled", layout="hwc", blind=True, cite="Y. Zhou et al., When AWGN-based denoiser meets "
           "real noises, AAAI 2020")  # fmt: skip
class EstimatedSubsampled:
    """`method` with sigma estimated from sub-sampled pictures, for noise that is correlated over near pixels.

    The noise of a camera went through demosaicing and JPEG, and is hardly there at the finest scale, where `estimated`
    looks. Pixels that are `stride` apart have noise that is nearly white (Zhou et al. 2020): the estimate is the mean
    of that of `estimated` over the stride × stride pictures of such pixels. Fine texture counts as noise then. On
    camera pictures of PolyU it says 0.5 to 1 of the true level, where `estimated` says 0.1 to 0.2.
    """

    def __init__(
        self, *, method: nb.MethodSpec = "ffdnet(color=True)", stride: Annotated[int, Ge(2), Le(16)] = 4
    ) -> None:
        self.inner = nb.Restorer(method)
        self.stride = stride

    def setup(self, device: Any) -> None:
        """Set up the method within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same."""
        s = self.stride
        sigma = float(np.mean([noise_sigma(noisy[i::s, j::s], nb.Info()) for i in range(s) for j in range(s)]))
        return self.inner.restore(noisy, info.replace(sigma=sigma, peak=None, looks=None, speckle=None, quality=None))
