from __future__ import annotations

from typing import Any

import noisebench as nb
import torch

_DICE = (
    "F. Milletari et al., V-Net, 3DV 2016; weighted: L. Wang et al., Annotation-efficient learning for medical image "
    "segmentation based on noisy pseudo labels and adversarial learning, IEEE TMI 40(10), 2021"
)


@nb.objective("dice", cite=_DICE)
def dice(net: Any, batch: Any, *, background: bool = True) -> Any:
    """Dice: one less the overlap of soft maps with the labels, where a part says so of weighted pixels.

    The mean over classes of 1 - 2 Σ w p y / Σ w (p + y), with the sums over all pixels of the batch, p the softmax of
    the network's logits (B, K, H, W), y 1 where the label map (B, H, W) names the class, and w the `weights` (B, H, W)
    that a part such as `agreement` tells, else 1. A pixel of weight 0, or without a label, has no gradient. A class
    that no pixel of the batch has is left out. background: whether class 0 counts among the classes. Raises
    `UsageError` where labels are no maps.
    """
    wanted = batch["wanted"]
    if wanted.ndim != 3:
        raise nb.UsageError("objective dice is for label maps: give a method of the track segment")
    losses, present = dice_losses(net(batch["given"]), wanted, batch.get("weights"))
    losses, present = (one if background else one[1:] for one in (losses, present))
    return (losses * present).sum() / present.sum().clamp_min(1)


def dice_losses(logits: Any, wanted: Any, weights: Any = None) -> tuple[Any, Any]:
    """The loss of each class, (K,), and whether any pixel that weighs something has it, 1 or 0, (K,).

    Logits (B, K, H, W), labels int64 (B, H, W), below 0 where there is none, weights (B, H, W) or none.
    """
    probabilities = logits.float().softmax(dim=1)
    labelled = wanted >= 0
    weight = (
        labelled.to(probabilities.dtype)
        if weights is None
        else torch.where(labelled, weights.to(probabilities.dtype), 0)
    )
    true = (
        torch.nn.functional.one_hot(wanted.clamp_min(0), probabilities.shape[1]).movedim(3, 1).to(probabilities.dtype)
    )
    weight = weight[:, None]
    of_class = (weight * true).sum(dim=(0, 2, 3))
    overlap = (weight * probabilities * true).sum(dim=(0, 2, 3))
    both = (weight * probabilities).sum(dim=(0, 2, 3)) + of_class
    return 1 - 2 * overlap / both.clamp_min(1e-12), (of_class > 0).to(probabilities.dtype)
