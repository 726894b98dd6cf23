from __future__ import annotations

from functools import lru_cache

import noisebench as nb
import numpy as np
from noisebench.datasets.generate._batches import Batches, Count, LatentBatches, Split, TrainingPictures
from noisebench.datasets.generate._laws import law_of, set_of_law
from noisebench.tracks.generate import Law

_LEAST = 4e-4
"""Added to each variance: some pixels at the border are 0 in all digits."""


@nb.dataset(
    "mixture_digits",
    track="generate",
    licence="CC0-1.0 (made here), with moments of digits, CC BY 4.0",
    citation="E. Alpaydin, C. Kaynak, Optical recognition of handwritten digits, UCI machine learning repository, 1998",
)
def mixture_digits(
    *,
    split: Split = "test",
    n: Batches = 8,
    count: Count = 128,
    reference: Count = 2048,
    trained: Count = 4000,
    labels: bool = False,
) -> LatentBatches | TrainingPictures:
    """A mixture of ten normal laws, each with mean and covariance of one handwritten digit, 8 x 8: all is known.

    The moments are those of scikit-learn's 1,797 digits on [-1, 1]; draws are not clipped.

    n, count: so many batches of so many latents. reference, trained: so many draws, to compare with, and to train on
    (`split=train`). labels: whether each sample is to be of a component, these by turns.
    """
    return set_of_law("mixture_digits", _law, split, n, count, reference, trained, labels)


@lru_cache(maxsize=1)
def _law() -> Law:
    from sklearn.datasets import load_digits

    digits = load_digits()
    pictures = digits.images.reshape(-1, 64) / 8 - 1
    by_digit = [pictures[digits.target == digit] for digit in range(10)]
    return law_of(
        [len(one) / len(pictures) for one in by_digit],
        [one.mean(axis=0) for one in by_digit],
        [np.cov(one.T) for one in by_digit],
        (1, 8, 8),
        _LEAST,
    )
