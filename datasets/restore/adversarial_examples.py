from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
from noisebench.datasets.classify._adversarial import (
    AttackedPicture,
    Eps,
    Kinds,
    Norm,
    Seed,
    Steps,
    attacked_pictures,
)


class AdversarialPairs:
    """Clean pictures, each with its attacked one."""

    def __init__(self, attacked: list[AttackedPicture]) -> None:
        self._attacked = attacked
        self.ids: Sequence[str] = [one.item.id for one in attacked]

    def load(self, index: int) -> nb.Sample:
        """Pair `index`: the clean picture as it is in its set, the attacked one float32."""
        one = self._attacked[index]
        return nb.Sample(one.item.id, one.item.picture, one.picture, group=one.item.group)


@nb.dataset(
    "adversarial_examples",
    licence="that of the other set",
    citation="Y. Gong et al., Reverse engineering of imperceptible adversarial image perturbations, ICLR 2022",
)
def adversarial_examples(
    *,
    of: Annotated[Any, nb.Nested("dataset", track="classify")],
    classifier: Annotated[Any, nb.Nested("method", track="classify")],
    kinds: Kinds = ("pgd",),
    eps: Eps = 0.1,
    norm: Norm = "linf",
    steps: Steps = 20,
    seed: Seed = None,
) -> AdversarialPairs:
    """Pictures of a labelled set, each beside what an attack on a classifier made of it that succeeded; for `real`.

    Parameters are those of the set of this name in the track `classify`, which has the same attacked pictures. With the
    regime `real` a denoiser is given the attacked one of each, to take the attack away. A picture that an attack failed
    on is not in the set.
    """
    return AdversarialPairs(attacked_pictures(of, classifier, kinds, eps, norm, steps, seed))
