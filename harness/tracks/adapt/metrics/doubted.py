from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined

Array = np.ndarray[Any, Any]


@metric(
    "doubted",
    title="Doubted",
    track="adapt",
    higher=False,
    order=20,
    goal=lambda one: "lower" if one.kwargs["of"] == "right" else "higher",
)
def doubted(
    log_p: Array, labels: Array, before: Array | None, *, of: Literal["right", "wrong", "unknown"] = "wrong"
) -> float | NotDefined:
    """Doubted: the share of pictures of whose class a method is less sure than the classifier was before it learned.

    The class is the likeliest one of the classifier before. of: the pictures of which that is `right` or `wrong`, or
    those of `unknown` classes. Not defined where there is none, and of a method that does not show its source.
    """
    if before is None:
        return NotDefined("the method does not show its source")
    first = before.argmax(axis=1)
    chosen = {"right": first == labels, "wrong": (labels >= 0) & (first != labels), "unknown": labels < 0}[of]
    if not chosen.any():
        return NotDefined(f"no picture of it is {of}")
    places = np.arange(len(labels))
    return float((log_p[places, first] < before[places, first])[chosen].mean())
