"""Bi-modal separation: single sources are learned from mixtures by a frozen network that says what each sounds like."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch.nn.functional as F
from annotated_types import Ge, Le
from noisebench.recipes.archs._log_spectra import picture_of
from noisebench.recipes.objectives._separation import (
    multi_hot,
    separator_of,
    sums_of,
    unsupervised_error,
    weighted_error,
    zero_loss,
)
from noisebench.recipes.parts.frozen_classifier import classifier_of

Weight = Annotated[float, Ge(0), Le(1e6)]


def named_error(logits: Any, labels: Any) -> Any:
    """Cross-entropy of logits (N, K) of sources to their labels (N,), among the classes that are there.

    A class that comes c times in the batch has a weight of 1 / c each time: each counts as much as another.
    """
    present, place, count = labels.unique(return_inverse=True, return_counts=True)
    weights = 1 / count[place].to(logits.dtype)
    return (weights * F.cross_entropy(logits[:, present], place, reduction="none")).sum() / weights.sum()


def _refuse_no_loss(contrastive: float, consistency: float, unsupervised: float) -> None:
    if contrastive == consistency == unsupervised == 0:
        raise nb.UsageError(
            "objective bimodal: contrastive=0, consistency=0 and unsupervised=0 leave no loss: give one of them more"
        )


@nb.objective("bimodal", cite="T. Mahmud, S. Amizadeh, K. Koishida, D. Marculescu, Weakly-supervised audio separation "
              "via bi-modal semantic similarity, ICLR 2024")  # fmt: skip
@nb.checked(_refuse_no_loss)
def bimodal(
    net: Any,
    batch: Any,
    *,
    contrastive: Weight = 0.5,
    consistency: Weight = 5.0,
    unsupervised: Weight = 5.0,
) -> Any:
    """Bi-modal separation: single sources are learned from mixtures by a frozen network that says what each is.

    Each mixture of the batch is added to the next one that has other classes. In the sum the network is asked for all
    classes of the first, `unsupervised` times the error of `mix_and_separate`; and for each class of it alone:
    `contrastive` times the cross-entropy of what the part `frozen_classifier` hears in that clip to its class, among
    the classes that are asked for, and `consistency` times the L1 error of the sum of these magnitudes to those of the
    mixture, weighted by their log1p, from 0.001 to 10. `wanted` is not read.

    The classifier takes the place of CLAP, and the number of a class that of its text. It is of the track `classify`,
    `trained(data=spectrograms(crop=…), …)` with the `crop` of this training. Let it learn on clips that are in no
    mixture here, or it tells the network what single sources are like. Alone its term rewards masks that deceive it.
    """
    separator, labels = separator_of(net, batch, "bimodal")
    classify = classifier_of(net)
    if contrastive and classify is None:
        raise nb.UsageError("objective bimodal needs parts=frozen_classifier(of=…): what tells the class of a clip")
    sums = sums_of(separator, batch["given"], labels, "bimodal")
    loss = zero_loss(separator)
    if sums is None:
        return loss
    if unsupervised:
        loss = loss + unsupervised * unsupervised_error(separator, sums)
    if not (consistency or contrastive):
        return loss
    both, sources = sums.mixed, labels.shape[1]
    # All first classes, then all second ones.
    wanted = sums.labels.T.reshape(-1)
    masks = separator.mask(both.magnitudes.repeat(sources, 1, 1), multi_hot(wanted[:, None], separator.classes))
    if consistency:
        total = masks.reshape(sources, len(sums.labels), *masks.shape[1:]).sum(dim=0) * both.magnitudes
        mixture = both.of(separator, sums.mixtures)
        loss = loss + consistency * weighted_error(total, mixture, mixture)
    if contrastive and classify is not None:
        clips = separator.clips(masks * both.spectra.repeat(sources, 1, 1), batch["given"].shape[-1])
        logits = classify(picture_of(clips * both.level.repeat(sources, 1, 1)))
        if logits.shape[1] != separator.classes:
            raise nb.UsageError(
                f"objective bimodal: the classifier knows {logits.shape[1]} classes, and the network "
                f"{separator.classes}: give both the same"
            )
        loss = loss + contrastive * named_error(logits, wanted)
    return loss
