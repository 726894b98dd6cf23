from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.generate._interrupted_sampler import InterruptedSampler


@nb.method("seen_noise", track="generate", role="sanity")
class SeenNoise(InterruptedSampler):
    """The noise that a sampler's model sees at one of its calls, in place of samples.

    sampler: such as `euler(model=…)`. call: which one, the first is 1. What is seen is (x - picture) / σ: its deviation
    (the metric `rms`) is about 1 of a true model where the noise is strong.
    """

    def __init__(self, *, sampler: nb.MethodSpec, call: Annotated[int, Ge(1), Le(100_000)] = 1) -> None:
        super().__init__(sampler, call, "noise is seen")

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → noise. Raises `UsageError` where the model is asked less often."""
        given, clean, sigma = self.seen(latents, info)
        return ((given - clean) / sigma).float()
