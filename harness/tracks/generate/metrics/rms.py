from __future__ import annotations

import math

from ....components.decorators import metric
from ..scored import Batch


@metric("rms", title="RMS", track="generate", order=94, goal="1")
def rms(batch: Batch) -> float:
    """Root of the mean square of the values of a batch: 1 of normal latents, and of noise as a model should see it.

    It is for what a method gives in place of samples: latents, noise (`seen_noise`), or an error (`round_trip`), of
    which 20 log10(2 / rms) is the PSNR of pictures on [-1, 1].
    """
    return math.sqrt(float((batch.samples**2).mean()))
