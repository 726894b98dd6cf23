from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.recipes.objectives._energies import LEAST, MOST, Level, noisy, read_as_energy


@nb.objective("denoising_score", cite="P. Vincent, A connection between score matching and denoising autoencoders, "
              "Neural Computation 23(7), 2011")  # fmt: skip
@nb.checked(nb.at_most("least", "most"))
@read_as_energy
def denoising_score(net: Any, batch: Any, *, least: Level = LEAST, most: Level = MOST) -> Any:
    """Denoising score matching: the gradient of an energy is fitted to the noise in pictures.

    The loss is the mean square of σ ∇log f(x + σ n) + n. It needs no law to draw from and says nothing of the constant;
    a step costs a second backward pass. For `arch=energy` and `normal_energy`; least, most as of `meco`.
    """
    energy, x, sigma, noise = noisy(net, batch, least, most, "denoising_score")
    return (sigma * energy.score(x, sigma, through=True) + noise).square().mean()
