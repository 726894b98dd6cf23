from __future__ import annotations

import math

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..pairs import Pair
from ._errors import EULER, no_residual, periodogram


@metric("residual_whiteness", residual=True)
def residual_whiteness(pair: Pair) -> float:
    """Spectral flatness of the residual: 1 for white noise, towards 0 the more its power is in a few frequencies.

    e^γ times the geometric mean of the periodogram over its arithmetic mean (Gray and Markel 1974), without the
    constant, channels together; the factor, γ = 0.5772…, makes it 1 for white Gaussian noise (± 0.01 at 128²).
    """
    if pair.residual is None:
        return no_residual("residual_whiteness")
    height, width = pair.residual.shape[:2]
    if min(height, width) < 8:
        return NotDefined(f"residual_whiteness needs at least 8×8 pixels, not {height}×{width}")
    power, weight = periodogram(pair.residual)
    weight[0, 0] = 0
    total = float(weight.sum()) * float(power.shape[2])
    mean = float((power * weight[:, :, None]).sum()) / total
    # What is left of rounding is no residual; and zeros have no logarithm.
    if mean <= 1e-20 * height * width:
        return NotDefined("residual_whiteness needs a residual that varies")
    logarithm = np.log(np.maximum(power, mean * 1e-20))
    geometric = float((logarithm * weight[:, :, None]).sum()) / total
    return math.exp(EULER + geometric) / mean
