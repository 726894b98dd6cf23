"""The noise that a sampler's model sees at one of its calls, in place of samples."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.generate._within import sampler_within, stepping_of


class _Seen(Exception):
    """What was seen at the call that is asked for."""

    def __init__(self, noise: Any) -> None:
        super().__init__()
        self.noise = noise


@nb.method("seen_noise", track="generate", role="sanity")
class SeenNoise:
    """The noise that a sampler's model sees at one of its calls, in place of samples.

    sampler: such as `euler(model=…)`. call: which one, the first is 1. What is seen is (x - picture) / σ: its deviation
    (the metric `rms`) is about 1 of a true model where the noise is strong.
    """

    def __init__(self, *, sampler: nb.MethodSpec, call: Annotated[int, Ge(1), Le(100_000)] = 1) -> None:
        self.inner, self.call = sampler_within(sampler), call
        self.stepping = stepping_of(self.inner, "noise is seen")

    def setup(self, device: Any) -> None:
        """Set up the sampler. Raises `Skip` where weights are missing."""
        self.inner.setup(device)

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → noise. Raises `UsageError` where the model is asked less often."""
        model, calls = self.stepping.model, 0

        def ask(x: Any, sigma: Any, labels: Any) -> Any:
            nonlocal calls
            calls += 1
            clean = model(x, sigma, labels)
            if calls == self.call:
                raise _Seen((x - clean) / sigma)
            return clean

        self.stepping.model = ask  # type: ignore[assignment]
        try:
            self.inner.call(latents, info)
        except _Seen as seen:
            return seen.noise.float()
        finally:
            self.stepping.model = model
        raise nb.UsageError(
            f"{self.inner.bound.display} asks its model {calls} times: call={self.call} is none of them"
        )
