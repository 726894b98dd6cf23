"""Extended short-time objective intelligibility."""

from __future__ import annotations

from ....components.decorators import metric
from ..scored import Restored
from ._stoi import intelligibility


@metric("estoi", title="ESTOI", track="audio", higher=True, order=3, decimals=3, speech=True)
def estoi(restored: Restored) -> float:
    """Extended STOI by pystoi (Jensen & Taal 2016): 1 is best, of speech alone; it sees noise that comes and goes.

    At 10 kHz, in frames of the true clip that are no silence. Not defined for clips with less than 0.4 s of these.
    """
    return intelligibility(restored, extended=True)
