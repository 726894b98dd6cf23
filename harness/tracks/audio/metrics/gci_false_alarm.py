from __future__ import annotations

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Restored
from ._closures import APART, DEPTH, Share, scored


@metric("gci_false_alarm", title="GCI false alarm", track="audio", higher=False, order=9, decimals=3)
def gci_false_alarm(restored: Restored, *, apart: Share = APART, depth: Share = DEPTH) -> float:
    """Share of larynx cycles in which more than one closure is found (Naylor et al. 2007): 0 is best.

    Found are the steepest falls of what the method returns; of two less than `apart` usual pitch periods from each
    other the steeper one, and none below `depth` times the steepest within 10 ms. The period is that of what was given,
    so that all methods are read alike. The shares
    `gci_identification`, `gci_miss` and `gci_false_alarm` add up to 1. A cycle goes from half of the way to the closure
    before to half of the way to the next; where one is more than 20 ms away there is no voice. Not defined where the
    closures are not known, or nothing is voiced.
    """
    cycles = scored(restored, apart, depth)
    return cycles if isinstance(cycles, NotDefined) else cycles.several / cycles.count
