from __future__ import annotations

import noisebench as nb
from noisebench.datasets.generate._batches import Batches, Count, LatentBatches, Split, TrainingPictures, pictures_of


@nb.dataset(
    "cifar10_subset",
    track="generate",
    licence="research use",
    citation="A. Krizhevsky, Learning multiple layers of features from tiny images, 2009",
)
def cifar10_subset(
    *,
    split: Split = "test",
    n: Batches = 8,
    count: Count = 128,
    reference: Count = 2000,
    trained: Count | None = None,
    labels: bool = False,
) -> LatentBatches | TrainingPictures:
    """A fifth of CIFAR-10, colour, 32 x 32: latents before test pictures, and training pictures.

    n, count: so many batches of so many latents. reference: so many test pictures, chosen by the hash of their
    ids. trained: so many training pictures, likewise, to train on (`split=train`) and to look for copies of; none is
    all. labels: whether each sample is to be of a class, by turns.

    Public: a method can know its items and their truths.
    """
    return pictures_of("cifar10_subset", split, n, count, reference, trained, labels)
