from __future__ import annotations

import math
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Gt, Le
from noisebench.recipes.archs._inner_network import module_in
from noisebench.recipes.archs.edm import Preconditioned, scale_of

Level = Annotated[float, Gt(0), Le(20_000)]


@nb.objective("edm", cite="T. Karras et al., Elucidating the design space of diffusion-based generative models, "
              "NeurIPS 2022")  # fmt: skip
@nb.checked(nb.at_most("least", "most"))
def edm(
    net: Any,
    batch: Any,
    *,
    least: Level = 1.0,
    most: Level = 1275.0,
    loss: Annotated[Any, nb.Nested("loss")] = "l2",
) -> Any:
    """EDM: clean pictures with noise of many strengths, to be denoised by a network that is told each.

    least, most: deviation of the noise (of 255), drawn for each item evenly in its logarithm. The loss is of the error
    over the scale of the network's part, so that all strengths count alike. The network is `arch=edm`. What the regime
    made of the pictures is not looked at: it is for the validation, at the `level` of the network.
    """
    denoiser = module_in(net, Preconditioned, "objective edm needs a network of arch=edm")
    clean = batch["wanted"]
    place = torch.rand(len(clean), 1, 1, 1, device=clean.device)
    sigma = least / 255 * torch.exp(math.log(most / least) * place)
    error = (denoiser.denoised(clean + sigma * torch.randn_like(clean), sigma) - clean) / scale_of(sigma)
    return loss.entry.obj(error, torch.zeros_like(error), **loss.kwargs)
