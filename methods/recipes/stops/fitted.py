"""Fitted: the training ends when the training loss since the validation before is at its floor."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge


@nb.stop("fitted", cite="A. Sclocchi, M. Geiger, M. Wyart, Dissecting the effects of SGD noise, ICML 2023")
def fitted(curve: Any, higher: bool, *, loss: Annotated[float, Ge(0)] = 0.0) -> str:
    """Fitted: the training ends when the mean training loss since the validation before it is at most `loss`.

    With a loss that can be 0, such as `hinge`, and a pass between two validations (`checks` = steps · batch / items),
    it is the end of the first pass in which no item asked for a step.
    """
    last = curve[-1]["loss"]
    return f"a training loss of {last:.3g}" if last is not None and last <= loss else ""
