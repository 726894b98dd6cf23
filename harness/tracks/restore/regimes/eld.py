from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le

from ....components.decorators import at_most, checked, regime
from ....spec.parameter_types import AxisLabel
from ..disclosure import COUNTED, COUNTS
from ._digitise import Degraded, Picture, digitise
from ._tukey import tukey, tukey_variance

_WHITE = 15_583.0
"""Raw units from black to white."""
_GAINS = 0.094, 6.01
"""Of the camera, in raw units an electron, from its lowest ISO to its highest."""
_SHAPES = -0.143, 0.129
_READ = 0.462, 0.566, 0.263
"""log(scale of the read noise) = first · log(gain) + second, give or take the third; so is the row noise."""
_ROW = 0.528, -0.592, 0.294

Ratio = Annotated[float, Ge(1), Le(1e4)]


@regime(
    "eld",
    discloses=("peak", "sigma", "ratio"),
    keeps=COUNTED,
    adds_up=COUNTS,
    cuts=("clip",),
    title="camera in the dark, {model}, ratio {low} to {high}",
)
@checked(at_most("low", "high"))
def eld(
    x: Picture,
    rng: np.random.Generator,
    *,
    low: Annotated[Ratio, AxisLabel("lowest ratio")] = 100.0,
    high: Annotated[Ratio, AxisLabel("highest ratio")] = 300.0,
    gain: Annotated[float, Gt(0), Le(1e4), AxisLabel("gain (raw units an electron)")] | None = None,
    model: Literal["physical", "poisson_gaussian", "gaussian"] = "physical",
    clip: bool = False,
) -> Degraded:
    """Raw noise of one camera in the dark, as ELD calibrated it: gain, ratio and each strength are drawn per picture.

    The scene x (taken as linear, white 15,583 raw units) is divided by a ratio that is uniform on [low, high]. To its
    electrons (Poisson) times `gain` come read noise with a Tukey-lambda distribution, one Gaussian offset a row, the
    same in all channels, and the rounding to whole units; the sum is multiplied by the ratio, and clipped to [0, 1]
    with `clip`. Without `gain` its logarithm is uniform over that of the camera, a Sony A7S2, whose strengths follow
    the gain by lines in logarithms. `model` makes noise of the same variance otherwise: `poisson_gaussian` has counts
    and white Gaussian noise for all the rest, `gaussian` white Gaussian noise alone, of the picture's mean variance.
    Model and calibration after K. Wei et al., "Physics-based noise modeling for extreme low-light photography", IEEE
    TPAMI 44(11), 2022.

    A camera knows: `ratio`, `peak` (electrons at 1) and `sigma`, the standard deviation of what does not depend on the
    signal; with `gaussian`, of all.
    """
    ratio = rng.uniform(low, high)
    log_gain = rng.uniform(*np.log(_GAINS))
    if gain is not None:
        log_gain = math.log(gain)
    scale, row = (math.exp(rng.normal(a * log_gain + b, spread)) for a, b, spread in (_READ, _ROW))
    shape = rng.uniform(*_SHAPES)
    step = math.exp(log_gain)
    peak = _WHITE / ratio / step
    fixed = scale**2 * tukey_variance(shape) + row**2 + 1 / 12
    if model == "gaussian":
        sigma = math.sqrt(fixed + step**2 * peak * float(np.maximum(x, 0).mean()))
        raw: Picture = x * _WHITE / ratio + sigma * rng.standard_normal(x.shape)
        known = {"peak": None, "sigma": sigma * ratio / _WHITE, "ratio": ratio}
    else:
        raw = step * rng.poisson(np.maximum(x, 0) * peak).astype(np.float64)
        if model == "physical":
            raw += scale * math.sqrt(tukey_variance(shape)) * tukey(rng, x.shape, shape)
            raw = np.rint(raw + row * rng.standard_normal((x.shape[0], 1, 1)))
        else:
            raw += math.sqrt(fixed) * rng.standard_normal(x.shape)
        known = {"peak": peak, "sigma": math.sqrt(fixed) * ratio / _WHITE, "ratio": ratio}
    y, _ = digitise(raw * ratio / _WHITE, clip, None)
    return y, known
