"""Clips of another set that are laid over a clip: noises, and other voices."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ....components.datasets import open_dataset
from ....components.registry import Bound, bind
from ....text.errors import UsageError
from ..clip import Floats
from ..spectra import power, resampled


@lru_cache(maxsize=4)
def _opened(canonical: str) -> tuple[Any, Callable[[int, int], Floats]]:
    """A set, and how the clip at a place is had at a rate; a few are kept, for each is asked for again and again."""
    dataset = open_dataset(bind(canonical, "dataset", "audio"))

    @lru_cache(maxsize=64)
    def at_rate(place: int, rate: int) -> Floats:
        clip = dataset.load(place)
        return resampled(clip.wave, clip.rate, rate)

    return dataset, at_rate


def drawn(of: Bound, rng: np.random.Generator, rate: int, length: int, regime: str) -> Floats:
    """`length` samples of a clip of a set, at `rate`: clip and start are drawn. A shorter one goes round.

    A part that is silent is drawn again, at most twenty times. Raises `UsageError` where all were, or the set is empty.
    """
    dataset, at_rate = _opened(of.canonical)
    if not len(dataset.ids):
        raise UsageError(f"regime {regime}: {of.display} has no clips")
    for _ in range(20):
        wave = at_rate(int(rng.integers(len(dataset.ids))), rate)
        start = int(rng.integers(max(1, len(wave) - length + 1)))
        part = np.take(wave, np.arange(start, start + length), mode="wrap")
        if power(part) > 1e-12:
            return part
    raise UsageError(f"regime {regime}: {of.display} is silent wherever it was looked at")
