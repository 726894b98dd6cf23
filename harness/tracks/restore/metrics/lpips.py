from __future__ import annotations

from typing import Literal

from ..pairs import Pair
from ._pyiqa import LPIPS_NETS, iqa_metric, pyiqa_score


@iqa_metric("lpips", higher=False, title="LPIPS")
def lpips(pair: Pair, *, net: Literal["alex", "vgg"] = "alex") -> float:
    """Learned perceptual distance, version 0.1, by pyiqa (Zhang et al. 2018); 0 for equal pictures."""
    return pyiqa_score(pair, LPIPS_NETS[net])
