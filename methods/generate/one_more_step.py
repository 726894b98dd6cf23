from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.generate._base_sampler import base_sampler, sampled_from
from noisebench.methods.generate._stepping import normal
from noisebench.tracks.generate import Denoiser

_PURE = 1e4
"""The deviation of noise in which nothing of a picture is left."""


@nb.method(
    "one_more_step", track="generate", cite="M. Hu et al., One more step: a versatile plug-and-play module for "
    "rectifying diffusion schedule flaws and enhancing low-frequency controls, CVPR 2024"
)  # fmt: skip
class OneMoreStep:
    """One More Step: a step from pure noise to where a sampler begins, whose latents have no trace of a picture else.

    At its first level a sampler expects a picture with noise, and is given noise alone: large pictures come out with
    too much the same brightness. base: the sampler with its model, such as `ddim(model=…, most=14.6)`. first: what sees
    a picture in pure noise, to which new noise of the first level is added: a model, asked once, which gives the mean
    of all pictures, or of a class where one is asked for, such as one that is trained by
    `v_between(least=10000, most=10000)`; or a sampler, whose pictures differ. New noise is drawn by the input alone.
    """

    def __init__(self, *, base: nb.MethodSpec, first: nb.MethodSpec) -> None:
        self.base = base_sampler("one_more_step", base)
        self.draws = hasattr(first.entry.obj, "sample")
        self.first: Any = first.entry.obj(**first.kwargs) if self.draws else Denoiser(first)

    def setup(self, device: Any) -> None:
        """Set up both. Raises `Skip` where weights are missing."""
        self.base.setup(device)
        self.first.setup(device)

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → samples."""
        import torch

        if self.draws:
            seen = self.first.sample(latents, info.stream(1))
        else:
            with torch.no_grad():
                seen = self.first(_PURE * latents, _PURE, info.labels)
        return sampled_from(self.base, seen.double() + self.base.levels[0] * normal(latents.double(), info), info)
