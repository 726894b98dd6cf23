from __future__ import annotations

import itertools
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.methods.restore._diffusion import KEPT, differentiated, refuse_not_differentiable, times
from noisebench.methods.restore._measurement import measurement
from noisebench.methods.restore._wrapping import refuse_unwrappable, wrapped


@nb.method("dps", layout="hwc", cite="H. Chung et al., Diffusion posterior sampling for general noisy inverse "
           "problems, ICLR 2023")  # fmt: skip
class DiffusionPosteriorSampling:
    """DPS: a diffusion from noise to a picture, pulled at each step to what was measured, through the denoiser.

    denoiser: a method that is told sigma and gives a gradient, `edm` or `exact_prior`. steps: ancestral ones (DDPM)
    from the time at which the diffusion's noise has the deviation `most` (of 255; no more than the denoiser was made
    for), begun at a first guess with that noise, down to none; each is a call of the denoiser and a pass back through
    it. pull: times the gradient, by the picture on its way, of the distance between what was measured and what would be
    of the denoised picture, and times the root of the number of values, since that gradient's length does not grow with
    a picture: the authors' step of 1 for 256x256x3 is 0.0023 here, in 1000 steps. For holes (`mask`), blur and fewer
    pixels (`downsample`, bicubic). What comes back is one draw, keyed by the input.
    """

    def __init__(
        self,
        *,
        denoiser: nb.MethodSpec,
        steps: Annotated[int, Ge(1), Le(100_000)] = 100,
        pull: Annotated[float, Ge(0), Le(1e6)] = 0.02,
        most: Annotated[float, Gt(0), Le(20_000)] = 1275.0,
    ) -> None:
        self.inner = wrapped("dps", denoiser)
        self.steps, self.pull, self.most = steps, pull, most

    @staticmethod
    def flags(*, denoiser: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is run, for a denoiser that gives no gradient."""
        refuse_unwrappable("dps", denoiser)
        refuse_not_differentiable("dps", denoiser)
        return {}

    def setup(self, device: Any) -> None:
        """Set up the denoiser. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same, or as large as is wanted."""
        at = measurement(noisy, info, "dps")
        denoised = differentiated(self.inner)
        kept = [*KEPT[times(self.steps, self.most)], 1.0]
        # Between -1 and 1, its noise and the picture in it both made smaller, as a diffusion has them.
        x = np.sqrt(kept[0]) * (2 * at.start - 1) + np.sqrt(1 - kept[0]) * info.rng.standard_normal(at.start.shape)
        for now, following in info.each(itertools.pairwise(kept)):
            clean, back = denoised((x / np.sqrt(now) + 1) / 2, np.sqrt((1 - now) / now) / 2)
            off = at.forward(clean) - at.seen
            length = max(float(np.linalg.norm(off)), np.finfo(float).tiny)
            slope = back(at.adjoint(off / length)) / np.sqrt(now)
            share = now / following
            x = (
                np.sqrt(following) * (1 - share) / (1 - now) * (2 * clean - 1)
                + np.sqrt(share) * (1 - following) / (1 - now) * x
                + np.sqrt((1 - share) * (1 - following) / (1 - now)) * info.rng.standard_normal(x.shape)
                - self.pull * np.sqrt(x.size) * slope
            )
        return at.cut((x + 1) / 2).astype(np.float32)
