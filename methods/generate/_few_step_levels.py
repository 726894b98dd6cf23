"""Noise levels for samplers that call a model a few times."""

from __future__ import annotations

import noisebench as nb
from noisebench.methods.generate._stepping import levels

LEAST, MOST = 0.002, 80.0
"""The noise at which the way of a picture begins, and where it ends."""


def reaching(most: float) -> None:
    """Raise `UsageError` where the way from noise to the picture has no length."""
    if most <= LEAST:
        raise nb.UsageError(f"most={most:g} is not above {LEAST:g}: give a larger most")


def few_levels(steps: int, most: float = MOST) -> list[float]:
    """`steps` levels from `most` down, evenly in the seventh root, and 0 behind them.

    Those of half as many steps are every second one. Raises `UsageError` where the way has no length.
    """
    reaching(most)
    return [*levels("karras", steps + 1, LEAST, most)[:-2], 0.0]
