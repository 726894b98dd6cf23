from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..egg import egg_of
from ..scored import Restored
from ._closures import voiced_samples


@metric("egg_agreement", title="EGG agreement", track="audio", higher=True, order=11, decimals=3)
def egg_agreement(restored: Restored) -> float:
    """Cosine of what the method returns and the electroglottograph (EGG) of the known closures: 1 is best.

    Both less their mean, over voiced samples alone. It sees the shape of a cycle and its place, not the level; a wave
    upside down has the other sign. Not defined where the closures are not known, or nothing is voiced.
    """
    closures = restored.clip.closures
    if closures is None:
        return NotDefined("the closures of the clip are not known")
    voiced = voiced_samples(closures, restored.rate, len(restored.output))
    if not voiced.any():
        return NotDefined("the clip has no larynx cycle")
    true = egg_of(closures, restored.rate, len(restored.output))[voiced]
    output = restored.output[voiced].astype(np.float64)
    true, output = true - true.mean(), output - output.mean()
    norm = float(np.sqrt((true @ true) * (output @ output)))
    return float(true @ output) / norm if norm > 0 else 0.0
