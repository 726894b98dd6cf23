"""A compressor of dynamics: what is louder than a threshold is turned down."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..clip import Floats

FLOOR = 1e-6
"""-120 dB of full scale: levels below it count as it."""


@regime(
    "compressor",
    track="audio",
    discloses=("threshold", "ratio", "attack", "release"),
    title="{ratio} : 1 above {threshold} dB",
)
def compressor(
    wave: Floats,
    rng: np.random.Generator,
    rate: int,
    *,
    threshold: Annotated[float, Ge(-100), Le(0), AxisLabel("threshold (dB)")] = -30.0,
    ratio: Annotated[float, Ge(1), Le(100), AxisLabel("ratio")] = 4.0,
    attack: Annotated[float, Gt(0), Le(10_000), AxisLabel("attack (ms)")] = 5.0,
    release: Annotated[float, Gt(0), Le(10_000), AxisLabel("release (ms)")] = 100.0,
) -> tuple[Floats, dict[str, Any]]:
    """A feed-forward compressor with a hard knee and no make-up gain; all four settings are disclosed.

    A level of L dB of full scale above `threshold` is wanted at threshold + (L - threshold) / ratio. The gain reduction
    in dB follows what is wanted by one pole: with `attack` where it grows, with `release` where it falls, ms to 63 %
    of a step (Giannoulis, Massberg & Reiss 2012, "branching, smooth", log domain).
    """
    over = np.maximum(20 * np.log10(np.maximum(np.abs(wave), FLOOR)) - threshold, 0.0)
    rises, falls = (math.exp(-1000.0 / (time * rate)) for time in (attack, release))
    reduction, state = [], 0.0
    for wanted in (over * (1 - 1 / ratio)).tolist():
        pole = rises if wanted > state else falls
        state = pole * state + (1 - pole) * wanted
        reduction.append(state)
    disclosed = {"threshold": threshold, "ratio": ratio, "attack": attack, "release": release}
    return wave * 10 ** (-np.array(reduction) / 20), disclosed
