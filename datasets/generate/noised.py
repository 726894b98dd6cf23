from __future__ import annotations

from typing import Annotated

import noisebench as nb
from annotated_types import Ge
from noisebench.datasets.generate._batches import TrainingPictures
from noisebench.tracks.generate import LatentBatch


@nb.dataset("noised", track="generate", licence="that of the other set")
def noised(*, of: nb.DatasetSpec, n: Annotated[int, Ge(1)] = 64) -> TrainingPictures:
    """Reference pictures of another set, to be denoised: what models are asked, and no sampler.

    of: a set of batches, such as `digits`. n: the first so many of its reference pictures, each with noise of eight
    levels. Metrics are those of models, `denoising_error` and `score_linear_ev`; methods are models, such as `exact`
    and `trained`.
    """
    batch = nb.open_dataset(of).load(0)
    if not isinstance(batch, LatentBatch):
        raise nb.UsageError(f"dataset noised: {of.display} has no reference pictures: leave split=train out")
    reference = batch.reference
    pictures = reference.pictures[:n]
    labels = None if reference.labels is None else reference.labels[:n]
    return TrainingPictures([f"reference-{number:05d}" for number in range(len(pictures))], lambda: (pictures, labels))
