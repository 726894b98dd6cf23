"""How scores of pictures are pooled, beside mean, median and worst tail."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ...statistics.paired_tests import Floats


def pooled_mse(psnr: Floats) -> Floats:
    """PSNR of the mean squared error over all pictures, (M,), from PSNR a picture (M, n): one peak for all."""
    with np.errstate(divide="ignore"):
        pooled: Floats = -10.0 * np.log10(np.mean(10.0 ** (-psnr / 10.0), axis=1))
    return pooled


def aggregations() -> Mapping[str, tuple[str, Callable[[Floats], Floats]]]:
    """Pooled MSE beside the mean of PSNR."""
    return {"psnr": ("pooled MSE", pooled_mse)}
