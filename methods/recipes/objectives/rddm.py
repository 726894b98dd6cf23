from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from noisebench.recipes.archs._inner_network import module_in
from noisebench.recipes.archs._residual_diffusion import level_of
from noisebench.recipes.archs.rddm import ResidualDiffusion


@nb.objective("rddm", cite="J. Liu et al., Residual denoising diffusion models, CVPR 2024")
def rddm(net: Any, batch: Any, *, loss: Annotated[Any, nb.Nested("loss")] = "l1") -> Any:
    """RDDM: residual and noise of a picture at a random place of its way from degraded to clean.

    Each item has a time of its own, even on [0, 1]; the loss is that of the residual plus, where the network learns it,
    that of the noise. The residual counts as on pictures in [-1, 1], where the authors have it: doubled. The network is
    `arch=rddm`, and its input and output have one shape.
    """
    diffusion = module_in(net, ResidualDiffusion, "objective rddm needs a network of arch=rddm")
    degraded, clean = batch["given"], batch["wanted"]
    time = torch.rand(len(clean), 1, 1, 1, device=clean.device)
    drawn = torch.randn_like(clean)
    level = level_of(time, diffusion.noise)
    x = clean + level[0] * (degraded - clean) + level[1] * drawn
    residual, noise = diffusion.predict(x, degraded, level)
    total = loss.entry.obj(2 * residual, 2 * (degraded - clean), **loss.kwargs)
    learned = diffusion.noise and diffusion.predicts == "both"
    return total + loss.entry.obj(noise, drawn, **loss.kwargs) if learned else total
