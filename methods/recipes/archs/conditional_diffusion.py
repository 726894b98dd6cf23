from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.recipes.archs._diffusion import LEVELS, Draw, ddim, drawn_alike, reading, shares, spaced
from noisebench.recipes.archs._inner_network import channels_kept, network_within
from torch import nn


@nb.arch(
    "conditional_diffusion",
    cite="J. Ho, A. Jain, P. Abbeel, Denoising diffusion probabilistic models, NeurIPS 2020; C. Saharia et al., "
    "Palette: image-to-image diffusion models, SIGGRAPH 2022; J. Song, C. Meng, S. Ermon, Denoising diffusion implicit "
    "models, ICLR 2021",
)
class ConditionalDiffusion(nn.Module):
    """A diffusion from noise to the clean picture, told the degraded one: DDPM's levels, used in the steps of DDIM.

    of: the network within, which is given x, the degraded picture and two planes of the level, and makes the clean one;
    the less noise there is, the more of x itself is taken. steps: deterministic ones, where the network is used as it
    is: its noise is the same for all pictures of a size then; `ddim(method=…)` draws it for each and takes other
    numbers of steps. Trained with `objective=ddpm`. The degraded picture may be anything of the same size and channels:
    noisy, with holes, or from a radar.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        of: Annotated[Any, nb.Nested("arch")] = "unet",
        steps: Annotated[int, Ge(1), Le(LEVELS)] = 50,
    ) -> None:
        super().__init__()
        self.channels = channels_kept(given, wanted, "conditional_diffusion")
        self.within = network_within(of, 2 * self.channels + 2, given)
        self.steps = steps

    def clean_in(self, x: Any, degraded: Any, level: Any) -> Any:
        """The picture that it sees in x, both on [-1, 1], at a level: a whole number, or a tensor (N, 1, 1, 1)."""
        planes = [value.expand_as(x[:, :1]) for value in shares(level, x)]
        output = self.within(torch.cat([x, 2 * degraded - 1, *planes], dim=1))
        # A residual network has added to its input, which is noise here: that is taken away again.
        clean = output[:, : self.channels] - x
        kept, taken = reading(level, x)
        return kept * x + taken * clean

    def restored(self, degraded: Any, steps: int, draw: Draw) -> Any:
        """The clean picture on [0, 1] after so many network calls, from noise that `draw` gives once."""
        x = ddim(lambda x, level: self.clean_in(x, degraded, level), draw(degraded), spaced(steps))
        return (x + 1) / 2

    def forward(self, x: Any) -> Any:
        return self.restored(x, self.steps, drawn_alike)
