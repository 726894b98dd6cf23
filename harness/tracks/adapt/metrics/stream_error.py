from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import metric
from ....text.errors import NotDefined

Array = np.ndarray[Any, Any]
Count = Annotated[int, Ge(1), Le(1000)]


@metric("stream_error", title="Error", track="adapt", higher=False, order=1, gate={"max_drop": 0.005})
def stream_error(
    log_p: Array, labels: Array, before: Array | None, *, part: Count, of: Count = 10
) -> float | NotDefined:
    """Error over time: the share of wrong answers among pictures of known classes in one of `of` equal parts.

    part: which, from 1 on. With several parts a report draws the error over the stream.
    """
    if part > of:
        return NotDefined(f"the stream has {of} parts: give part=1 to {of}")
    count = len(labels)
    chosen = slice((part - 1) * count // of, part * count // of)
    known = labels[chosen] >= 0
    if not known.any():
        return NotDefined("no picture of that part is of a known class")
    return float((log_p[chosen].argmax(axis=1) != labels[chosen])[known].mean())
