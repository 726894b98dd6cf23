"""Noise behind published tables, bit for bit: each regime is named after its source and uses none of our keys.

Such noise depends on the size of a picture alone: the generator is seeded anew for each picture, so that all
pictures of one size get the same draws, and the seed of a run changes nothing.
"""

from __future__ import annotations

import numpy as np

from ._digitise import Picture


def legacy_draws(x: Picture, sigma: float) -> Picture:
    return np.random.RandomState(0).normal(0, sigma / 255.0, x.shape)
