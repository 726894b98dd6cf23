from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.recipes.objectives._energies import LEAST, MOST, Level, noisy, read_as_energy


@nb.objective("likelihood")
@nb.checked(nb.at_most("least", "most"))
@read_as_energy
def likelihood(net: Any, batch: Any, *, least: Level = LEAST, most: Level = MOST) -> Any:
    """Maximum likelihood of a density whose normaliser is known: what unnormalised learning is held against.

    The loss is -log f(x) + log Z in the mean, in nats, for `arch=normal_energy`. least, most as of `meco`. Raises
    `UsageError` for an energy whose normaliser is not known.
    """
    energy, x, sigma, _ = noisy(net, batch, least, most, "likelihood")
    known = getattr(energy, "log_normaliser", None)
    if known is None:
        raise nb.UsageError("objective likelihood needs an energy whose normaliser is known: arch=normal_energy(…)")
    return known() - energy.log_density(x, sigma).mean()
