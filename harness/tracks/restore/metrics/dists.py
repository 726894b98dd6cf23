from __future__ import annotations

from ..pairs import Pair
from ._pyiqa import iqa_metric, pyiqa_score


@iqa_metric("dists", higher=False, title="DISTS")
def dists(pair: Pair) -> float:
    """Distance of structure and texture in VGG features, by pyiqa (Ding et al. 2020); 0 for equal pictures."""
    return pyiqa_score(pair, "dists")
