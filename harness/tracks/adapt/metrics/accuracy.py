from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from annotated_types import Gt, Le

from ....components.decorators import metric
from ....text.errors import NotDefined

Array = np.ndarray[Any, Any]


@metric("accuracy", title="Accuracy", track="adapt", order=0, gate={"max_drop": 0.005})
def accuracy(
    log_p: Array, labels: Array, before: Array | None, *, last: Annotated[float, Gt(0), Le(1)] = 1.0
) -> float | NotDefined:
    """Accuracy: the share of pictures of known classes whose likeliest class is the true one.

    last: the share of the stream, at its end, that counts: last=0.1 is how well a method does that has seen the rest.
    """
    first = len(labels) - math.ceil(last * len(labels))
    known = labels[first:] >= 0
    if not known.any():
        return NotDefined("no picture is of a known class")
    return float((log_p[first:].argmax(axis=1) == labels[first:])[known].mean())
