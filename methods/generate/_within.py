"""A sampler within another method: set up, asked, and its model and levels where it has these."""

from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.generate._stepping import Stepping


class Within:
    """The sampler of a spec, ready to be set up. Raises `UsageError` for a model, which makes no samples."""

    def __init__(self, bound: nb.Bound) -> None:
        self.bound, made = bound, bound.entry.obj
        for entry in bound.entries:
            if entry.meta.get("oracle"):
                raise nb.UsageError(f"{bound.display} looks at the reference, or its law: no method can be made of it")
        self.instance: Any = made(**bound.kwargs) if isinstance(made, type) else None
        if self.instance is not None and not hasattr(self.instance, "sample"):
            raise nb.UsageError(f"{bound.display} is a model and no sampler: name one, such as euler(model=…)")

    def setup(self, device: Any) -> None:
        """Load weights and the like. Raises `Skip` where they are missing."""
        if hasattr(self.instance, "setup"):
            self.instance.setup(device)

    def stepping(self, why: str) -> Stepping:
        """The sampler as one that goes down levels of noise. Raises `UsageError` for another, with `why` it must."""
        if not isinstance(self.instance, Stepping):
            raise nb.UsageError(
                f"{self.bound.display} goes down no levels of noise, by which {why}: name euler(model=…)"
            )
        return self.instance

    def __call__(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → samples, or what else it makes of them."""
        made = self.instance.sample if self.instance is not None else self.bound.entry.obj
        return made(latents, info) if self.instance is not None else made(latents, info, **self.bound.kwargs)
