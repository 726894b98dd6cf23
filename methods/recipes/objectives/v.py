from __future__ import annotations

import math
from typing import Annotated, Any

import noisebench as nb
import torch
from noisebench.recipes.objectives._denoising import LEAST, MOST, Drop, denoising_loss, read_as, uniform_draws


def scales(sigma: Any) -> tuple[Any, Any, Any]:
    """v = (noise - σ picture) / √(1 + σ²), so that the picture is x/(1 + σ²) - σ/√(1 + σ²) v."""
    into = (1 + sigma**2) ** -0.5
    return into, into**2, -sigma * into


@nb.objective("v", cite="T. Salimans, J. Ho, Progressive distillation for fast sampling of diffusion models, ICLR 2022")
@read_as(scales)
def v(net: Any, batch: Any, *, drop: Drop = 0.1, loss: Annotated[Any, nb.Nested("loss")] = "l2") -> Any:
    """The velocity of a picture on its way to noise is seen, at levels of a cosine: v-prediction.

    The time of each item is drawn evenly, and its noise is tan(π/2 time). drop: share of labels that are left out. The
    network is `arch=diffusion_unet`.
    """
    sigma = torch.tan(math.pi / 2 * uniform_draws(batch)).clamp(LEAST, MOST)
    return denoising_loss(net, batch, scales, sigma, drop, loss)
