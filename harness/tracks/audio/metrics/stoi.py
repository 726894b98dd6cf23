from __future__ import annotations

from ....components.decorators import metric
from ..scored import Restored
from ._stoi import intelligibility


@metric("stoi", title="STOI", track="audio", higher=True, order=2, decimals=3, speech=True)
def stoi(restored: Restored) -> float:
    """Short-time objective intelligibility by pystoi (Taal et al. 2011): 1 is best, of speech alone.

    At 10 kHz, in frames of the true clip that are no silence. Not defined for clips with less than 0.4 s of these.
    """
    return intelligibility(restored, extended=False)
