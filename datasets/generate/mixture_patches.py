from __future__ import annotations

from functools import lru_cache

import noisebench as nb
import numpy as np
from noisebench.datasets.generate._batches import Batches, Count, LatentBatches, Split, TrainingPictures
from noisebench.datasets.generate._laws import law_of, set_of_law
from noisebench.tracks.generate import Law

_SIDE, _CLASSES = 8, 8
_LEAST = 1e-4
"""Added to each variance: that of rounding to 8 bit, and some."""


@nb.dataset(
    "mixture_patches",
    track="generate",
    licence="CC0-1.0 (made here), with moments of photographs, CC0-1.0 or public domain",
    citation="J. Portilla et al., Image denoising using scale mixtures of Gaussians in the wavelet domain, IEEE TIP "
    "12(11), 2003",
)
def mixture_patches(
    *,
    split: Split = "test",
    n: Batches = 8,
    count: Count = 128,
    reference: Count = 2048,
    trained: Count = 4000,
    labels: bool = False,
) -> LatentBatches | TrainingPictures:
    """A mixture of eight normal laws that were fitted to 8 x 8 squares of photographs, by their contrast.

    Squares of the embedded `photos`, in grey on [-1, 1], fall into eight classes of as many, by their deviation.

    n, count: so many batches of so many latents. reference, trained: so many draws, to compare with, and to train on
    (`split=train`). labels: whether each sample is to be of a component, these by turns.
    """
    return set_of_law("mixture_patches", _law, split, n, count, reference, trained, labels)


@lru_cache(maxsize=1)
def _law() -> Law:
    photos = nb.open_dataset(nb.bind("photos", "dataset", "restore"))
    parts = []
    for index in range(len(photos.ids)):
        grey = np.asarray(photos.load(index).clean, np.float64)
        grey = 2 * (grey if grey.ndim == 2 else grey.mean(axis=2)) / 255 - 1
        tall, wide = (side // _SIDE for side in grey.shape)
        cut = grey[: tall * _SIDE, : wide * _SIDE].reshape(tall, _SIDE, wide, _SIDE).swapaxes(1, 2)
        parts.append(cut.reshape(-1, _SIDE**2))
    squares = np.concatenate(parts)
    # A stable order: squares of equal contrast stay as they come.
    order = np.argsort(np.round(squares.std(axis=1), 9), kind="stable")
    by_class = [squares[places] for places in np.array_split(order, _CLASSES)]
    return law_of(
        [len(one) / len(squares) for one in by_class],
        [one.mean(axis=0) for one in by_class],
        [np.cov(one.T) for one in by_class],
        (1, _SIDE, _SIDE),
        _LEAST,
    )
