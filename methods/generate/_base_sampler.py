"""What methods share that reach a noise level by themselves, and go on from there with a base sampler."""

from __future__ import annotations

from typing import Any

import noisebench as nb


def base_sampler(name: str, base: nb.Bound) -> Any:
    """The instance of a sampler with `levels` and `sample`. Raises `UsageError` for another method; `name` needs it."""
    sampler = base.entry.obj(**base.kwargs) if isinstance(base.entry.obj, type) else None
    if not (hasattr(sampler, "levels") and hasattr(sampler, "sample")):
        raise nb.UsageError(f"{name} needs a base that goes down levels of noise: give one such as base=heun(model=…)")
    return sampler


def sampled_from(base: Any, x: Any, info: Any) -> Any:
    """The samples that `base` makes of `x` (N, C, H, W), float64, at the first of its levels."""
    return base.sample(x / base.levels[0], info)
