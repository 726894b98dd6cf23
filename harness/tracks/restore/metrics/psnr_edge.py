from __future__ import annotations

from ....components.decorators import metric
from ..pairs import Pair
from ._errors import psnr_where


@metric("psnr_edge", title="PSNR of edges", unit="dB", decimals=2)
def psnr_edge(pair: Pair) -> float:
    """PSNR where the clean picture has an edge: see `regions`. Not defined where no pixel has."""
    return psnr_where(pair, 1, "psnr_edge")
