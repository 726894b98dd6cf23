"""A way from a picture to noise in 1000 levels (DDPM), and steps back along it without noise of their own (DDIM)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

LEVELS = 1000
"""Level 0 is the picture as it is, the last one noise but for a share of 0.005 %."""
SPREAD = 0.25
"""What a picture on [-1, 1] is supposed to deviate by from what the degraded one says of it."""
GRAIN = 0.05
"""What it is supposed to deviate by, pixel by pixel, from what a network makes of it and of x."""
Draw = Callable[[Any], Any]
"""A tensor → normal noise of its shape, kind and device."""


def _kept() -> torch.Tensor:
    """The share of the picture's power at each level, 1 at level 0: a cosine, with many levels of little noise.

    Of A. Nichol and P. Dhariwal (Improved denoising diffusion probabilistic models, ICML 2021), with their offset 0.008
    and their largest loss of a level, 0.999.
    """
    place = torch.linspace(0, 1, LEVELS + 1, dtype=torch.float64)
    wave = ((place + 0.008) / 1.008 * math.pi / 2).cos().square()
    ratios = (wave[1:] / wave[:-1]).clamp(min=0.001)
    return torch.cat([torch.ones(1, dtype=torch.float64), ratios.cumprod(0)])


_KEPT = _kept()


def shares(level: Any, like: Any) -> tuple[Any, Any]:
    """How much of the picture and of normal noise is in x at a level, a whole number or a tensor of them.

    The squares of the two add up to 1. They have the kind and device of `like`.
    """
    kept = _KEPT.to(torch.as_tensor(level).device)[level]
    return kept.sqrt().to(like), (1 - kept).sqrt().to(like)


def reading(level: Any, like: Any) -> tuple[Any, Any]:
    """How much of x, and how much of what a network makes, is the picture that is seen in x.

    It is the mean, given x, of pictures that deviate from the network's by `GRAIN`: without noise that is x itself, in
    noise alone all is the network's. Neither is above 1, and the network has nowhere to make its input larger. In the
    usual reading, of T. Karras et al. and of networks that tell the noise, its part is over the noise's deviation: a
    small network then leaves nearly all of a little noise where it is, and many steps end in grain.
    """
    share, spread = shares(level, like)
    of_x = GRAIN**2 * share
    whole = spread**2 + of_x * share
    return of_x / whole, spread**2 / whole


def reach(level: Any, like: Any) -> Any:
    """How far the picture that is seen in x can be off: its error at a level is of that size, with `SPREAD`.

    It is that of T. Karras et al. (Elucidating the design space of diffusion-based generative models, NeurIPS 2022).
    """
    share, spread = shares(level, like)
    return SPREAD * spread / (spread**2 + (SPREAD * share) ** 2) ** 0.5


def noised(picture: Any, noise: Any, level: Any) -> Any:
    """The picture, on [-1, 1], with the noise of a level."""
    share, spread = shares(level, picture)
    return share * picture + spread * noise


def spaced(steps: int) -> list[int]:
    """The levels of so many steps, evenly spaced from the last one to 0."""
    return [round(LEVELS * (steps - step) / steps) for step in range(steps + 1)]


def step_down(x: Any, clean: Any, level: Any, lower: Any) -> Any:
    """x at a lower level, by the picture that is supposed to be in it: the step of DDIM. Level 0 has none below."""
    share, spread = shares(level, x)
    return noised(clean, (x - share * clean) / spread, lower)


def ddim(clean_in: Callable[[Any, int], Any], x: Any, levels: Sequence[int]) -> Any:
    """What is left of `x`, which is at the first level, at the last. `clean_in` sees the picture in x at a level."""
    for level, lower in itertools.pairwise(levels):
        x = step_down(x, clean_in(x, level), level, lower)
    return x


def drawn_alike(x: Any) -> Any:
    """Noise that is the same for all pictures of a size."""
    draws = torch.Generator().manual_seed(0)
    return torch.randn(1, *x.shape[1:], generator=draws).to(x).expand_as(x)
