from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt, Le

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..mapped_picture import UNLABELLED
from ..maps import Floats, Maps
from .boundary_f import Mask

Kind = Literal["mean", "hausdorff"]


@metric("surface_distance", title="Surface distance", track="segment", higher=False, unit="px", order=31,
        gate={"max_drop": 0.05})  # fmt: skip
def surface_distance(
    maps: Maps, *, kind: Kind = "mean", percent: Annotated[float, Gt(0), Le(100)] = 95.0
) -> float | NotDefined:
    """Surface distance: how far the found and the true boundary of a class are from each other, in pixels; 0 is best.

    A boundary is of the pixels of a class that have one of four neighbours outside it, as `medpy` has it. Of each
    boundary the distances to the nearest pixel of the other one are taken. kind: `mean` is the mean over both
    boundaries (ASSD); `hausdorff` the larger of both `percent` percentiles: HD95, and with percent=100 the Hausdorff
    distance. The mean over the classes but the background that are in the truth; one that was not found counts as far
    as the picture is wide from corner to corner. Not defined where the truth has none.
    """
    labelled = maps.truth != UNLABELLED
    distances = []
    for one in range(maps.classes):
        if one == maps.background:
            continue
        predicted, truth = (_surface((labels == one) & labelled) for labels in (maps.predicted, maps.truth))
        if not truth.any():
            continue
        if not predicted.any():
            distances.append(float(np.hypot(*maps.truth.shape)))
            continue
        both = _away(predicted, truth), _away(truth, predicted)
        if kind == "mean":
            distances.append(float(np.concatenate(both).mean()))
        else:
            distances.append(float(max(np.percentile(one, percent) for one in both)))
    return float(np.mean(distances)) if distances else NotDefined("the true map has no object")


def _surface(inside: Mask) -> Mask:
    """The pixels within of which one of four neighbours is not; what lies beyond the picture is outside."""
    from scipy.ndimage import binary_erosion, generate_binary_structure

    edge: Mask = inside & ~binary_erosion(inside, generate_binary_structure(2, 1))
    return edge


def _away(these: Mask, those: Mask) -> Floats:
    """The distance of each of these to the nearest of those."""
    from scipy.ndimage import distance_transform_edt

    away: Floats = distance_transform_edt(~those)[these]
    return away
