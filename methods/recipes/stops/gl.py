"""Generalisation loss: the training ends when the score is worse than the best so far by more than a limit."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge


@nb.stop("gl", cite="L. Prechelt, Early stopping - but when?, in: Neural Networks: Tricks of the Trade, 1998")
def gl(curve: Any, higher: bool, *, alpha: Annotated[float, Ge(0)] = 0.2) -> str:
    """Generalisation loss: the training ends when the score is worse than the best so far by more than `alpha`.

    alpha: in the unit of the score. Of PSNR in dB, 10·log10(1 + a/100) is Prechelt's GL of a %: 0.2 dB
    are 4.7 % of mean squared error. `keep=best` uses the network of the best validation.
    """
    scores = [point["score"] if higher else -point["score"] for point in curve if point["score"] is not None]
    if not scores or max(scores) - scores[-1] <= alpha:
        return ""
    return f"a score {max(scores) - scores[-1]:.3g} below the best"
