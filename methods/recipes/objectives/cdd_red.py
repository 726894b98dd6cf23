from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from noisebench.recipes.parts.frozen_classifier import classifier_of

Weight = Annotated[float, Ge(0), Le(1e6)]
Transform = Literal["flip", "crop", "cutmix"]


def transformed(pictures: Any, transform: Transform) -> Any:
    """Pictures (P, N, C, H, W), P of each item, all P of one changed alike.

    `flip` mirrors left and right; `crop` leaves a window of half a side or more, at a random place, and is black
    around it; `cutmix` (Yun et al., ICCV 2019) puts into a window of random size what the next item has there.
    """
    if transform == "flip":
        return pictures.flip(-1)
    items, device = pictures.shape[1], pictures.device
    share = torch.rand(items, device=device)
    # Of the area of a window, uniform; of the side of what is left, half or more.
    inside = windows(share.sqrt() if transform == "cutmix" else (1 + share) / 2, pictures.shape[-2:])
    return torch.where(inside, *((pictures.roll(1, dims=1), pictures) if transform == "cutmix" else (pictures, 0.0)))


def windows(shares: Any, size: tuple[int, int]) -> Any:
    """Whether each pixel lies in a window at a random place, (N, 1, H, W), of so many shares (N,) of both sides."""
    inside = torch.ones(len(shares), 1, 1, 1, dtype=torch.bool, device=shares.device)
    for side, axis in zip(size, (2, 3), strict=True):
        long = (shares * side).round().long()
        first = (torch.rand(len(shares), device=shares.device) * (side - long + 1)).long()
        at = torch.arange(side, device=shares.device)
        along = (at >= first[:, None]) & (at < (first + long)[:, None])
        inside = inside & along.reshape(-1, 1, *((side, 1) if axis == 2 else (1, side)))
    return inside


@nb.objective("cdd_red", cite="Y. Gong et al., Reverse engineering of imperceptible adversarial image perturbations, "
              "ICLR 2022")  # fmt: skip
def cdd_red(
    net: Any,
    batch: Any,
    *,
    clean: Weight = 0.025,
    adversarial: Weight = 0.025,
    transforms: tuple[Transform, ...] = ("crop", "cutmix"),
    loss: Annotated[Any, nb.Nested("loss")] = "l1",
) -> Any:
    """CDD-RED: a denoiser takes an attack away so that picture and perturbation each keep the class they had.

    Of attacked pictures x' and clean ones x (N, C, H, W) on [0, 1], a denoiser D and the classifier F of the part
    `frozen_classifier`: the loss of D(x') against x, over the pairs as they are and as each of `transforms` makes both
    of them; and cross-entropies, `clean` times that of F(D(x')) to the class F(x), `adversarial` times that of
    F(x' - D(x') + x), the estimated perturbation on the clean picture, to the class F(x'). True labels play no part. A
    transformed pair is in the cross-entropies only where F says of both pictures what it says of them untransformed.
    Weights 0 and 0 are denoising alone; adversarial=0 is a denoiser that minds clean pictures (denoised smoothing).
    Goes with `data=adversarial_examples(…), regime=real`. Raises `UsageError` without that part, and for pairs of
    unequal size.
    """
    pairs = batch["given"], batch["wanted"]
    if pairs[0].shape != pairs[1].shape or pairs[0].ndim != 4:
        raise nb.UsageError("objective cdd_red needs pairs of pictures of one size, such as of adversarial_examples")
    both = torch.stack(pairs)
    seen, true = torch.cat([both, *(transformed(both, transform) for transform in transforms)], dim=1)
    denoised = net(seen)
    total = loss.entry.obj(denoised, true, **loss.kwargs)
    if not clean and not adversarial:
        return total
    classifier = classifier_of(net)
    if classifier is None:
        raise nb.UsageError("objective cdd_red needs a classifier: give parts=frozen_classifier(of=trained(…)) too")
    with torch.no_grad():
        of_true, of_seen = classifier(true).argmax(dim=1), classifier(seen).argmax(dim=1)
    kept = survived(of_true, len(both[0])) & survived(of_seen, len(both[0]))
    for weight, pictures, classes in ((clean, denoised, of_true), (adversarial, seen - denoised + true, of_seen)):
        if weight:
            total = total + weight * F.cross_entropy(classifier(pictures[kept]), classes[kept])
    return total


def survived(classes: Any, items: int) -> Any:
    """Whether each of (M · items,) classes is that which its item has among the first `items`."""
    return classes == classes[:items].repeat(len(classes) // items)
