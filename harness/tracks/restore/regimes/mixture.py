from __future__ import annotations

import math

import numpy as np

from ....components.decorators import checked, regime
from ....text.errors import UsageError
from ....text.wording import counted
from ..disclosure import ALL, SIGMA
from ._digitise import Bits, Degraded, Picture, Probability, Sigma, digitise


def _one_weight_each(sigmas: tuple[float, ...], weights: tuple[float, ...]) -> None:
    if not sigmas or len(sigmas) != len(weights):
        given = f"{counted(len(sigmas), 'sigma')} and {counted(len(weights), 'weight')}"
        raise UsageError(f"regime 'mixture': {given}; give a weight to each sigma")
    if abs(math.fsum(weights) - 1) > 1e-9:
        raise UsageError(f"regime 'mixture': weights add up to {math.fsum(weights):g}; they must add up to 1")


@regime("mixture", discloses=("sigma",), keeps=ALL, adds_up=SIGMA, cuts=("clip", "bits"))
@checked(_one_weight_each)
def mixture(
    x: Picture,
    rng: np.random.Generator,
    *,
    sigmas: tuple[Sigma, ...],
    weights: tuple[Probability, ...],
    clip: bool = False,
    bits: Bits | None = None,
) -> Degraded:
    """Gaussian noise whose sigma is drawn per value from sigmas with probabilities weights.

    The overall standard deviation is disclosed.
    """
    scales = np.array(sigmas) / 255
    edges = np.array([math.fsum(weights[: i + 1]) for i in range(len(weights) - 1)])
    component = np.searchsorted(edges, rng.random(x.shape), side="right")
    y, depth = digitise(x + scales[component] * rng.standard_normal(x.shape), clip, bits)
    overall = math.sqrt(math.fsum(w * (s / 255) ** 2 for w, s in zip(weights, sigmas, strict=True)))
    return y, {"sigma": overall, **depth}
