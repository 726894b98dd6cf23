"""A compressor at settings of yours, whatever the knobs say."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.tracks.audio.regimes.compressor import compressor as compress


@nb.method("compressor", track="audio", blind=True, cite="Giannoulis, Massberg & Reiss 2012")
def compressor(
    wave: Any,
    info: Any,
    *,
    threshold: Annotated[float, Ge(-100), Le(0)] = -15.0,
    ratio: Annotated[float, Ge(1), Le(100)] = 3.0,
    attack: Annotated[float, Gt(0), Le(10_000)] = 20.5,
    release: Annotated[float, Gt(0), Le(10_000)] = 20.5,
) -> Any:
    """A compressor at these settings, whatever the knobs say: by default at the middle of those of `compressed`.

    threshold: dB of full scale. attack, release: ms. As the regime of that name.
    """
    settings = {"threshold": threshold, "ratio": ratio, "attack": attack, "release": release}
    return compress(wave.astype(np.float64), info.rng, info.rate, **settings)[0].astype(np.float32)
