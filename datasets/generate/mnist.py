from __future__ import annotations

import noisebench as nb
from noisebench.datasets.generate._batches import Batches, Count, LatentBatches, Split, TrainingPictures, pictures_of


@nb.dataset(
    "mnist",
    track="generate",
    licence="none stated",
    citation="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document recognition, "
    "Proc. IEEE 86(11), 1998",
)
def mnist(
    *,
    split: Split = "test",
    n: Batches = 8,
    count: Count = 128,
    reference: Count = 2048,
    trained: Count | None = 20000,
    labels: bool = False,
) -> LatentBatches | TrainingPictures:
    """Handwritten digits, 28 x 28: latents before test pictures, and training pictures.

    n, count: so many batches of so many latents. reference: so many test pictures, chosen by the hash of their
    ids. trained: so many training pictures, likewise, to train on (`split=train`) and to look for copies of; none is
    all. labels: whether each sample is to be of a class, by turns.

    Public: a method can know its items and their truths.
    """
    return pictures_of("mnist", split, n, count, reference, trained, labels)
