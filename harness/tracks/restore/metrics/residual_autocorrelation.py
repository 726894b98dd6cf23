from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from ....components.decorators import metric
from ..pairs import Pair
from ._errors import lag_correlation, no_residual


@metric("residual_autocorrelation", higher=False, residual=True)
def residual_autocorrelation(pair: Pair, *, lag: Annotated[int, Ge(1)] = 1) -> float:
    """Correlation of the residual with itself `lag` pixels right and down, as for the error; 0 where white.

    Above 0: structure of the picture went with the noise. Below 0: smooth parts of the noise were left behind.
    """
    if pair.residual is None:
        return no_residual("residual_autocorrelation")
    return lag_correlation(pair.residual.copy(), lag, "residual_autocorrelation", "a residual")
