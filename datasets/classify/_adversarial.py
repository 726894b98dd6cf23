"""Attacks on a classifier that succeeded, of all pictures of a labelled set: computed once, for two tracks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le, MinLen
from noisebench.datasets.classify._arrays import labelled_arrays
from noisebench.datasets.classify._learned_classifier import learned_classifier
from noisebench.tracks.classify import LabelledPicture

Kind = Literal["fgsm", "pgd", "cw", "strongest"]
Kinds = Annotated[tuple[Kind, ...], MinLen(1)]
Eps = Annotated[float, Gt(0), Le(1000)]
Norm = Literal["linf", "l2"]
Steps = Annotated[int, Ge(1), Le(1000)]
Seed = Annotated[int, Ge(0)] | None
TOGETHER = 100
"""Pictures that are attacked at once."""


@dataclass(frozen=True)
class AttackedPicture:
    """A picture of a labelled set and what an attack that succeeded made of it.

    `picture` is float32 in the shape of that of `item`; `clean` is the class that the classifier says of `item`, and
    `predicted` another one, which it says of `picture`.
    """

    item: LabelledPicture
    picture: np.ndarray[Any, Any]
    clean: int
    predicted: int


def attacked_pictures(
    of: nb.Bound, classifier: nb.Bound, kinds: Sequence[Kind], eps: float, norm: Norm, steps: int, seed: int | None
) -> list[AttackedPicture]:
    """The attacks that succeeded, in the order of the set: of the others nothing is there.

    Picture i is attacked by `kinds` in turn, against what the classifier itself says of it. Raises `UsageError` for a
    classifier of other pictures or classes, and where no attack succeeded.
    """
    name = "dataset adversarial_examples"
    data, dataset = labelled_arrays(of), nb.open_dataset(of)
    learned = learned_classifier(classifier, seed or 0, of, data, name)

    def make(say: Callable[[int, int], None]) -> dict[str, Any]:
        from noisebench.recipes.parts._example_scores import one_thread

        with one_thread():
            return _attacks(learned.net, data.pictures, kinds, eps, norm, steps, say)

    settings = f"adversarial examples 1 {tuple(kinds)} {eps=} {norm} {steps=}"
    results = nb.made_once("attacked", [settings, *learned.lines, "of", *data.lines], make)
    attacked = []
    for i in np.flatnonzero(results["clean"] != results["said"]):
        item: LabelledPicture = dataset.load(int(i))
        picture = results["pictures"][i].transpose(1, 2, 0).reshape(np.asarray(item.picture).shape)
        attacked.append(AttackedPicture(item, picture, int(results["clean"][i]), int(results["said"][i])))
    if not attacked:
        raise nb.UsageError(f"{name}: no attack on {classifier.display} within eps={eps} succeeded: give a larger eps")
    return attacked


def _attacks(
    net: Any, pictures: Any, kinds: Sequence[Kind], eps: float, norm: Norm, steps: int, say: Callable[[int, int], None]
) -> dict[str, Any]:
    """What is made of all pictures (N, C, H, W), and what the network says of them before and after, (N,)."""
    import torch

    given, attacked = torch.from_numpy(pictures), torch.zeros(pictures.shape)
    clean, predicted = (torch.zeros(len(given), dtype=torch.int64) for _ in range(2))
    done = 0
    for turn, kind in enumerate(kinds):
        for places in torch.split(torch.arange(turn, len(given), len(kinds)), TOGETHER):
            say(done, len(given))
            with torch.no_grad():
                clean[places] = net(given[places]).argmax(dim=1)
            attacked[places] = attack(net, given[places], clean[places], kind, eps, norm, steps)
            with torch.no_grad():
                predicted[places] = net(attacked[places]).argmax(dim=1)
            done += len(places)
    return {"pictures": attacked.numpy(), "clean": clean.numpy(), "said": predicted.numpy()}


def attack(net: Any, given: Any, labels: Any, kind: Kind, eps: float, norm: Norm, steps: int) -> Any:
    """Pictures (N, C, H, W) within `eps` of the given ones of which the network is to say something but `labels` (N,).

    `strongest` is the one of the least margin of four: projected gradient descent on the log odds and on the margin,
    each from the picture and from a change that is drawn with them.
    """
    import torch
    from noisebench.recipes.objectives._attack import log_odds, margin, random_change, worst

    start = torch.zeros_like(given)
    if kind != "strongest":
        sure = margin if kind == "cw" else log_odds
        steps = 1 if kind == "fgsm" else steps
        return worst(net, given, labels, start, eps=eps, norm=norm, steps=steps, sure=sure)[0]
    drawn = random_change(given, eps, norm, torch.Generator().manual_seed(0))
    attempts = [
        worst(net, given, labels, begin, eps=eps, norm=norm, steps=steps, sure=sure)
        for begin in (start, drawn)
        for sure in (log_odds, margin)
    ]
    least = torch.stack([margins for _, margins in attempts]).argmin(dim=0)
    return torch.stack([picture for picture, _ in attempts])[least, torch.arange(len(given))]
