from __future__ import annotations

from ....components.decorators import metric
from ..pairs import Pair
from ._errors import psnr_where


@metric("psnr_flat", title="PSNR of flat parts", unit="dB", decimals=2)
def psnr_flat(pair: Pair) -> float:
    """PSNR where the clean picture is flat: see `regions`. Not defined where no pixel is."""
    return psnr_where(pair, 0, "psnr_flat")
