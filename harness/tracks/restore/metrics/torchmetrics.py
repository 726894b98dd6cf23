from __future__ import annotations

from ....components.decorators import metric
from ..pairs import Pair
from ._torchmetrics import describe, torchmetrics_score


@metric("torchmetrics", describe=describe)
def torchmetrics(pair: Pair, *, name: str) -> float:
    """Any image metric of the package torchmetrics that needs no weights, by the name of its class, with its defaults.

    It sees the pictures as the protocol leaves them, float32 (1, C, H, W) in the protocol's range, which it is told
    where it takes `data_range`: `torchmetrics(name='UniversalImageQualityIndex')`. Metrics of one picture, such as
    `TotalVariation`, see the restored one.
    """
    return torchmetrics_score(pair, name)
