from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.generate._interrupted_sampler import InterruptedSampler


@nb.method("seen_picture", track="generate", role="sanity")
class SeenPicture(InterruptedSampler):
    """The picture that a sampler's model sees at one of its calls: over several calls, the way of a sampler.

    sampler: such as `euler(model=…)`. call: which one, the first is 1. With `call={1,5,10,20}` the panels of a report
    show how samples come about, each in the place of its latents, and scores how good a sampler is that stops there.
    """

    def __init__(self, *, sampler: nb.MethodSpec, call: Annotated[int, Ge(1), Le(100_000)] = 1) -> None:
        super().__init__(sampler, call, "pictures are seen")

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → pictures. Raises `UsageError` where the model is asked less often."""
        return self.seen(latents, info)[1].float()
