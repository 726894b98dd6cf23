from __future__ import annotations

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..maps import Maps, dice_of


@metric("dice", title="Dice", track="segment", order=0, gate={"max_drop": 0.005})
def dice(maps: Maps) -> float | NotDefined:
    """Dice coefficient of a picture (Dice 1945): twice the intersection over the sum of both areas; 1 is best.

    The mean over the classes but the background that are there in the true or the found map: one that is in one of them
    alone counts 0. Not defined where there is none.
    """
    confusion = maps.confusion
    objects = maps.objects(confusion)
    return float(dice_of(confusion)[objects].mean()) if objects else NotDefined("neither map has an object")
