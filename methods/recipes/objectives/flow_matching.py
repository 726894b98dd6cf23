from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from noisebench.recipes.objectives._denoising import LEAST, MOST, Drop, denoising_loss, read_as, uniform_draws


def scales(sigma: Any) -> tuple[Any, Any, Any]:
    """At t = σ/(1 + σ) is (1 - t) picture + t noise, x/(1 + σ); the picture is that less t (noise - picture)."""
    into = 1 / (1 + sigma)
    return into, into, -sigma * into


@nb.objective(
    "flow_matching",
    cite="Y. Lipman et al., Flow matching for generative modeling, ICLR 2023; X. Liu, C. Gong, Q. Liu, Flow "
    "straight and fast: learning to generate and transfer data with rectified flow, ICLR 2023",
)
@read_as(scales)
def flow_matching(net: Any, batch: Any, *, drop: Drop = 0.1, loss: Annotated[Any, nb.Nested("loss")] = "l2") -> Any:
    """The straight way from a picture to noise is seen: flow matching, or rectified flow.

    The time of each item is drawn evenly. drop: share of labels that are left out. The network is
    `arch=diffusion_unet`.
    """
    time = uniform_draws(batch)
    return denoising_loss(net, batch, scales, (time / (1 - time)).clamp(LEAST, MOST), drop, loss)
