from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Gt


@nb.loss(
    "charbonnier", cite="P. Charbonnier et al., Two deterministic half-quadratic regularization algorithms, ICIP 1994"
)
def charbonnier(output: Any, wanted: Any, *, eps: Annotated[float, Gt(0)] = 1e-3) -> Any:
    """Charbonnier: the mean of sqrt(d² + eps²), which is L1 rounded off at zero."""
    return ((output - wanted).square() + eps * eps).sqrt().mean()
