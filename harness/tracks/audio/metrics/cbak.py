from __future__ import annotations

from ....components.decorators import metric
from ..scored import Restored
from ._composite import composite


@metric("cbak", title="CBAK", track="audio", higher=True, order=9, decimals=2, speech=True)
def cbak(restored: Restored) -> float:
    """A listener's mark of the background.

    1.634 + 0.478 PESQ − 0.007 WSS + 0.063 segmental SNR, within 1 and 5 (Hu & Loizou 2008).
    PESQ is that of `pesq`: of a wide band at 16 kHz.
    """
    return composite(restored, 1.634, by_pesq=0.478, wss=-0.007, snr=0.063)
