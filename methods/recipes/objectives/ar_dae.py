from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import torch
from annotated_types import Gt, Le
from noisebench.recipes.objectives._noisy_pictures import restored


@nb.objective("ar_dae", cite="J. H. Lim et al., AR-DAE, ICML 2020; K. Kim, J. C. Ye, Noise2Score, NeurIPS 2021")
@nb.checked(nb.at_most("least", "most"))
def ar_dae(
    net: Any,
    batch: Any,
    *,
    least: Annotated[float, Gt(0), Le(10)] = 0.001,
    most: Annotated[float, Gt(0), Le(10)] = 0.05,
    scale: Annotated[float, Gt(0)] = 0.1,
    draw: Annotated[Literal["even", "annealed"], nb.Later()] = "even",
) -> Any:
    """AR-DAE: a denoising autoencoder whose correction is the score of the noisy pictures, as Noise2Score needs it.

    The loss is the mean square of s R(y + s u) + u, u normal, where R(y) = (f(y) - y) / scale². Of one s its least is
    at the score of y + s u, and the network is not told s: of a value of variance v, normal, the least over all s is at
    the slope -1 / (v + E s⁴ / E s²) in the place of -1 / v, which is the score with noise of the variance E s⁴ / E s²
    added: 0.0015 for the default, 0.86 of the score of a flat area at sigma 25. `noise2score` counts it in.
    s, on the scale of the pictures: `even` draws it for each item between least and most, so that all levels are seen
    in each part of a training; `annealed` lowers it from most to least over the training, as the paper's code does in
    each epoch, and nothing is added in the end. For counts of a peak it has 0.5 / peak to 1 / peak. The loss stays near
    1, so it chooses no network. The truth of the batch is not read.
    """
    y = batch["given"]
    share = torch.rand(len(y), device=y.device) if draw == "even" else 1 - batch["progress"].to(y)
    s = (least + (most - least) * share).view(-1, 1, 1, 1)
    u = torch.randn_like(y)
    shaken = y + s * u
    return (s * (restored(net, shaken) - shaken) / scale**2 + u).square().mean()
