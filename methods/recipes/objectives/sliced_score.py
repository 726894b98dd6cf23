from __future__ import annotations

from typing import Any

import noisebench as nb
import torch
from noisebench.recipes.objectives._energies import LEAST, MOST, Level, noisy, read_as_energy


@nb.objective("sliced_score", cite="Y. Song, S. Garg, J. Shi, S. Ermon, Sliced score matching: a scalable approach to "
              "density and score estimation, UAI 2019")  # fmt: skip
@nb.checked(nb.at_most("least", "most"))
@read_as_energy
def sliced_score(net: Any, batch: Any, *, least: Level = LEAST, most: Level = MOST) -> Any:
    """Sliced score matching: score and curvature of an energy along random directions; no noise is known.

    The loss is σ² (vᵀ ∇(vᵀ∇log f) + (vᵀ∇log f)² / 2) over the number of values, in the mean, v normal, one for each
    picture. A step costs two backward passes more. For `arch=energy` and `normal_energy`; least, most as of `meco`.
    """
    energy, x, sigma, _ = noisy(net, batch, least, most, "sliced_score")
    direction = torch.randn_like(x)
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (score,) = torch.autograd.grad(energy.log_density(x, sigma).sum(), x, create_graph=True)
        along = (score * direction).flatten(1).sum(dim=1)
        (bent,) = torch.autograd.grad(along.sum(), x, create_graph=True)
    curvature = (bent * direction).flatten(1).sum(dim=1)
    return (sigma.flatten() ** 2 * (curvature + along**2 / 2)).mean() / x[0].numel()
