"""Logarithm of the relative error."""

from __future__ import annotations

import math

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Recovery
from .relative_error import relative_error

FLOOR = 1e-16


@metric("log_error", title="log10 of the relative error", track="matrix", higher=False, order=1, decimals=3)
def log_error(recovery: Recovery) -> float:
    """log10 ‖X̂ − X‖ / ‖X‖ of the entries that count; below 1e-16 counts as −16.

    Its mean over matrices is that of a geometric mean, which one matrix that was not recovered does not hide. Against
    the steps of a method with an exponential rate it is a straight line.
    """
    error = relative_error(recovery)
    return error if isinstance(error, NotDefined) else math.log10(max(error, FLOOR))
