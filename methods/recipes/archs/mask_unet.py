from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from noisebench.recipes.archs._clips import Hop, Size, Spectra, as_planes, peak, refuse_far_frames, refuse_other_shapes
from noisebench.recipes.archs._inner_network import network_within
from torch import nn


@nb.arch("mask_unet", cite="K. Tan, D. Wang, 2018; Y. Wang, A. Narayanan, D. Wang, IEEE/ACM TASLP 22, 2014")
@nb.checked(refuse_far_frames)
class MaskUNet(nn.Module):
    """A network that weighs the spectrum of a noisy clip by a mask on [0, 1] and keeps its phase.

    of: the network within, which is given real and imaginary part of the compressed spectrum and its magnitude, and
    tells the mask before a sigmoid. size, hop: of the spectra, in samples. The clip is divided by its peak before, and
    multiplied by it after. Trained with `objective=supervised`.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        of: Annotated[Any, nb.Nested("arch")] = "unet(width=16, depth=3)",
        size: Size = 254,
        hop: Hop = 64,
    ) -> None:
        super().__init__()
        refuse_other_shapes(given, wanted, "mask_unet")
        self.spectra = Spectra(size, hop)
        self.within = network_within(of, 3, (1, self.spectra.bins, self.spectra.bins))

    def forward(self, x: Any) -> Any:
        level = peak(x)
        noisy = self.spectra.of(x / level)
        planes = torch.cat([as_planes(noisy), noisy.abs()], dim=1) / self.spectra.amplitude
        # What a residual network adds its output to is taken away again; a mask begins near 0.9.
        logits = self.within(planes)[:, 2:] - planes[:, 2:]
        # Compressed values are roots: the root of a mask is on [0, 1] too.
        return level * self.spectra.clips(torch.sigmoid(logits + 2) * noisy, x.shape[-1])
