"""DDPM: the noise of a random level is seen in the picture, told the degraded one."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from noisebench.recipes.archs._diffusion import LEVELS, noised, shares


@nb.objective("ddpm", cite="J. Ho, A. Jain, P. Abbeel, Denoising diffusion probabilistic models, NeurIPS 2020")
def ddpm(net: Any, batch: Any, *, loss: Annotated[Any, nb.Nested("loss")] = "l2") -> Any:
    """DDPM: the noise of a random level is seen in the picture, told the degraded one.

    Each item has a level of its own, all of them as likely, and noise. The loss is that of the velocity (T. Salimans,
    J. Ho, ICLR 2022), whose square is that of the noise weighted by 1 + 1/SNR. The network is one with a `velocity`,
    such as `arch=conditional_diffusion`.
    """
    within = next((one for one in net.modules() if hasattr(one, "velocity")), None)
    if within is None:
        raise nb.UsageError("objective ddpm needs a network that gives a velocity, such as arch=conditional_diffusion")
    clean = 2 * batch["wanted"] - 1
    level = torch.randint(1, LEVELS + 1, (len(clean), 1, 1, 1), device=clean.device)
    noise = torch.randn_like(clean)
    share, spread = shares(level, clean)
    velocity = within.velocity(noised(clean, noise, level), batch["given"], level)
    return loss.entry.obj(velocity, share * noise - spread * clean, **loss.kwargs)
