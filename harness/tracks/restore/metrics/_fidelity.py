"""Full-reference fidelity: psnr, ssim, ms_ssim, mse, mae; exact to 1e-6 of their float64 definitions."""

from __future__ import annotations

import cv2

from ..pairs import Pair


def error_norm(pair: Pair, kind: int) -> float:
    rows = pair.x.shape[0]
    return float(cv2.norm(pair.x.reshape(rows, -1), pair.y.reshape(rows, -1), kind))
