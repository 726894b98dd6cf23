"""Another set's pictures as an attack that succeeded changed them, labelled by what the classifier says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import noisebench as nb
import numpy as np
from noisebench.datasets.classify._adversarial import (
    AttackedPicture,
    Eps,
    Kinds,
    Norm,
    Seed,
    Steps,
    attacked_pictures,
)
from noisebench.tracks.classify import LabelledPicture


@dataclass(frozen=True)
class AdversarialExample(LabelledPicture):
    """An attacked picture. `clean` is the one that was attacked, of its shape, which an oracle sees."""

    clean: np.ndarray[Any, Any] | None = None


class AdversarialExamples:
    """Attacked pictures, each with the id of the one that was attacked."""

    def __init__(self, attacked: list[AttackedPicture], label: Literal["clean", "attack"]) -> None:
        self._attacked, self._label = attacked, label
        self.ids: Sequence[str] = [one.item.id for one in attacked]

    def load(self, index: int) -> AdversarialExample:
        """Picture `index`, float32, of the shape that it has in the other set."""
        one = self._attacked[index]
        label = one.clean if self._label == "clean" else one.predicted
        return AdversarialExample(
            one.item.id, one.picture, label, one.item.classes, group=one.item.group, clean=one.item.picture
        )


@nb.dataset(
    "adversarial_examples",
    track="classify",
    licence="that of the other set",
    citation="Y. Gong et al., Reverse engineering of imperceptible adversarial image perturbations, ICLR 2022",
)
def adversarial_examples(
    *,
    of: nb.DatasetSpec,
    classifier: nb.MethodSpec,
    kinds: Kinds = ("pgd",),
    eps: Eps = 0.1,
    norm: Norm = "linf",
    steps: Steps = 20,
    label: Literal["clean", "attack"] = "clean",
    seed: Seed = None,
) -> AdversarialExamples:
    """Another set's pictures as an attack that succeeded changed them, labelled by what the classifier says.

    classifier: `trained(…)` without a stop, which is trained here, once, as a run would, or any other that torch can
    differentiate. What it says of a picture is
    attacked, right or wrong, by kinds in turn over the pictures: `fgsm`, `pgd` and `cw` as of `attacked`, `strongest`
    the best of pgd and cw, each from the picture and from a random change of it. eps, norm: how near, on the [0, 1]
    scale. Pictures of which the classifier still says the same are not in the set. label: what it says of the `clean`
    picture, or of the attacked one (`attack`): so `accuracy` of `denoise_first` with that classifier is how often the
    restored picture has the class of the clean one, and of `reapplied` how often what a denoiser took away has the
    effect of the attack. seed: of a classifier that names none; none is that of the training that the set is for, and 0
    for a test. The same pictures, beside clean ones, are a set of `restore`.
    """
    return AdversarialExamples(attacked_pictures(of, classifier, kinds, eps, norm, steps, seed), label)
