from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from ....components.decorators import metric
from ....imaging.pixels import Float
from ....text.errors import NotDefined
from ..pairs import Pair
from ._planes import lumas_of


@metric("enl", title="ENL")
def enl(pair: Pair, *, tile: Annotated[int, Ge(4)] = 16, share: Annotated[float, Gt(0), Le(1)] = 0.1) -> float:
    """Equivalent number of looks of the restored luma: mean² / variance where the clean picture is flat.

    The definition for homogeneous areas (Oliver and Quegan 1998). Homogeneous here: the `share` of `tile`×`tile`
    tiles in which the clean picture varies least for its mean, at least one; the median over these tiles. inf
    where they are flat. Speckle of L looks has L; smoothing raises it, so read it beside a fidelity metric.
    """
    lumas = lumas_of(pair, "enl", tile)
    if isinstance(lumas, NotDefined):
        return lumas
    (mean, variance), (clean_mean, clean_variance) = (_tile_moments(luma, tile) for luma in lumas)
    lit = clean_mean > 0
    if not lit.any():
        return NotDefined("enl needs a clean picture that is not black")
    variation = np.where(lit, clean_variance / np.where(lit, clean_mean, 1) ** 2, np.inf)
    count = max(1, min(int(lit.sum()), round(share * variation.size)))
    flattest = np.argsort(variation, kind="stable")[:count]
    with np.errstate(divide="ignore", invalid="ignore"):
        looks = mean[flattest] ** 2 / variance[flattest]
    looks[np.isnan(looks)] = 0.0  # black throughout: nothing of the signal is left
    return float(np.median(looks))


def _tile_moments(plane: Float, tile: int) -> tuple[Float, Float]:
    rows, columns = plane.shape[0] // tile, plane.shape[1] // tile
    squares = plane[: rows * tile, : columns * tile].reshape(rows, tile, columns, tile)
    tiles = squares.transpose(0, 2, 1, 3).reshape(rows * columns, -1)
    return tiles.mean(axis=1), tiles.var(axis=1)
