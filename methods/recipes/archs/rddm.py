from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.recipes.archs._inner_network import channels_kept, network_within
from noisebench.recipes.archs._residual_diffusion import Level, level_of, sampled
from torch import nn


@nb.arch("rddm", cite="J. Liu et al., Residual denoising diffusion models, CVPR 2024")
class ResidualDiffusion(nn.Module):
    """RDDM: a network that tells residual and noise of a picture on its way from degraded to clean, used in few steps.

    of: the network within, which is given the picture on its way, the degraded one and two planes of its level, A and
    B. noise: deviation of the normal noise that is added to the degraded picture, on the scale of pictures (0.05; the
    authors have 0.1 on one twice as wide). steps: deterministic ones, where the network is used as it is: its noise is
    the same for all pictures of a size then; `rddm(method=…)` draws it for each and takes other numbers of steps.
    predicts: residual and noise, each learned, or the residual alone, from which the noise follows: x is a sum of both
    and the degraded picture. Trained with `objective=rddm`.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        of: Annotated[Any, nb.Nested("arch")] = "unet",
        noise: Annotated[float, Ge(0), Le(10)] = 0.05,
        steps: Annotated[int, Ge(1), Le(10_000)] = 5,
        predicts: Annotated[Literal["both", "residual"], nb.Later()] = "both",
    ) -> None:
        super().__init__()
        self.channels = channels_kept(given, wanted, "rddm")
        self.within = network_within(of, 2 * self.channels + 2, given)
        self.noise, self.steps, self.predicts = noise, steps, predicts

    def predict(self, x: Any, degraded: Any, level: tuple[Any, Any]) -> tuple[Any, Any]:
        """Residual and noise of `x` at a level: numbers, or tensors (N, 1, 1, 1)."""
        planes = [torch.as_tensor(value, dtype=x.dtype, device=x.device).expand_as(x[:, :1]) for value in level]
        output = self.within(torch.cat([x, degraded, *planes], dim=1))
        residual = degraded - output[:, : self.channels]
        if self.predicts == "residual" and self.noise:
            return residual, (x - degraded + (1 - level[0]) * residual) / level[1]
        return residual, output[:, self.channels : 2 * self.channels] - degraded

    def restored(self, degraded: Any, noise: Any, steps: int) -> Any:
        """The clean picture after so many steps, from the degraded one with this normal noise of deviation 1."""

        def predict(x: Any, level: Level) -> tuple[Any, Any]:
            return self.predict(x, degraded, level)

        levels = [level_of(1 - step / steps, self.noise) for step in range(steps + 1)]
        return sampled(predict, degraded + self.noise * noise, levels)

    def forward(self, x: Any) -> Any:
        draws = torch.Generator().manual_seed(0)
        noise = torch.randn(1, *x.shape[1:], generator=draws).to(x).expand_as(x)
        return self.restored(x, noise, self.steps)
