"""An edge where a correlation is large: no direction, and causes of causes count too."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le


@nb.method("correlation_threshold", track="graph", role="sanity", blind=True)
def correlation_threshold(samples: Any, info: Any, *, least: Annotated[float, Ge(0), Le(1)] = 0.3) -> Any:
    """Edges without direction where a correlation is larger than `least`, weights (d, d) the correlations.

    A variable of one value has none.
    """
    centred = samples - samples.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    scaled = centred / np.where(size > 0, size, 1.0)
    correlations = scaled.T @ scaled
    np.fill_diagonal(correlations, 0.0)
    return np.where(np.abs(correlations) > least, correlations, 0.0)
