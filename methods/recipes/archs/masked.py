from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le, Lt
from noisebench.recipes.archs._inner_network import channels_kept, network_within
from torch import nn


@nb.arch("masked", cite="Unsupervised real-world denoising: sparsity is all you need, arXiv 2503.21377")
class Masked(nn.Module):
    """Masked: a network that never sees all pixels; in training one mask a picture, in use the mean over several.

    of: the network within, which is given the picture, 0 where it is hidden, and as a last channel which pixels are
    shown. share: of the pixels that are hidden, each drawn by itself and in all channels. averaged: masks in use, over
    which the mean is taken; they are the same for all pictures of a size, so one picture always gives one result. What
    is shown is too little to tell one kind of noise from another, so less of the kind that was trained on is learned.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        of: Annotated[Any, nb.Nested("arch")] = "unet",
        share: Annotated[float, Gt(0), Lt(1)] = 0.5,
        averaged: Annotated[int, Ge(1), Le(1024)] = 16,
    ) -> None:
        super().__init__()
        self.out = channels_kept(given, wanted, "masked")
        self.within = network_within(of, self.out + 1, given)
        self.share, self.averaged = share, averaged

    def forward(self, x: Any) -> Any:
        if self.training:
            return self._of(x, torch.rand(len(x), 1, *x.shape[2:], device=x.device) >= self.share)
        draws = torch.Generator().manual_seed(0)
        shown = (torch.rand(1, 1, *x.shape[2:], generator=draws) >= self.share for _ in range(self.averaged))
        return torch.stack([self._of(x, one.to(x.device)) for one in shown]).mean(dim=0)

    def _of(self, x: Any, shown: Any) -> Any:
        mask = shown.to(x.dtype).expand(len(x), -1, -1, -1)
        return self.within(torch.cat([x * mask, mask], dim=1))[:, : self.out]
