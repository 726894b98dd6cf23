from __future__ import annotations

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..maps import Maps, iou_of


@metric("iou", title="IoU", track="segment", order=10, gate={"max_drop": 0.005})
def iou(maps: Maps) -> float | NotDefined:
    """Intersection over union of a picture (Jaccard index); 1 is best.

    The mean over the classes but the background that are there in the true or the found map: one that is in one of them
    alone counts 0. Not defined where there is none. That of a whole set is `mean_iou`.
    """
    confusion = maps.confusion
    objects = maps.objects(confusion)
    return float(iou_of(confusion)[objects].mean()) if objects else NotDefined("neither map has an object")
