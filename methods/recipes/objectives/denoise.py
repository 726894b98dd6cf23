from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Gt, Le
from noisebench.recipes.objectives._denoising import LEAST, MOST, Drop, denoising_loss, read_as

_SPREAD = 0.5
"""What pictures on [-1, 1] are supposed to deviate by."""


def scales(sigma: Any) -> tuple[Any, Any, Any]:
    """The Wiener filter's share of x is kept; the network reaches as far as that errs."""
    total = sigma**2 + _SPREAD**2
    return total**-0.5, _SPREAD**2 / total, sigma * _SPREAD * total**-0.5


@nb.objective(
    "denoise", cite="T. Karras et al., Elucidating the design space of diffusion-based generative models, NeurIPS 2022"
)
@read_as(scales)
def denoise(
    net: Any,
    batch: Any,
    *,
    drop: Drop = 0.1,
    mean: float = -1.2,
    deviation: Annotated[float, Gt(0), Le(10)] = 1.2,
    loss: Annotated[Any, nb.Nested("loss")] = "l2",
) -> Any:
    """EDM's objective for models that are told a class: the picture is seen, at levels around those that matter most.

    mean, deviation: of the logarithm of the noise, which is normal; those of Karras et al. by default. drop: share of
    labels that are left out. The network is `arch=diffusion_unet`. `edm` is the same for `arch=edm`, told no class.
    """
    draws = torch.randn(len(batch["wanted"]), 1, 1, 1, device=batch["wanted"].device)
    return denoising_loss(net, batch, scales, (mean + deviation * draws).exp().clamp(LEAST, MOST), drop, loss)
