from __future__ import annotations

import math

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..pairs import Pair
from ._undefined import nothing_left


@metric("si_psnr", title="SI-PSNR", unit="dB", decimals=2)
def si_psnr(pair: Pair) -> float:
    """Scale-invariant PSNR: the restored picture is brought to the clean one by the best factor and offset first.

    Both lose their means, and the restored one is multiplied by what makes the squared error least; the data range is
    that of the clean picture. As microscopy reports it, where networks leave gain and offset open (Weigert et al. 2018;
    `RangeInvariantPsnr` of Noise2Void and DivNoising).
    """
    if pair.y.size == 0:
        return nothing_left()
    clean = pair.y.astype(np.float64).reshape(-1)
    restored = pair.x.astype(np.float64).reshape(-1)
    span = float(clean.max() - clean.min())
    if span == 0:
        return NotDefined("si_psnr needs a clean picture of more than one value")
    clean, restored = clean - clean.mean(), restored - restored.mean()
    power = float(restored @ restored)
    factor = float(clean @ restored) / power if power > 0 else 0.0
    error = float(np.mean((clean - factor * restored) ** 2))
    # What is left of equal pictures is the rounding of their means.
    return math.inf if error <= (1e-15 * span) ** 2 else 10.0 * math.log10(span**2 / error)
