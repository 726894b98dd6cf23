"""Hinge: how far the logit of the label is from being a margin above every other; exactly 0 where all are fitted."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Gt


@nb.loss("hinge", cite="K. Crammer, Y. Singer, On the algorithmic implementation of multiclass kernel machines, 2001")
def hinge(output: Any, wanted: Any, *, margin: Annotated[float, Gt(0)] = 1.0) -> Any:
    """Hinge: the mean of max(0, margin + the largest other logit − that of the label); 0 where all are fitted.

    Of two classes it is max(0, margin − y·f), with f the difference of the logits and y = ±1. With the part `centred`
    a margin of 1/alpha is the loss of Sclocchi, Geiger and Wyart (ICML 2023) at the scale alpha.
    """
    import torch

    of_label = output.gather(1, wanted[:, None])
    others = output.scatter(1, wanted[:, None], -torch.inf).amax(dim=1)
    return (margin + others - of_label[:, 0]).clamp_min(0).mean()
