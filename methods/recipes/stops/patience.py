"""Patience: the training ends when some validations in a row have brought nothing better."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge


@nb.stop("patience", cite="L. Prechelt, Early stopping - but when?, in: Neural Networks: Tricks of the Trade, 1998")
def patience(curve: Any, higher: bool, *, checks: Annotated[int, Ge(1)] = 3) -> str:
    """Patience: the training ends when so many validations in a row were no better than the best before them."""
    scores = [point["score"] for point in curve if point["score"] is not None]
    if len(scores) <= checks:
        return ""
    signed = scores if higher else [-score for score in scores]
    return f"no better score in {checks} validations" if max(signed[-checks:]) <= max(signed[:-checks]) else ""
