from __future__ import annotations

import noisebench as nb
from noisebench.datasets.generate._batches import Batches, Count, LatentBatches, Split, TrainingPictures, pictures_of


@nb.dataset(
    "digits",
    track="generate",
    licence="CC BY 4.0",
    citation="E. Alpaydin, C. Kaynak, Optical recognition of handwritten digits, UCI machine learning repository, 1998",
)
def digits(
    *,
    split: Split = "test",
    n: Batches = 8,
    count: Count = 128,
    reference: Count = 517,
    trained: Count | None = None,
    labels: bool = False,
) -> LatentBatches | TrainingPictures:
    """Handwritten digits, 8 x 8, out of scikit-learn: latents before test pictures, and training pictures.

    n, count: so many batches of so many latents. reference: so many test pictures, chosen by the hash of their
    ids. trained: so many training pictures, likewise, to train on (`split=train`) and to look for copies of; none is
    all. labels: whether each sample is to be of a class, by turns.

    Public: a method can know its items and their truths.
    """
    return pictures_of("digits", split, n, count, reference, trained, labels)
