"""What methods share that move the noise before a sampler begins, and the step down and back that they learn from."""

from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.generate._inner_sampler import sampler_within
from noisebench.methods.generate._stepping import Stepping, slope
from noisebench.methods.generate.guided import Guided
from noisebench.tracks.generate import Denoiser


class Moving:
    """A sampler that begins at other noise than it is given; a subclass adds `moved`."""

    def __init__(self, sampler: nb.Bound) -> None:
        self.inner = sampler_within(sampler)

    def setup(self, device: Any) -> None:
        """Set up the sampler. Raises `Skip` where weights are missing."""
        self.inner.setup(device)

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → samples."""
        return self.inner.call(self.moved(latents, info), info.replace(normal=False))

    def moved(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → those that the sampler begins at, float32."""
        raise NotImplementedError


def two_levels(stepping: Stepping, name: str) -> tuple[float, float]:
    """The first two levels of a sampler. Raises `UsageError` where it has one."""
    if len(stepping.levels) < 3:
        raise nb.UsageError(f"{name} goes a step down and back: give its sampler two steps or more")
    return stepping.levels[0], stepping.levels[1]


def unguided(model: Denoiser) -> Denoiser:
    """The model within `guided`, or itself."""
    return unguided(model.instance.model) if isinstance(model.instance, Guided) else model


def down_and_back(
    model: Denoiser, latents: Any, labels: Any, between: tuple[float, float], down: float, back: float
) -> Any:
    """Latents (N, C, H, W) one step of DDIM down with guidance `down`, and back up with `back`: latents, float64.

    Where both are alike it is nearly the same noise. Else it is pushed along the picture of the class less that of
    none, as seen in it, by (down - back) (1/σ' - 1/σ) of the two levels σ > σ'.
    """
    import torch

    high, low = between
    with torch.no_grad():
        x = high * latents.double()
        x = x + (low - high) * slope(x, _guided(model, x, high, labels, down), high)
        x = x + (high - low) * slope(x, _guided(model, x, low, labels, back), low)
    return x / high


def _guided(model: Denoiser, x: Any, sigma: float, labels: Any, weight: float) -> Any:
    if weight == 1:
        return model(x, sigma, labels)
    without = model(x, sigma, None)
    return without if weight == 0 else without + weight * (model(x, sigma, labels) - without)
