from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Lt
from noisebench.tracks.classify import LabelledPicture


class SharedNuisance:
    """Another set's pictures under the pattern."""

    def __init__(self, of: nb.Dataset, strength: float, seed: int) -> None:
        self._of, self._strength, self._seed = of, strength, seed
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, float32 on [0, 1]; its strength depends on its id and the seed alone."""
        item: LabelledPicture = self._of.load(index)
        picture = np.asarray(item.picture)
        clean = picture / (np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 1)
        rng = nb.keyed_generator(nb.text_key(f"shared nuisance|{self._seed}|{item.id}"))
        pattern = pattern_of(picture.shape[0], picture.shape[1], self._seed) * rng.random()
        pattern = pattern.reshape(*pattern.shape, *(1,) * (picture.ndim - 2))
        mixed = (1 - self._strength) * clean + self._strength * pattern
        return replace(item, picture=mixed.astype(np.float32))


def pattern_of(height: int, width: int, seed: int) -> np.ndarray[Any, Any]:
    """A smooth pattern on [0, 1], (height, width): eight waves of few periods."""
    rng = nb.keyed_generator(nb.text_key(f"shared nuisance|{seed}|pattern"))
    down, across = np.meshgrid(np.arange(height) / height, np.arange(width) / width, indexing="ij")
    total = np.zeros((height, width))
    for a in range(3):
        for b in range(3):
            if a or b:
                total += rng.standard_normal() * np.cos(np.pi * (a * across + b * down) + 2 * np.pi * rng.random())
    low, high = total.min(), total.max()
    return (total - low) / (high - low) if high > low else np.zeros_like(total)


@nb.dataset("shared_nuisance", track="classify", licence="that of the other set")
def shared_nuisance(
    *, of: nb.DatasetSpec, strength: Annotated[float, Ge(0), Lt(1)] = 0.5, seed: Annotated[int, Ge(0)] = 0
) -> SharedNuisance:
    """Another set with one pattern over all pictures, faded in each by a draw that tells nothing of the class.

    of: the other set. strength: the share of the pattern before it is faded; the rest of the contrast is the picture's.
    seed: of the pattern, the same for training and test sets.
    """
    return SharedNuisance(nb.open_dataset(of), strength, seed)
