"""How heavy the tails of the values of a batch are."""

from __future__ import annotations

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Batch


@metric("kurtosis", track="generate", order=95, goal="3")
def kurtosis(batch: Batch) -> float:
    """Fourth central moment of all values of a batch over the square of the second: 3 of normal values.

    It is for latents: those that a method gives in place of samples, such as `interpolated(sampler=identity)`.
    """
    off = batch.samples - batch.samples.mean()
    variance = float((off**2).mean())
    return float((off**4).mean()) / variance**2 if variance else NotDefined("all values are the same")
