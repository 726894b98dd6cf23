from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le


@nb.method("at_sigma", layout="hwc", blind=True)
class AtSigma:
    """`method` told a fixed `sigma` (of 255), whatever the regime discloses of the noise.

    For noise whose level nobody knows, and for a level that is chosen on validation pictures (`best_on_validation`).
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec = "nlm",
        sigma: Annotated[float, Ge(0), Le(1e5), nb.AxisLabel("assumed σ (of 255)")],
    ) -> None:
        self.inner = nb.Restorer(method)
        self.sigma = sigma / 255

    def setup(self, device: Any) -> None:
        """Set up the method within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same."""
        assumed = info.replace(sigma=self.sigma, peak=None, looks=None, speckle=None, quality=None)
        return self.inner.restore(noisy, assumed)
