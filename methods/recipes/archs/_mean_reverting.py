"""A diffusion that reverts to a mean: from the clean picture to the degraded one with noise, and back in steps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, Literal

import torch

Sampler = Literal["posterior", "mean", "euler"]
Draw = Callable[[Any], Any]
"""A picture → normal noise of deviation 1 and its shape."""


def faded(time: Any, eps: float) -> Any:
    """c, by which the difference to the mean has faded to exp(-c), at a time from 0, nothing, to 1, exp(-c) = eps.

    time: float64 tensor. The speed of fading follows sin²(π t / 2), the cosine schedule with steps of no length.
    """
    return -math.log(eps) * (time - torch.sin(math.pi * time) / math.pi)


def kept(c: Any) -> Any:
    """The share of the difference between the clean picture and the mean that is left."""
    return torch.exp(-c)


def spread(c: Any) -> Any:
    """The deviation of the noise that has come, over that at the end of time."""
    return torch.sqrt(-torch.expm1(-2 * c))


def posterior_mean(x: Any, clean: Any, mean: Any, now: Any, then: Any) -> Any:
    """What is expected at c = `then`, earlier than `now`, of x at `now` and the clean picture: Gaussians multiplied."""
    between = now - then
    of_state = kept(between) * (spread(then) / spread(now)) ** 2
    of_clean = kept(then) * (spread(between) / spread(now)) ** 2
    return mean + _like(of_state, x) * (x - mean) + _like(of_clean, x) * (clean - mean)


def posterior_spread(now: Any, then: Any) -> Any:
    """The deviation about that mean, over that of the noise at the end of time; 0 where `then` is."""
    return spread(then) * spread(now - then) / spread(now)


def euler_mean(x: Any, clean: Any, mean: Any, now: Any, then: Any) -> Any:
    """One step of Euler back in time by the score of x that belongs to this clean picture, without its noise."""
    between = now - then
    of_noise = 2 * between / spread(now) ** 2  # times the noise in x, which is what follows in brackets
    noise = x - mean - _like(kept(now), x) * (clean - mean)
    return x + _like(between, x) * (x - mean) - _like(of_noise, x) * noise


def sampled(
    predict: Callable[[Any, Any], Any], start: Any, mean: Any, places: Any, noise: float, sampler: Sampler, draw: Draw
) -> Any:
    """What becomes of `start`, which is at the first of the places c, at the last of them.

    predict: x and its place → the clean picture. `posterior` draws each step from Gaussians that belong to it, `mean`
    takes their means, `euler` is the method of Euler and Maruyama, whose last step adds noise too.
    """
    x = start
    for now, then in itertools.pairwise(places):
        clean = predict(x, now)
        if sampler == "euler":
            x = euler_mean(x, clean, mean, now, then) + noise * math.sqrt(2 * float(now - then)) * draw(x)
            continue
        x = posterior_mean(x, clean, mean, now, then)
        width = noise * float(posterior_spread(now, then))
        if sampler == "posterior" and width:
            x = x + width * draw(x)
    return x


def _like(factor: Any, x: Any) -> Any:
    return factor.to(x) if factor.ndim else float(factor)
