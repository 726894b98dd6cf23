"""Laws of pictures that are known, as sets of `generate`: batches before draws of the law, and draws to train on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.datasets.generate._batches import LatentBatches, Split, TrainingPictures, by_turns
from noisebench.tracks.generate import Law, Reference

GRID = 2**20
"""Products of matrices differ in the last bits from machine to machine; on this grid values do not."""


def law_of(weights: Any, means: Any, covariances: Any, shape: tuple[int, ...], least: float) -> Law:
    """A mixture of moments that were measured, `least` added to each variance; the same bits on each machine."""
    wider = np.asarray(covariances) + least * np.eye(np.shape(means)[1])
    return Law(np.asarray(weights, np.float64), rounded(means), rounded(wider), shape)


def rounded(values: Any) -> Any:
    """Values on the grid, float64."""
    return np.rint(np.asarray(values, np.float64) * GRID) / GRID


def drawn(law: Law, name: str, part: str, count: int) -> tuple[Any, Any]:
    """So many pictures of a law, float32 (N, C, H, W), and their components, by turns in their shares; keyed."""
    rng = nb.keyed_generator(nb.text_key(f"{name}|{part}"))
    labels = by_turns(law.weights.tolist(), count)
    pictures = law.drawn(rng.standard_normal((count, law.means.shape[1])), labels)
    return rounded(pictures).astype(np.float32).reshape(count, *law.shape), labels


def set_of_law(
    name: str, law: Callable[[], Law], split: Split, n: int, count: int, reference: int, trained: int, labels: bool
) -> LatentBatches | TrainingPictures:
    """The set of a law; the reference and the training pictures are draws apart."""
    if split == "train":
        return TrainingPictures(
            [f"{name}-{number:05d}" for number in range(trained)], lambda: drawn(law(), name, "train", trained)
        )

    def read() -> Reference:
        return Reference(*drawn(law(), name, "test", reference), *drawn(law(), name, "train", trained))

    return LatentBatches(n, count, read, shares=law().weights.tolist() if labels else None, law=law)
