from __future__ import annotations

from ..pairs import Pair
from ._pyiqa import iqa_metric, pyiqa_score


@iqa_metric("brisque", higher=False, title="BRISQUE")
def brisque(pair: Pair) -> float:
    """Quality of the restored picture alone, by pyiqa (Mittal et al. 2012); lower is better."""
    return pyiqa_score(pair, "brisque")
