from __future__ import annotations

from ....components.decorators import metric
from ..scored import Restored
from ._composite import composite


@metric("csig", title="CSIG", track="audio", higher=True, order=8, decimals=2, speech=True)
def csig(restored: Restored) -> float:
    """A listener's mark of the speech itself.

    3.093 − 1.029 LLR + 0.603 PESQ − 0.009 WSS, within 1 and 5 (Hu & Loizou 2008).
    PESQ is that of `pesq`: of a wide band at 16 kHz.
    """
    return composite(restored, 3.093, by_pesq=0.603, llr=-1.029, wss=-0.009)
