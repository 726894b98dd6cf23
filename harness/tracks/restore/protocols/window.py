from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import checked, protocol
from ....text.errors import UsageError
from ..pairs import Array

# The bounds are far from any use: they are there to refuse infinity.
Level = Annotated[float, Ge(-1e9), Le(1e9)]


def _refuse_empty(low: float, high: float, zero: float, one: float) -> None:
    if low >= high or zero >= one:
        raise UsageError(
            f"window(low={low:g}, high={high:g}, zero={zero:g}, one={one:g}): low must be below high, zero below one"
        )


@protocol("window", peak=1)
@checked(_refuse_empty)
def _window(picture: Array, *, low: Level, high: Level, zero: Level = -1024.0, one: Level = 3072.0) -> Array:
    """Levels clipped to [low, high], no rounding, all channels, border 0; the data range is high - low.

    `zero` and `one` are the levels that a picture has at 0 and at 1, such as CT numbers in HU. Scores are of the window
    brought to [0, 1], so that `psnr` is that of a data range of high - low, and `mse` a share of its square.
    """
    levels = zero + (one - zero) * picture
    return (np.clip(levels, low, high) - low) / (high - low)
