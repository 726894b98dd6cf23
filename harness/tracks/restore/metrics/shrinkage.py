from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..pairs import Pair
from ._errors import error_of, no_residual


@metric("shrinkage", title="Mean shrinkage factor", higher=False, residual=True)
def shrinkage(pair: Pair) -> float:
    """Share of the noise that passes, by Stein's identity: what a denoiser shrinks by, a mean over all directions.

    ⟨noise, error⟩ / |noise|², the noise being the noisy picture less the clean one: 1 where the input is given back, 0
    where the output does not depend on the noise. Under white Gaussian noise its expectation is tr J / D, with J the
    Jacobian of the method and D the values of the picture: D times it is the number of directions that pass, the
    effective dimension (Stein 1981; Efron 2004). Under the protocol `raw`: what is clipped or rounded passes less.
    """
    if pair.residual is None or pair.residual.shape != pair.y.shape:
        return no_residual("shrinkage")
    error = error_of(pair) / pair.peak
    noise = pair.residual + error
    power = float(np.vdot(noise, noise))
    if power <= 1e-20 * noise.size:
        return NotDefined("shrinkage needs noise")
    return float(np.vdot(noise, error)) / power
