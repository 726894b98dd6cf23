from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le, MinLen
from noisebench.datasets.generate._batches import Batches, Count, LatentBatches, Split, TrainingPictures
from noisebench.datasets.generate._laws import set_of_law
from noisebench.datasets.generate._waves import WaveLaw

Side = Annotated[int, Ge(2), Le(1024)]
Deviation = Annotated[float, Gt(0), Le(10)]
Level = Annotated[float, Ge(-10), Le(10)]


@nb.dataset("brightness", track="generate", licence="CC0-1.0 (made here)")
def brightness(
    *,
    split: Split = "test",
    size: Side = 64,
    means: Annotated[tuple[Level, ...], MinLen(1)] = (0.5,),
    spread: Deviation = 0.3,
    texture: Deviation = 0.2,
    n: Batches = 8,
    count: Count = 128,
    reference: Count = 1024,
    trained: Count = 2000,
    labels: bool = False,
) -> LatentBatches | TrainingPictures:
    """Grey textures of which the law of the brightness is known: normal, or of several kinds of pictures.

    size: pixels a side. means: mean brightness of each kind, which are equally likely; it is 0 between black and white.
    spread: deviation of the brightness within a kind. texture: that of pixels about it, whose power falls with the
    square of the frequency, as that of photographs does. Draws are not clipped. Its exact model is `exact_waves`.

    n, count: so many batches of so many latents. reference, trained: so many draws, to compare with, and to train on
    (`split=train`). labels: whether each sample is to be of a kind, these by turns.
    """
    name = f"brightness-{size}-{'_'.join(map(repr, means))}-{spread!r}-{texture!r}"
    return set_of_law(name, lambda: _law(size, means, spread, texture), split, n, count, reference, trained, labels)


@lru_cache(maxsize=4)
def _law(size: int, means: tuple[float, ...], spread: float, texture: float) -> WaveLaw:
    along = np.arange(size, dtype=np.float64)
    squares = along[:, None] ** 2 + along**2
    squares[0, 0] = np.inf
    power = 1 / squares
    variances = power * ((texture * size) ** 2 / power.sum())
    variances[0, 0] = (spread * size) ** 2
    flat = np.repeat(np.array(means)[:, None], size**2, axis=1)
    return WaveLaw(np.full(len(means), 1 / len(means)), flat, variances, (1, size, size))
