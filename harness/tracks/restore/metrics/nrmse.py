from __future__ import annotations

import math
from typing import Literal

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..pairs import Pair
from ._fidelity import squared_error
from ._planes import power_of
from ._undefined import nothing_left


@metric("nrmse", title="NRMSE", higher=False)
def nrmse(pair: Pair, *, by: Literal["euclidean", "range", "mean"] = "euclidean") -> float:
    """Root mean squared error divided by the root mean square, the range or the mean of the clean picture."""
    if pair.y.size == 0:
        return nothing_left()
    scale = {
        "euclidean": lambda: math.sqrt(power_of(pair) / pair.y.size),
        "range": lambda: float(pair.y.max()) - float(pair.y.min()),
        "mean": lambda: float(pair.y.mean(dtype=np.float64)),
    }[by]()
    if scale <= 0:
        return NotDefined(f"nrmse(by={by}) divides by the {by} of the clean picture, which is {scale:g}")
    return math.sqrt(squared_error(pair) / pair.y.size) / scale
