from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.methods.restore._diffusion import SIGMAS, denoiser_of, times
from noisebench.methods.restore._measurement import measurement
from noisebench.methods.restore._wrapping import refuse_unwrappable, wrapped

_BETAS_OF_ADAM = 0.9, 0.99


@nb.method("red_diff", layout="hwc", cite="M. Mardani et al., A variational perspective on solving inverse problems "
           "with diffusion models, ICLR 2024")  # fmt: skip
class RedDiff:
    """RED-Diff: the picture that fits what was measured and that a denoiser, at falling noise, leaves as it is.

    denoiser: a method that is told sigma; it takes the place of a diffusion network, whose noise it gives by (x - D(x))
    / sigma. steps: from the time at which the diffusion's noise has the deviation `most` (of 255; no more than the
    denoiser was made for) down to none, evenly, each one step of Adam at rate `lr` on pictures between -1 and 1. The
    loss is half the mean square of what was measured less what would be, plus `prior` times the weighted product of
    picture and (noise found - noise added). weight: `snr` is deviation over signal, as the authors have it, `constant`
    is 1. For holes (`mask`), blur and fewer pixels (`downsample`, bicubic), with little noise: what was measured is
    fitted, its noise too.
    """

    def __init__(
        self,
        *,
        denoiser: nb.MethodSpec = "ffdnet(color=True)",
        steps: Annotated[int, Ge(1), Le(100_000)] = 100,
        lr: Annotated[float, Gt(0), Le(10)] = 0.1,
        prior: Annotated[float, Ge(0), Le(1e6)] = 0.25,
        weight: Literal["snr", "constant"] = "snr",
        most: Annotated[float, Gt(0), Le(20_000)] = 75.0,
    ) -> None:
        self.inner = wrapped("red_diff", denoiser)
        self.steps, self.lr, self.prior, self.weight, self.most = steps, lr, prior, weight, most

    @staticmethod
    def flags(*, denoiser: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is run, for a denoiser that cannot be wrapped."""
        refuse_unwrappable("red_diff", denoiser)
        return {}

    def setup(self, device: Any) -> None:
        """Set up the denoiser. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same, or as large as is wanted."""
        import torch

        at = measurement(noisy, info, "red_diff")
        denoised = denoiser_of(self.inner)
        picture = torch.from_numpy(2 * at.start - 1)
        x = picture.numpy()  # the same numbers, which each step changes
        optimizer = torch.optim.Adam([picture], lr=self.lr, betas=_BETAS_OF_ADAM)
        for time in info.each(times(self.steps, self.most)):
            sigma = 2 * SIGMAS[time]  # of pictures between -1 and 1
            noise = info.rng.standard_normal(x.shape)
            z = x + sigma * noise
            predicted_noise = (z - (2 * denoised((z + 1) / 2, sigma / 2) - 1)) / sigma
            factor = sigma if self.weight == "snr" else 1.0
            # Both means, over what was measured and over the picture, times the number of the picture's values.
            slope = 2 * at.share * at.slope((x + 1) / 2)
            picture.grad = torch.from_numpy(slope + self.prior * factor * (predicted_noise - noise))
            optimizer.step()
        return at.cut((x + 1) / 2).astype(np.float32)
