from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import noisebench as nb
import torch
from noisebench.recipes.archs._inner_network import channels_kept
from noisebench.recipes.archs._inpainting import REDUCED, Attention, Decoder, Encoder, apart, start
from noisebench.recipes.archs._pictures import Width, padded
from torch import nn


@nb.arch("two_stage", cite="J. Yu et al., Generative image inpainting with contextual attention, CVPR 2018")
class TwoStage(nn.Module):
    """Two stages: one network fills in coarsely, a second one with attention is given what it made.

    Each has an encoder and a decoder of its own, of the blocks that `pepsi` has once. width: channels at full size;
    features have eight times as many. Use it as `inpainter(arch=two_stage)`.
    """

    def __init__(self, given: Sequence[int], wanted: Sequence[int], *, width: Width = 16) -> None:
        super().__init__()
        self.channels = channels_kept(given, wanted, "two_stage")
        self.encoders = nn.ModuleList(Encoder(self.channels, width) for _ in range(2))
        self.decoders = nn.ModuleList(Decoder(self.channels, width) for _ in range(2))
        self.attention = Attention(8 * width)
        start(self)

    def stages(self, x: Any) -> tuple[Any, Any]:
        """What the second stage gives of a picture and its mask, and what the first one does."""
        picture, known = apart(padded(x, REDUCED), self.channels, "two_stage")
        coarse = self.decoders[0](self.encoders[0](picture, known))
        filled = torch.where(known > 0, picture, coarse)
        fine = self.decoders[1](self.attention(self.encoders[1](filled, known), known))
        size = (..., slice(x.shape[-2]), slice(x.shape[-1]))
        return fine[size], coarse[size]

    def forward(self, x: Any) -> Any:
        return self.stages(x)[0]
