"""The sampler inside another method, and whether it goes down noise levels."""

from __future__ import annotations

import noisebench as nb
from noisebench.methods.generate._stepping import Stepping
from noisebench.tracks.generate import Sampler


def sampler_within(bound: nb.Bound) -> Sampler:
    """The sampler of a spec, to be set up and called. Raises `UsageError` for a model, and what sees a reference."""
    if any(entry.meta.get("oracle") for entry in bound.entries):
        raise nb.UsageError(
            f"{bound.display} knows the reference or its law, so that no method may use it: give another sampler"
        )
    if isinstance(bound.entry.obj, type) and not hasattr(bound.entry.obj, "sample"):
        raise nb.UsageError(f"{bound.display} is a model, not a sampler: give one, such as euler(model=…)")
    return Sampler(bound)


def stepping_of(sampler: Sampler, why: str) -> Stepping:
    """The sampler as one that goes down levels of noise. Raises `UsageError` for another, with `why` it must."""
    if not isinstance(sampler.instance, Stepping):
        raise nb.UsageError(
            f"{sampler.bound.display} goes down no levels of noise, by which {why}: name euler(model=…)"
        )
    return sampler.instance
