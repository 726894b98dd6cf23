"""Perceptual evaluation of speech quality."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Restored

BANDS = {8_000: ("nb",), 16_000: ("wb", "nb")}
"""What the package has at each rate."""


@metric("pesq", title="PESQ", track="audio", higher=True, order=6, decimals=2, speech=True)
def pesq(restored: Restored, *, band: Literal["auto", "nb", "wb"] = "auto") -> float:
    """PESQ by the package of that name (ITU-T P.862): from about 1 to 4.6, of speech alone.

    band: `nb`, narrow band, at 8 or 16 kHz; `wb`, wide band (P.862.2), at 16 kHz; `auto`, narrow at 8 and wide at
    16 kHz: the two do not compare. At another rate say it in the protocol: `plain(rate=16000)`. Not defined there, for
    clips below 0.25 s or without speech, and without `pip install 'noisebench[audio]'`.
    """
    try:
        from pesq import NoUtterancesError, PesqError
        from pesq import pesq as measure
    except ImportError:
        return NotDefined("needs the package pesq: pip install 'noisebench[audio]'")
    known = BANDS.get(restored.rate, ())
    chosen = known[0] if band == "auto" and known else band
    if chosen not in known:
        return NotDefined(f"PESQ {band} is not of {restored.rate} Hz: give the protocol plain(rate=16000)")
    if len(restored.truth) < restored.rate / 4:
        return NotDefined("PESQ is of clips of 0.25 s or more")
    # The package scales both by the larger peak and would divide by it.
    if not np.any(restored.truth) or not np.any(restored.output):
        return NotDefined("a silent clip has no PESQ")
    try:
        return float(measure(restored.rate, restored.truth, restored.output, chosen))
    except NoUtterancesError:
        return NotDefined("no speech was found")
    except (PesqError, ValueError) as error:
        return NotDefined(f"PESQ is not defined: {type(error).__name__}")
