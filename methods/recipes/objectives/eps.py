from __future__ import annotations

import math
from typing import Annotated, Any

import noisebench as nb
import torch
from noisebench.recipes.objectives._denoising import LEAST, MOST, Drop, denoising_loss, read_as, uniform_draws


def scales(sigma: Any) -> tuple[Any, Any, Any]:
    """The picture is x less σ times the noise that is seen; what goes in has the variance 1 where pictures have."""
    into = (1 + sigma**2) ** -0.5
    return into, torch.ones_like(sigma), -sigma


@nb.objective(
    "eps",
    cite="J. Ho, A. Jain, P. Abbeel, Denoising diffusion probabilistic models, NeurIPS 2020; A. Nichol, P. Dhariwal, "
    "Improved denoising diffusion probabilistic models, ICML 2021",
)
@read_as(scales)
def eps(net: Any, batch: Any, *, drop: Drop = 0.1, loss: Annotated[Any, nb.Nested("loss")] = "l2") -> Any:
    """The noise in a picture is seen, at levels of a cosine: DDPM's objective, for models that are told a class.

    The time of each item is drawn evenly, and its noise is tan(π/2 time). At strong noise a small error in it is a
    large one of the picture. drop: share of labels that are left out. The network is `arch=diffusion_unet`.
    """
    sigma = torch.tan(math.pi / 2 * uniform_draws(batch)).clamp(LEAST, MOST)
    return denoising_loss(net, batch, scales, sigma, drop, loss)
