from __future__ import annotations

from ....components.decorators import metric
from ..pairs import Pair
from ._errors import psnr_where


@metric("psnr_texture", title="PSNR of texture", unit="dB", decimals=2)
def psnr_texture(pair: Pair) -> float:
    """PSNR where the clean picture has texture: see `regions`. Not defined where no pixel has."""
    return psnr_where(pair, 2, "psnr_texture")
