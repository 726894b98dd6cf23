"""Full-reference fidelity: psnr, ssim, ms_ssim, mse, mae; exact to 1e-6 of their float64 definitions."""

from __future__ import annotations

import cv2
import numpy as np

from ..pairs import Pair


def squared_error(pair: Pair) -> float:
    """Sum of squared differences, in float64."""
    return sum(float(cv2.norm(x, y, cv2.NORM_L2SQR)) for x, y in pair.blocks())


def absolute_error(pair: Pair) -> float:
    """Sum of absolute differences, in float64."""
    total = 0.0
    for x, y in pair.blocks():
        if x.dtype == np.float32:  # OpenCV adds up the differences of such pictures in float32
            x, y = x.astype(np.float64), y.astype(np.float64)
        total += cv2.norm(x, y, cv2.NORM_L1)
    return total
