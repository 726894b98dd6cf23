from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..maps import Maps


@metric("accuracy", title="Pixel accuracy", track="segment", order=20, gate={"max_drop": 0.005})
def accuracy(maps: Maps) -> float | NotDefined:
    """Pixel accuracy: the share of labelled pixels whose class was found, the background's included."""
    confusion = maps.confusion
    labelled = int(confusion.sum())
    return float(np.trace(confusion)) / labelled if labelled else NotDefined("no pixel is labelled")
