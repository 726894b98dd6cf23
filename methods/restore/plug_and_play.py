from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.methods.restore._diffusion import denoiser_of
from noisebench.methods.restore._measurement import measurement
from noisebench.methods.restore._wrapping import refuse_unwrappable, wrapped


@nb.method("plug_and_play", layout="hwc", cite="K. Zhang et al., Plug-and-play image restoration with deep denoiser "
           "prior, IEEE TPAMI 2022")  # fmt: skip
class PlugAndPlay:
    """Plug-and-play: a denoiser at falling noise, in turn with the picture that fits what was measured.

    Half-quadratic splitting. denoiser: a method that is told sigma. steps: as many of each; the noise of the denoiser
    falls evenly in its logarithm from `most` (of 255; no more than the denoiser was made for) to that of the picture,
    which is the `sigma` that is disclosed, and at least 1. prior: how much the denoiser counts against what was
    measured. For holes (`mask`), blur, fewer pixels (`downsample`, bicubic) and noise alone.
    """

    def __init__(
        self,
        *,
        denoiser: nb.MethodSpec = "ffdnet(color=True)",
        steps: Annotated[int, Ge(1), Le(100_000)] = 24,
        prior: Annotated[float, Gt(0), Le(1e6)] = 0.23,
        most: Annotated[float, Gt(0), Le(20_000)] = 49.0,
    ) -> None:
        self.inner = wrapped("plug_and_play", denoiser)
        self.steps, self.prior, self.most = steps, prior, most

    @staticmethod
    def flags(*, denoiser: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is run, for a denoiser that cannot be wrapped."""
        refuse_unwrappable("plug_and_play", denoiser)
        return {}

    def setup(self, device: Any) -> None:
        """Set up the denoiser. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same, or as large as is wanted."""
        at = measurement(noisy, info, "plug_and_play")
        denoised = denoiser_of(self.inner)
        x = at.start
        for sigma in info.each(np.geomspace(max(self.most / 255, at.noise), at.noise, self.steps)):
            x = denoised(at.nearest(x, self.prior * (at.noise / sigma) ** 2), float(sigma))
        return at.cut(x).astype(np.float32)
