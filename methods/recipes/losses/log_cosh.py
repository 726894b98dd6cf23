"""Log-cosh: half the square of small differences, and of large ones the difference itself, less log 2."""

from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import torch.nn.functional as F


@nb.loss("log_cosh")
def log_cosh(output: Any, wanted: Any) -> Any:
    """Log-cosh: the mean of log cosh d, half the square of small d and |d| - log 2 of large ones; no d is too large."""
    d = (output - wanted).abs()
    return (d + F.softplus(-2 * d) - math.log(2)).mean()
