from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from noisebench.recipes.archs._diffusion import LEVELS, noised, reach
from noisebench.recipes.archs._inner_network import module_in
from noisebench.recipes.archs.conditional_diffusion import ConditionalDiffusion


@nb.objective("ddpm", cite="J. Ho, A. Jain, P. Abbeel, Denoising diffusion probabilistic models, NeurIPS 2020")
def ddpm(net: Any, batch: Any, *, loss: Annotated[Any, nb.Nested("loss")] = "l2") -> Any:
    """DDPM: the noise of a random level is seen in the picture, told the degraded one.

    Each item has a level of its own, all of them as likely, and noise. The loss is of the picture that is seen, over
    how far it can be off at that level (T. Karras et al., NeurIPS 2022), so that all levels weigh the same; with `l2`
    it is that of the noise in another weighting. The network is `arch=conditional_diffusion`.
    """
    diffusion = module_in(net, ConditionalDiffusion, "objective ddpm needs a network of arch=conditional_diffusion")
    clean = 2 * batch["wanted"] - 1
    level = torch.randint(1, LEVELS + 1, (len(clean), 1, 1, 1), device=clean.device)
    noise = torch.randn_like(clean)
    seen, far = diffusion.clean_in(noised(clean, noise, level), batch["given"], level), reach(level, clean)
    return loss.entry.obj(seen / far, clean / far, **loss.kwargs)
