from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Gt, Le
from noisebench.recipes.archs._inner_network import channels_kept, network_within
from torch import nn

_MIDDLE, _SPREAD = 0.5, 0.25
"""Mean and deviation of the values of pictures."""


@nb.arch(
    "edm", cite="T. Karras et al., Elucidating the design space of diffusion-based generative models, NeurIPS 2022"
)
class Preconditioned(nn.Module):
    """EDM: a network that is told the strength of the noise, scaled so that all strengths are alike to it.

    of: the network within, which is given the noisy picture scaled to the variance 1, and a plane of the logarithm of
    the strength. What is denoised is a share of the noisy picture, the Wiener filter's for values without any
    structure, plus what the network makes, scaled: little where there is little noise. level: of the noise (of 255)
    that is supposed where the network is used as it is; `edm(method=…)` tells it. Trained with `objective=edm`.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        of: Annotated[Any, nb.Nested("arch")] = "unet",
        level: Annotated[float, Gt(0), Le(20_000)] = 25.0,
    ) -> None:
        super().__init__()
        self.channels = channels_kept(given, wanted, "edm")
        self.within = network_within(of, self.channels + 1, given)
        self.level = level

    def denoised(self, x: Any, sigma: Any) -> Any:
        """`x` (N, C, H, W) without noise of the deviation `sigma`, a number or (N, 1, 1, 1), on the scale of `x`."""
        sigma = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
        total = (sigma**2 + _SPREAD**2).sqrt()
        scaled = (x - _MIDDLE) / total
        planes = (sigma.log() / 4).expand(len(x), 1, *x.shape[2:])
        # What a network gives that adds its output to its input is that output alone.
        output = self.within(torch.cat([scaled, planes], dim=1))[:, : self.channels] - scaled
        return _MIDDLE + (_SPREAD / total) ** 2 * (x - _MIDDLE) + scale_of(sigma) * output

    def forward(self, x: Any) -> Any:
        return self.denoised(x, self.level / 255)


def scale_of(sigma: Any) -> Any:
    """By how much the network's part is scaled; the error of a denoised picture over this is alike at all strengths."""
    return sigma * _SPREAD / (sigma**2 + _SPREAD**2) ** 0.5
