from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..maps import Maps
from ._bands import bands, confusion_in

Kind = Literal["false_response", "merging", "displacement"]


@metric("boundary_error", title="Boundary error", track="segment", higher=False, order=33, gate={"max_drop": 0.01})
def boundary_error(
    maps: Maps, *, kind: Kind = "displacement", reach: Annotated[int, Ge(0), Le(1000)] = 7
) -> float | NotDefined:
    """Boundary error (Chen, Gu and Fu, ICLR 2024): the share of true classes that is not found near boundaries.

    kind: `false_response` near the boundaries of the found map, `merging` near those of the true one, `displacement`
    near both; near is in a square of 2·reach + 1 around a pixel that has a neighbour of another class. The mean over
    the classes of the true map there, the background included; theirs is of one confusion matrix of a set. 0 is best.
    Not defined where there is no such pixel.
    """
    found_band, true_band = bands(maps, reach)
    confusion = confusion_in(
        maps, {"false_response": found_band, "merging": true_band, "displacement": found_band & true_band}[kind]
    )
    pixels = confusion.sum(axis=1)
    if not pixels.any():
        return NotDefined(f"no labelled pixel is near the boundaries that {kind} looks at")
    present = pixels > 0
    return 1 - float(np.mean(np.diag(confusion)[present] / pixels[present]))
