from __future__ import annotations

from typing import Literal

from ....components.decorators import protocol
from ..pairs import Array


@protocol("range", peak=1, own_range=True)
def _range(picture: Array, *, of: Literal["clean", "given"] = "clean") -> Array:
    """Neither clipped nor rounded, all channels, border 0; the data range is that of each picture.

    It is the maximum less the minimum of the clean picture, or of the noisy one that the method is given. Scores are of
    both pictures less that minimum, as shares of the range: so `mse` is a share of its square. A picture without
    contrast has no score.
    """
    return picture
