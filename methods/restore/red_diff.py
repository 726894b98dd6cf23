"""RED-Diff: the picture that fits what was measured and that a denoiser, at falling noise, leaves as it is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.methods.restore._measurement import denoiser_of, measurement
from noisebench.methods.restore._wrapping import refuse_unwrappable, wrapped

_TIMES = 1000
_BETAS = np.linspace(1e-4, 0.02, _TIMES)
_KEPT = np.cumprod(1 - _BETAS)
"""Share of the picture's variance that is left at each time of the diffusion."""
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
    is 1. For holes (`mask`) and blur, with little noise: what was measured is fitted, its noise too.
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
        """float32 (H, W, C) → the same."""
        import torch

        at = measurement(noisy, info, "red_diff")
        denoised = denoiser_of(self.inner)
        # Between -1 and 1. H of a constant is that constant where pixels are known, so Hᵀ1 is HᵀH1.
        back = 2 * at.back - at.normal(np.ones_like(at.start))
        picture = torch.from_numpy(2 * at.start - 1)
        x = picture.numpy()  # the same numbers, which each step changes
        optimizer = torch.optim.Adam([picture], lr=self.lr, betas=_BETAS_OF_ADAM)
        for time in _times(self.steps, self.most):
            kept = _KEPT[time]
            spread, sigma = np.sqrt(1 - kept), np.sqrt((1 - kept) / kept)
            noise = info.rng.standard_normal(x.shape)
            z = x + sigma * noise
            found = (z - (2 * denoised((z + 1) / 2, sigma / 2) - 1)) / sigma
            factor = spread / np.sqrt(kept) if self.weight == "snr" else 1.0
            picture.grad = torch.from_numpy(at.normal(x) - back + self.prior * factor * (found - noise))
            optimizer.step()
        return at.cut((x + 1) / 2).astype(np.float32)


def _times(steps: int, most: float) -> Any:
    """Times from the last at which the noise is not above `most` down to the first, evenly."""
    sigmas = np.sqrt((1 - _KEPT) / _KEPT) / 2 * 255
    last = max(0, int(np.searchsorted(sigmas, most, side="right")) - 1)
    return np.rint(np.linspace(last, 0, steps)).astype(int)
