"""Rows that bound a board: the input from below, the clean picture and the known optimum from above."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


def clean_of(info: Any) -> Any:
    """The clean picture of the sample as float64 (H, W, C) on [0, 1]."""
    if info.sample is None:
        raise nb.Skip("needs the clean picture, which is not at hand here")
    clean = np.asarray(info.sample.clean)
    clean = clean[:, :, None] if clean.ndim == 2 else clean
    top = np.iinfo(clean.dtype).max if clean.dtype.kind == "u" else 1
    return clean.astype(np.float64) / top
