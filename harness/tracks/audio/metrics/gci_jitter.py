from __future__ import annotations

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Restored
from ._closures import APART, DEPTH, Share, scored


@metric("gci_jitter", title="GCI jitter", unit="ms", track="audio", higher=False, order=10, decimals=3)
def gci_jitter(restored: Restored, *, apart: Share = APART, depth: Share = DEPTH) -> float:
    """Standard deviation, ms, of found less true closure, over larynx cycles with exactly one (Naylor et al. 2007).

    A delay that is always the same does not count. Not defined where fewer than two closures are identified: read it
    beside `gci_identification`, for a method that finds only the easy ones has a low one. apart, depth: as there.
    """
    cycles = scored(restored, apart, depth)
    if isinstance(cycles, NotDefined):
        return cycles
    return float(cycles.late.std()) * 1e3 if cycles.one > 1 else NotDefined("fewer than two closures are identified")
