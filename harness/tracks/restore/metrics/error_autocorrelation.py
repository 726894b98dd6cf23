from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from ....components.decorators import metric
from ..pairs import Pair
from ._errors import error_of, lag_correlation


@metric("error_autocorrelation", higher=False)
def error_autocorrelation(pair: Pair, *, lag: Annotated[int, Ge(1)] = 1) -> float:
    """Correlation of the error with itself `lag` pixels right and `lag` down, the mean of both; 0 where white.

    Σ e(p) e(p + lag) / √(Σ e(p)² Σ e(p + lag)²) over the pairs that fit, after the mean of each channel is taken
    away, channels together. Near 1: blur, blotches, or a wrong level; below 0: ringing, or a checkerboard.
    """
    return lag_correlation(error_of(pair), lag, "error_autocorrelation", "an error")
