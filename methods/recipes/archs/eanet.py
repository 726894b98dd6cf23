from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.recipes.archs._pictures import Width
from noisebench.recipes.archs.nafnet import NAFNet
from torch import nn


class _Enriched(nn.Conv2d):
    """A first convolution and CPEM: two more, weighted by attention over channels, are added to its features."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, width, 3, padding=1)
        narrow = max(width // 16, 4)
        self.space = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )
        self.attend = nn.Sequential(nn.Conv2d(width, narrow, 1), nn.ReLU(), nn.Conv2d(narrow, width, 1), nn.Sigmoid())

    def forward(self, input: Any) -> Any:
        x = super().forward(input)
        y = self.space(x)
        return x + y * self.attend(y.mean(dim=(2, 3), keepdim=True))


def _refuse_no_middle(blocks: Sequence[int]) -> None:
    if not blocks:
        raise nb.UsageError("arch eanet: blocks=() has no number for the middle: give one at least, such as (2, 1, 1)")


@nb.arch("eanet", cite="Y. Xiao et al., EDiffSR, IEEE TGRS 62, 2024")
@nb.checked(_refuse_no_middle)
class EANet(NAFNet):
    """EANet: gates in place of activations, attention over channels, and a branch that enriches what is conditioned on.

    The network of EDiffSR: blocks as those of NAFNet, whose gates are products of two halves and whose attention is a
    pooled 1x1 convolution, behind the branch CPEM, which stands where the first features of state and condition are
    joined, as in the public code. width: channels of the finest level; each next one has twice as many. blocks: of
    each encoder level, then of the middle; the decoder has one a level. The authors have 64 and (14, 1, 1, 1, 1), and
    tell each block its time; here the time is a plane of the input. Sides may be of any length.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        width: Width = 16,
        blocks: tuple[Annotated[int, Ge(1), Le(64)], ...] = (2, 1, 1),
    ) -> None:
        super().__init__(given, wanted, width=width, blocks=blocks)
        self.intro = _Enriched(given[0], width)
