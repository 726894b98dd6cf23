from __future__ import annotations

from typing import Annotated

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Le

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..mapped_picture import UNLABELLED
from ..maps import Maps

Mask = npt.NDArray[np.bool_]


@metric("boundary_f", title="Boundary F", track="segment", order=30, gate={"max_drop": 0.01})
def boundary_f(maps: Maps, *, within: Annotated[float, Ge(0), Le(1000)] = 1.0) -> float | NotDefined:
    """Boundary F (Csurka et al. 2013): how much of each boundary lies near the other one; 1 is best.

    Precision is the share of the found boundary's pixels that are at most `within` pixels from a true one, recall the
    share of the true ones that are as near to a found one, F their harmonic mean. A boundary is where a class has a
    neighbour of another one, of four; the border of the picture and of what is unlabelled is none. The mean over the
    classes but the background that have one in either map; a class that has it in one alone counts 0.
    """
    labelled = maps.truth != UNLABELLED
    scores = []
    for one in range(maps.classes):
        if one == maps.background:
            continue
        predicted, truth = (boundary(labels == one, labelled) for labels in (maps.predicted, maps.truth))
        if predicted.any() or truth.any():
            scores.append(_f(predicted, truth, within))
    return float(np.mean(scores)) if scores else NotDefined("neither map has a boundary")


def boundary(inside: Mask, labelled: Mask) -> Mask:
    """The labelled pixels within that have a labelled neighbour without, of four."""
    outside = np.pad(labelled & ~inside, 1)
    beside = outside[:-2, 1:-1] | outside[2:, 1:-1] | outside[1:-1, :-2] | outside[1:-1, 2:]
    edge: Mask = inside & labelled & beside
    return edge


def _f(predicted: Mask, truth: Mask, reach: float) -> float:
    if not (predicted.any() and truth.any()):
        return 0.0
    precision, recall = _near(predicted, truth, reach), _near(truth, predicted, reach)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _near(these: Mask, those: Mask, reach: float) -> float:
    """The share of these that are near to any of those."""
    from scipy.ndimage import distance_transform_edt

    return float((distance_transform_edt(~those)[these] <= reach).mean())
