from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le
from noisebench.recipes.archs._clips import (
    Hop,
    Size,
    Spectra,
    as_planes,
    as_spectra,
    peak,
    refuse_far_frames,
    refuse_other_shapes,
)
from noisebench.recipes.archs._inner_network import network_within
from noisebench.recipes.archs._ouve import Draw, Process, sampled
from torch import nn

_APART = 0.1
"""Deviation of x_0 - y, roughly, of compressed spectra, for the Gaussian guess."""


def _refuse_misfits(size: int, hop: int, least: float, most: float) -> None:
    refuse_far_frames(size, hop)
    if most <= least:
        raise nb.UsageError(f"arch sgmse: the noise grows: give most above least={least:g}, not {most:g}")


@nb.arch("sgmse", cite="J. Richter et al., SGMSE+, IEEE/ACM TASLP 31, 2023")
@nb.checked(_refuse_misfits)
class ScoreOfSpectra(nn.Module):
    """SGMSE+: the score of a diffusion of complex spectra from the clean to the noisy clip.

    of: the network within, which is given real and imaginary parts of x_t - y and y, and two planes of t. size, hop:
    of the spectra, in samples; the authors have 510 and 128 at 16 kHz. theta, least, most: how fast the clean spectrum
    goes to the noisy one, and the noise at the beginning and the end. steps, r: of the sampler where the network is
    used as it is, with one draw for all clips of a length; `sgmse(model=…)` draws for each clip, and takes others.

    The clip is divided by its peak before. The network tells x_0, from which the score follows, mixed with the Gaussian
    guess of x_0 as in `ediffsr`, where the authors' tells the score. Trained with `objective=sgmse`, whose loss is the
    authors'.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        of: Annotated[Any, nb.Nested("arch")] = "unet(width=16, depth=3)",
        size: Size = 254,
        hop: Hop = 64,
        theta: Annotated[float, Gt(0), Le(20)] = 1.5,
        least: Annotated[float, Gt(0), Le(10)] = 0.05,
        most: Annotated[float, Gt(0), Le(10)] = 0.5,
        steps: Annotated[int, Ge(1), Le(10_000)] = 5,
        r: Annotated[float, Ge(0), Le(2)] = 0.0,
    ) -> None:
        super().__init__()
        refuse_other_shapes(given, wanted, "sgmse")
        self.spectra, self.process = Spectra(size, hop), Process(theta, least, most)
        self.steps, self.r = steps, r
        self.within = network_within(of, 6, (1, self.spectra.bins, self.spectra.bins))

    def clean(self, x: Any, noisy: Any, t: Any) -> Any:
        """x_0 as it is told of x at t, which is float64 and fits (B, 1, 1, 1)."""
        kept, spread = self.process.kept(t), self.process.deviation(t)
        total = torch.sqrt((_APART * kept) ** 2 + spread**2)
        apart = x - noisy
        planes = [value.to(x.real).expand_as(x.real) for value in (t, torch.log(spread) / 3)]
        scaled = torch.cat([as_planes(apart / total.to(x.real)), as_planes(noisy) / _APART, *planes], dim=1)
        # What a residual network adds its output to is taken away again.
        predicted = as_spectra(self.within(scaled)[:, :2] - scaled[:, :2])
        of_state, of_predicted = _APART**2 * kept / total**2, _APART * spread / total
        return noisy + of_state.to(x.real) * apart + of_predicted.to(x.real) * predicted

    def score(self, x: Any, noisy: Any, t: Any) -> Any:
        """The score of x at t, float64: of complex values whose deviation is that of both parts together."""
        mean = noisy + self.process.kept(t).to(x.real) * (self.clean(x, noisy, t) - noisy)
        return (mean - x) / (self.process.deviation(t) ** 2).to(x.real)

    def guessed(self, t: Any) -> Any:
        """|score std + z|² of the Gaussian guess, where x_0 - y has the deviation that it supposes."""
        signal = (_APART * self.process.kept(t)) ** 2
        return signal / (signal + self.process.deviation(t) ** 2)

    def restored(self, clips: Any, steps: int, r: float, draw: Draw) -> Any:
        """(B, 1, N) → the same, in so many steps of predictor and corrector."""
        level = peak(clips)
        noisy = self.spectra.of(clips / level)

        def score(x: Any, t: Any) -> Any:
            return self.score(x, noisy, t.to(x.device).reshape(1, 1, 1, 1))

        return level * self.spectra.clips(sampled(score, noisy, self.process, steps, r, draw), clips.shape[-1])

    def forward(self, x: Any) -> Any:
        generator = torch.Generator().manual_seed(0)

        def draw(like: Any) -> Any:
            return (
                torch.randn(1, *like.shape[1:], dtype=like.dtype, generator=generator).to(like.device).expand_as(like)
            )

        return self.restored(x, self.steps, self.r, draw)
