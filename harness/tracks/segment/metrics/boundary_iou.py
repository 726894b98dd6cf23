from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..maps import Maps, iou_of
from ._bands import bands, confusion_in


@metric("boundary_iou", title="Boundary IoU", track="segment", order=32, gate={"max_drop": 0.01})
def boundary_iou(maps: Maps, *, reach: Annotated[int, Ge(0), Le(1000)] = 7) -> float | NotDefined:
    """Boundary IoU (Chen, Gu and Fu, ICLR 2024): intersection over union of classes near boundaries; 1 is best.

    Of the pixels near a boundary of the found map, of the true one, or both: in a square of 2·reach + 1 around a pixel
    that has a neighbour of another class. The mean over the classes that are there in either map, the background
    included; theirs is of one confusion matrix of a set. Not defined where neither map has a boundary.
    """
    found_band, true_band = bands(maps, reach)
    if not (found_band | true_band).any():
        return NotDefined("neither map has a boundary")
    return float(np.nanmean(iou_of(confusion_in(maps, found_band | true_band))))
