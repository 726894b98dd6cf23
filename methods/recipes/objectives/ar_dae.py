from __future__ import annotations

from typing import Annotated, Any

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
) -> Any:
    """AR-DAE: a denoising autoencoder whose correction is the score of the noisy pictures, as Noise2Score needs it.

    The loss is the mean square of s R(y + s u) + u, u normal, where R(y) = (f(y) - y) / scale²: at its least R is the
    gradient of log p(y), smoothed, for the network is not told s: from one pixel of a flat area of variance v its best
    slope is 1 / (v + E s⁴ / E s²) = 1 / (v + 0.0015) in place of 1 / v, 0.86 of it at sigma 25 and 0.40 at v = 0.001.
    s: drawn for each item evenly between least and most, on the scale of the pictures, so that all of the levels
    through which the paper cools are seen in each part of a training; for counts of a peak it has 0.5 / peak to
    1 / peak. The loss stays near 1, so it chooses no network. The truth of the batch is not read.
    """
    y = batch["given"]
    s = least + (most - least) * torch.rand(len(y), 1, 1, 1, device=y.device)
    u = torch.randn_like(y)
    shaken = y + s * u
    return (s * (restored(net, shaken) - shaken) / scale**2 + u).square().mean()
