"""Residual diffusion: from the degraded picture to the clean one in steps that take away residual and noise."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

Level = tuple[float, float]
"""A and B: how much of the residual, and of normal noise, is in x = clean + A residual + B noise."""
Predict = Callable[[Any, Level], tuple[Any, Any]]
"""x and its level → the residual (degraded less clean) and the noise in it."""


def level_of(time: Any, noise: float) -> tuple[Any, Any]:
    """The level at a time from 0, the clean picture, to 1, the degraded one with normal noise of deviation `noise`.

    time: a number or a tensor.
    Shares of the residual fall evenly with time and those of the noise's variance rise evenly, as the authors have it
    for restoration, and both are whole at 1: A = 1 - (1 - t)², B = noise t.
    """
    return 1 - (1 - time) ** 2, noise * time


def sampled(predict: Predict, start: Any, levels: Sequence[Level]) -> Any:
    """What is left of `start`, which is at the first level, at the last: deterministic steps through all of them."""
    x = start
    for (residual_now, noise_now), (residual_next, noise_next) in itertools.pairwise(levels):
        residual, noise = predict(x, (residual_now, noise_now))
        x = x - (residual_now - residual_next) * residual - (noise_now - noise_next) * noise
    return x
