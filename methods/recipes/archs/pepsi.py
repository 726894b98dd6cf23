from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import noisebench as nb
from noisebench.recipes.archs._inner_network import channels_kept
from noisebench.recipes.archs._inpainting import REDUCED, Attention, Decoder, Encoder, apart, start
from noisebench.recipes.archs._pictures import Width, padded
from torch import nn


@nb.arch("pepsi", cite="Y.-G. Shin et al., PEPSI++: fast and lightweight network for image inpainting, TNNLS 2021")
class Pepsi(nn.Module):
    """PEPSI: one encoder and one decoder, for a coarse path in training alone and for a path with attention.

    Features, an eighth as fine as the picture, are decoded as they are (coarse path), and as contextual attention fills
    them from known patches (inpainting path): so the encoder learns what attention can compare. In use the coarse path
    is not run. width: channels at full size; features have eight times as many. diet: Diet-PEPSI, whose four dilated
    convolutions share one kernel, each with a scale and a shift a channel. Use it as `inpainter(arch=pepsi)`.
    """

    def __init__(self, given: Sequence[int], wanted: Sequence[int], *, width: Width = 16, diet: bool = False) -> None:
        super().__init__()
        self.channels = channels_kept(given, wanted, "pepsi")
        self.encoder = Encoder(self.channels, width, shared=diet)
        self.attention = Attention(8 * width)
        self.decoder = Decoder(self.channels, width)
        start(self)

    def stages(self, x: Any) -> tuple[Any, Any]:
        """What the inpainting path gives of a picture and its mask, and what the coarse path does."""
        features, known, size = self._encoded(x)
        return tuple(self.decoder(one)[size] for one in (self.attention(features, known), features))

    def forward(self, x: Any) -> Any:
        features, known, size = self._encoded(x)
        return self.decoder(self.attention(features, known))[size]

    def _encoded(self, x: Any) -> tuple[Any, Any, Any]:
        """Features, the mask, and the part of what is decoded that the picture had before it was padded."""
        size = (..., slice(x.shape[-2]), slice(x.shape[-1]))
        picture, known = apart(padded(x, REDUCED), self.channels, "pepsi")
        return self.encoder(picture, known), known, size
