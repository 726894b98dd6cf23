from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("data_consistent", layout="hwc", needs=("sampled",), cite="J. Schlemper et al., A deep cascade of "
           "convolutional neural networks for dynamic MR image reconstruction, IEEE TMI 37, 2018")  # fmt: skip
class DataConsistent:
    """MRI: what `method` gives, but where the spectrum was measured, what was measured.

    So a network that is given the folded picture alone, as `trained` is, need only tell what was not measured; one of
    `objective=ssdu` is meant to be used so. The noise of what was measured comes back too. For `regime=kspace(…)`.
    """

    def __init__(self, *, method: nb.MethodSpec) -> None:
        self.inner = nb.Restorer(method)

    def setup(self, device: Any) -> None:
        """Set up the method within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same."""
        estimate = self.inner.restore(noisy, info).astype(np.float64)
        missing = np.fft.fft2(noisy - estimate, axes=(0, 1)) * np.asarray(info.sampled, np.float64)[:, :, None]
        return (estimate + np.fft.ifft2(missing, axes=(0, 1)).real).astype(np.float32)
