from __future__ import annotations

from ....components.decorators import metric
from ..scored import Restored
from ._composite import composite


@metric("covl", title="COVL", track="audio", higher=True, order=10, decimals=2, speech=True)
def covl(restored: Restored) -> float:
    """A listener's mark of the whole.

    1.594 + 0.805 PESQ − 0.512 LLR − 0.007 WSS, within 1 and 5 (Hu & Loizou 2008).
    PESQ is that of `pesq`: of a wide band at 16 kHz.
    """
    return composite(restored, 1.594, by_pesq=0.805, llr=-0.512, wss=-0.007)
