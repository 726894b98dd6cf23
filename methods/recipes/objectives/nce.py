from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.recipes.objectives._energies import LEAST, MOST, Level, Wider, log_ratios, noisy, read_as_energy
from torch.nn.functional import softplus


@nb.objective("nce", cite="M. Gutmann, A. Hyvärinen, Noise-contrastive estimation, AISTATS 2010")
@nb.checked(nb.at_most("least", "most"))
@read_as_energy
def nce(net: Any, batch: Any, *, wider: Wider = 1.0, least: Level = LEAST, most: Level = MOST) -> Any:
    """NCE: an unnormalised density is learned by telling pictures from draws of a law that is known.

    The logistic loss of log f - log q between the pictures and as many draws of q. The constant of the density is
    learned with it, so that it adds up to 1 where the loss is least. q, wider, least and most as of `meco`.
    """
    energy, x, sigma, _ = noisy(net, batch, least, most, "nce")
    of_pictures, of_draws, _ = log_ratios(energy, x, sigma, wider)
    return softplus(-of_pictures).mean() + softplus(of_draws).mean()
