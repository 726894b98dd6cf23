from __future__ import annotations

from ..pairs import Pair
from ._pyiqa import iqa_metric, pyiqa_score


@iqa_metric("niqe", higher=False, title="NIQE")
def niqe(pair: Pair) -> float:
    """Naturalness of the restored picture alone, by pyiqa (Mittal et al. 2013); lower is more natural."""
    return pyiqa_score(pair, "niqe")
