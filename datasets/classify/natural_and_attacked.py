from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.datasets.classify._adversarial import TOGETHER, Norm, attack
from noisebench.datasets.classify._arrays import LabelledArrays, labelled_arrays
from noisebench.datasets.classify._learned_classifier import learned_classifier
from noisebench.tracks.classify import LabelledPicture

Kind = Literal["fgsm", "pgd", "cw"]
CLASSES = ("natural", "attacked")


class NaturalAndAttacked:
    """All pictures of another set as they are, and behind them all as they were attacked."""

    def __init__(self, of: nb.Dataset, data: LabelledArrays, attacked: np.ndarray[Any, Any]) -> None:
        self._of, self._data, self._attacked = of, data, attacked
        self.ids: Sequence[str] = [f"{name}_{kind}" for kind in CLASSES for name in of.ids]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, float32 of its shape; both of one picture are of one group."""
        label, place = divmod(range(len(self.ids))[index], len(self._of.ids))
        item: LabelledPicture = self._of.load(place)
        picture = (self._attacked if label else self._data.pictures)[place].transpose(1, 2, 0)
        return LabelledPicture(
            self.ids[index],
            picture.reshape(np.asarray(item.picture).shape),
            label,
            CLASSES,
            group=item.group or item.id,
        )


def attacked(
    net: Any, pictures: Any, labels: Any, kind: Kind, eps: float, norm: Norm, steps: int
) -> np.ndarray[Any, Any]:
    """What an attack on a network that gives logits leaves of pictures (N, C, H, W) on [0, 1], float32 of that shape.

    Raises ValueError where torch cannot differentiate the learned.
    """
    parts = [slice(start, start + TOGETHER) for start in range(0, len(pictures), TOGETHER)]
    return np.concatenate([attack(net, pictures[one], labels[one], kind, eps, norm, steps).numpy() for one in parts])


@nb.dataset(
    "natural_and_attacked",
    track="classify",
    licence="that of the other set",
    citation="A. Madry et al., Towards deep learning models resistant to adversarial attacks, ICLR 2018",
)
def natural_and_attacked(
    *,
    of: nb.DatasetSpec,
    by: nb.MethodSpec,
    eps: Annotated[float, Gt(0), Le(1000)] = 0.03,
    kind: Kind = "pgd",
    norm: Norm = "linf",
    steps: Annotated[int, Ge(1), Le(1000)] = 20,
    seed: Annotated[int, Ge(0)] | None = None,
) -> NaturalAndAttacked:
    """Pictures of another set, each as it is and as an attack on a classifier left it: what a detector tells apart.

    by: the classifier that is attacked: `trained(…)`, which is trained here, once, as a run would, or any other that
    torch can differentiate. eps, on the [0, 1] scale, kind, norm and steps: as of the method `attacked`, from the
    picture itself. The classes are natural and
    attacked, whether or not the classifier then errs. Attacked values are not rounded. seed: of a classifier that says
    none; none is 0. A detector sees the pictures alone: `auroc` and `fpr95` say how well it does.
    """
    data = labelled_arrays(of)
    learned = learned_classifier(by, seed or 0, of, data, "dataset natural_and_attacked")
    steps = 1 if kind == "fgsm" else steps

    def make(say: Callable[[int, int], None]) -> dict[str, Any]:
        import torch
        from noisebench.recipes.parts._example_scores import one_thread

        with one_thread():
            return {
                "pictures": attacked(
                    learned.net, torch.from_numpy(data.pictures), torch.from_numpy(data.labels), kind, eps, norm, steps
                )
            }

    settings = f"attacked 1 {kind} {eps!r} {norm} {steps}"
    results = nb.made_once("attacked", [settings, *learned.lines, "of", *data.lines], make)
    return NaturalAndAttacked(nb.open_dataset(of), data, results["pictures"])
