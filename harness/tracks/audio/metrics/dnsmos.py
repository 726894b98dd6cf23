"""Marks of listeners as a network predicts them, without the true clip."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Literal

import numpy as np

from ....components.decorators import metric
from ....components.registry import Bound
from ....text.errors import NotDefined, UsageError
from ....text.extras import is_installed, needs_packages
from ..scored import Restored

PACKAGES = ("speechmos", "librosa", "onnxruntime", "requests")
RATE = 16_000
KEYS = {"overall": "ovrl_mos", "speech": "sig_mos", "background": "bak_mos", "p808": "p808_mos"}


def describe(bound: Bound) -> dict[str, Any]:
    """`made_with`: the version of speechmos, whose wheel has the weights. Raises `UsageError` where it is missing."""
    if missing := [name for name in PACKAGES if not is_installed(name)]:
        raise UsageError(f"metric {bound.display} {needs_packages(missing)}")
    return {"made_with": f"speechmos {version('speechmos')}"}


@metric("dnsmos", title="DNSMOS", track="audio", higher=True, order=9, decimals=2, speech=True, describe=describe)
def dnsmos(restored: Restored, *, part: Literal["overall", "speech", "background", "p808"] = "overall") -> float:
    """DNSMOS by the package speechmos: 1 to 5, of speech alone and at 16 kHz; the true clip is not used.

    part: the mark of the whole, of the speech or of the background (ITU-T P.835; Reddy et al. 2022), or that of P.808
    (Reddy et al. 2021). A clip below 9.01 s is repeated. Samples beyond full scale are clipped, as in a file. Not
    defined at another rate (`plain(rate=16000)` resamples) and for an empty clip.
    """
    if restored.rate != RATE:
        return NotDefined(f"DNSMOS is not of {restored.rate} Hz: give the protocol plain(rate={RATE})")
    if len(restored.output) == 0:
        return NotDefined("an empty clip has no DNSMOS")
    from speechmos import dnsmos as package

    return float(package.run(np.clip(restored.output, -1, 1), RATE)[KEYS[part]])
