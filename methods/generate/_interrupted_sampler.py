"""A sampler that is stopped at one call of its model, to see what the model is given and answers."""

from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.generate._inner_sampler import sampler_within, stepping_of


class _CallReached(Exception):
    """Raised at the call that is asked for, with what was seen there."""

    def __init__(self, given: Any, clean: Any, sigma: float) -> None:
        super().__init__()
        self.seen = given, clean, sigma


class InterruptedSampler:
    """A sampler that is stopped at one call of its model; a subclass adds `sample`, which uses what is `seen`."""

    def __init__(self, sampler: nb.Bound, call: int, why: str) -> None:
        self.inner, self.call = sampler_within(sampler), call
        self.stepping = stepping_of(self.inner, why)

    def setup(self, device: Any) -> None:
        """Set up the sampler. Raises `Skip` where weights are missing."""
        self.inner.setup(device)

    def seen(self, latents: Any, info: Any) -> tuple[Any, Any, float]:
        """x (N, C, H, W), the model's picture in it, and σ. Raises `UsageError` where there are fewer calls."""
        model, calls = self.stepping.model, 0

        def ask(x: Any, sigma: Any, labels: Any) -> Any:
            nonlocal calls
            calls += 1
            clean = model(x, sigma, labels)
            if calls == self.call:
                raise _CallReached(x, clean, sigma)
            return clean

        self.stepping.model = ask  # type: ignore[assignment]
        try:
            self.inner.call(latents, info)
        except _CallReached as reached:
            return reached.seen
        finally:
            self.stepping.model = model
        raise nb.UsageError(
            f"call={self.call} is above the {calls} calls of its model by {self.inner.bound.display}: give a lower one"
        )
