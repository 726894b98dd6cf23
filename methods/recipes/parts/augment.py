from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le


def moved(pictures: Any, down: Any, right: Any) -> Any:
    """Each of the pictures (B, C, H, W) moved by its own whole pixels, (B,) each; what comes in is 0."""
    height, width = pictures.shape[-2:]
    most = int(max(down.abs().max(), right.abs().max()))
    wide = F.pad(pictures, (most,) * 4)
    rows = torch.arange(height, device=pictures.device) + most - down[:, None]
    columns = torch.arange(width, device=pictures.device) + most - right[:, None]
    items = torch.arange(len(pictures), device=pictures.device)
    return wide.movedim(1, -1)[items[:, None, None], rows[:, :, None], columns[:, None, :]].movedim(-1, 1)


@nb.part("augment")
class Augment:
    """Augment: a classifier's training pictures, each time moved by a few pixels and mirrored by chance.

    By up to `shift` pixels up or down and left or right, each as likely; what comes in is 0. `mirror`: half of them
    are mirrored left to right, which digits should not be. Pictures that are validated or tested stay as they are.

    On `cifar10_subset`, a fifth of CIFAR-10, a ResNet-18 trained so for hours of a GPU is expected at 80 to 90 %; a
    `small_cnn(width=8)` has 40 to 45 % after 400 steps of 32, which are too few for this part to matter.
    """

    def __init__(self, *, shift: Annotated[int, Ge(0), Le(64)] = 4, mirror: bool = True) -> None:
        self.shift, self.mirror = shift, mirror

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The batch with other pictures. Raises `UsageError` before the first step where it has no labels."""
        given = batch["given"]
        if given.ndim != 4 or batch["wanted"].ndim != 1:
            raise nb.UsageError("part augment needs labelled pictures: leave out the part, or train a classifier")
        if self.mirror:
            given = torch.where(torch.rand(len(given), 1, 1, 1, device=given.device) < 0.5, given.flip(-1), given)
        down, right = torch.randint(-self.shift, self.shift + 1, (2, len(given)), device=given.device)
        return {**batch, "given": moved(given, down, right)}
