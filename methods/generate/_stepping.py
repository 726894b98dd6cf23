"""What samplers share: their noise levels, the model that they call, and where they begin."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Gt, Le
from noisebench.tracks.generate import Denoiser

Schedule = Literal["karras", "log_uniform", "cosine", "linear", "flow"]
Steps = Annotated[int, Ge(1), Le(100_000)]
Level = Annotated[float, Gt(0), Le(1e6)]
Denoised = Callable[[Any, float], Any]
"""The mean of the picture given x (N, C, H, W), and the deviation of the noise in it."""

_RHO = 7.0
_SLOW, _FAST = 0.1, 20.0
"""Rates at which DDPM adds noise, at its beginning and its end, in continuous time on [0, 1]."""

_PLACE: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "karras": (lambda sigma: sigma ** (1 / _RHO), lambda place: place**_RHO),
    "log_uniform": (math.log, math.exp),
    "cosine": (math.atan, math.tan),
    "linear": (
        lambda sigma: (math.sqrt(_SLOW**2 + 2 * (_FAST - _SLOW) * math.log1p(sigma**2)) - _SLOW) / (_FAST - _SLOW),
        lambda time: math.sqrt(math.expm1(_SLOW * time + (_FAST - _SLOW) / 2 * time**2)),
    ),
    "flow": (lambda sigma: sigma / (1 + sigma), lambda time: time / (1 - time)),
}
"""Of each schedule the place of a level, in which its levels are evenly spaced, and back."""


def falling(least: float, most: float) -> None:
    """Raise `UsageError` for levels that do not fall."""
    if least >= most:
        raise nb.UsageError(f"least={least:g} is not below most={most:g}: give less for least")


def levels(schedule: Schedule, steps: int, least: float, most: float) -> list[float]:
    """`steps` levels from `most` down to `least`, and 0 behind them. Raises `UsageError` where they do not fall.

    `karras`: evenly in the seventh root (Karras et al., NeurIPS 2022). `log_uniform`: in the logarithm. `cosine` and
    `linear`: in the time of the diffusions of Nichol & Dhariwal (ICML 2021) and Ho et al. (NeurIPS 2020). `flow`: in
    the time t of (1 - t) picture + t noise.
    """
    falling(least, most)
    place, back = _PLACE[schedule]
    first, last = place(most), place(least)
    if steps == 1:
        return [most, 0.0]
    inner = [back(first + (last - first) * step / (steps - 1)) for step in range(1, steps - 1)]
    return [most, *inner, least, 0.0]


class Stepping:
    """A sampler that goes down noise levels and calls a model at each; a subclass adds `walk` and its parameters.

    A sample at a level is a picture plus normal noise of that deviation (variance exploding): so DDPM's, with its
    picture and noise scaled to the variance 1, is this one over √(1 + σ²), and a flow's this one over 1 + σ.
    """

    def __init__(
        self,
        *,
        model: nb.MethodSpec,
        steps: Steps = 20,
        schedule: Schedule = "karras",
        least: Level = 0.002,
        most: Level = 80.0,
    ) -> None:
        self.model = Denoiser(model)
        self.levels = levels(schedule, steps, least, most)

    def setup(self, device: Any) -> None:
        """Set up the model. Raises `Skip` where its weights are missing."""
        self.model.setup(device)

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → samples, in float64 between the calls of the model."""
        import torch

        labels = None if info.labels is None else torch.from_numpy(info.labels).to(latents.device)

        def denoised(x: Any, sigma: float) -> Any:
            return self.model(x, sigma, labels)

        with torch.no_grad():
            return self.walk(denoised, self.levels[0] * latents.double(), info).float()

    def walk(self, denoised: Denoised, x: Any, info: Any) -> Any:
        """From `x` at the first of `self.levels` to the last."""
        raise NotImplementedError


def slope(x: Any, clean: Any, sigma: float) -> Any:
    """dx/dσ of the probability flow: (x - picture) / σ."""
    return (x - clean) / sigma


def normal(like: Any, info: Any) -> Any:
    """New standard normal values of that shape, by the input alone; in float64, whatever the device."""
    import torch

    return torch.from_numpy(info.rng.standard_normal(tuple(like.shape))).to(like)


def noised_step(x: Any, clean: Any, sigma: float, lower: float, spread: float, info: Any) -> Any:
    """x at a lower level: its picture, what is left of its noise, and new noise of deviation `spread`."""
    kept = math.sqrt(max(lower**2 - spread**2, 0.0))
    mean = clean + kept * slope(x, clean, sigma)
    return mean + spread * normal(x, info) if spread else mean
