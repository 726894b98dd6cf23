from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le, Lt
from noisebench.recipes.archs._enlarging import bicubic, scale_of
from noisebench.recipes.archs._inner_network import network_within
from noisebench.recipes.archs._mean_reverting import Draw, Sampler, faded, kept, sampled, spread
from torch import nn

_DETAIL = 0.02
"""Deviation of x_0 - mu, roughly, on the scale of pictures, for the Gaussian guess."""


@nb.arch("ediffsr", cite="Y. Xiao et al., EDiffSR, IEEE TGRS 62, 2024; Z. Luo et al., IR-SDE, ICML 2023")
class MeanReverting(nn.Module):
    """EDiffSR: a diffusion that reverts to the enlarged picture, whose network tells the sharp one, used in few steps.

    With mu the input, enlarged by cubic convolution where the output is larger, x_t = mu + (x_0 - mu) exp(-c) + s e,
    where c rises from 0 to -log(eps) and s² = noise² (1 - exp(-2c)). of: the network within, which is given x_t - mu,
    mu and two planes, exp(-c) and s over noise. noise: its deviation at the end, on the scale of pictures. eps: how
    much of x_0 - mu is left there. times: steps of equal length that time is cut into for the training. steps: of the
    posterior, where the network is used as it is: its draws are the same for all pictures of a size then;
    `ediffsr(method=…)` makes them for each picture, and takes other numbers of steps and samplers.

    Here x_0 is told, from which the noise follows, while the network of the authors tells the noise: mu at the end of
    time and x_t at its start, with the Gaussian guess of x_0 in between, to which the network adds its own (as in T.
    Karras et al., NeurIPS 2022). After a short training draws are grainy all the same. Trained with
    `objective=ediffsr`, for any regime, also one that keeps the size.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        of: Annotated[Any, nb.Nested("arch")] = "eanet",
        noise: Annotated[float, Gt(0), Le(10)] = 50 / 255,
        eps: Annotated[float, Gt(0), Lt(1)] = 0.005,
        times: Annotated[int, Ge(1), Le(10_000)] = 100,
        steps: Annotated[int, Ge(1), Le(10_000)] = 20,
    ) -> None:
        super().__init__()
        self.channels, self.scale = scale_of(given, wanted, "ediffsr")
        self.within = network_within(of, 2 * self.channels + 2, wanted)
        self.noise, self.eps, self.times, self.steps = noise, eps, times, steps

    def mean(self, degraded: Any) -> Any:
        """mu: the degraded picture, of the size that is wanted."""
        return bicubic(degraded, self.scale)

    def predict(self, x: Any, mean: Any, c: Any) -> Any:
        """The clean picture, of x at a place c: a tensor of no dimension, or (N, 1, 1, 1)."""
        planes = [value.to(x).expand_as(x[:, :1]) for value in (kept(c), spread(c))]
        output = self.within(torch.cat([x - mean, mean, *planes], dim=1))
        # What a residual network adds its output to is mu here.
        predicted = output[:, self.channels : 2 * self.channels] - mean
        deviation = self.noise * spread(c)
        total = (_DETAIL * kept(c)) ** 2 + deviation**2
        of_state, of_predicted = _DETAIL**2 * kept(c) / total, deviation / torch.sqrt(total)
        return mean + of_state.to(x) * (x - mean) + of_predicted.to(x) * predicted

    def restored(self, degraded: Any, steps: int, sampler: Sampler, draw: Draw) -> Any:
        """The clean picture after so many steps, evenly spaced in time, of a sampler, by these draws."""
        mean = self.mean(degraded)
        places = faded(torch.linspace(1, 0, steps + 1, dtype=torch.float64), self.eps)
        start = mean + self.noise * draw(mean)

        def predict(x: Any, c: Any) -> Any:
            return self.predict(x, mean, c)

        return sampled(predict, start, mean, places, self.noise, sampler, draw)

    def forward(self, x: Any) -> Any:
        generator = torch.Generator().manual_seed(0)

        def draw(like: Any) -> Any:
            return torch.randn(1, *like.shape[1:], generator=generator).to(like).expand_as(like)

        return self.restored(x, self.steps, "posterior", draw)
