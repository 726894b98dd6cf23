from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel, Later
from ..disclosure import MASK, POINTWISE
from ._digitise import Degraded, Picture
from ._holes import brush_lines, rectangles


@regime("mask", discloses=("mask",), keeps=POINTWISE, adds_up=MASK, planes=("mask",))
def mask(
    x: Picture,
    rng: np.random.Generator,
    *,
    keep: Annotated[float, Gt(0), Le(1), AxisLabel("share of pixels kept")],
    kind: Annotated[Literal["pixels", "holes", "strokes"], Later()] = "pixels",
) -> Degraded:
    """What is missing is 0, in all channels: single pixels, rectangles or brush lines; mask is (H, W), 1 where known.

    `pixels`: each is kept with probability `keep`. `holes`: rectangles, four or a few more, that together cover
    1 - keep of the picture. `strokes`: lines of a brush that cover as much. Both do so to a few hundredths of the
    picture.
    """
    if kind == "pixels":
        known = (rng.random(x.shape[:2]) < keep).astype(np.float64)
    else:
        cover = rectangles if kind == "holes" else brush_lines
        known = (~cover((len(x), x.shape[1]), 1.0 - keep, rng)).astype(np.float64)
    return x * known[:, :, None], {"mask": known}
