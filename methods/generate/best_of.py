from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.generate._inner_sampler import sampler_within
from noisebench.methods.generate._preference import Classes, Classifier, Preference


@nb.method("best_of", track="generate")
class BestOf:
    """Several noises for each sample, of whose pictures a classifier chooses one.

    sampler: any, `n` times as dear for it. preference: any classifier, such as `trained(…)` of the track `classify`,
    which tells `classes` apart; the picture with the largest log odds of its class is taken, of equal ones the first.
    The first noise is the one that is given, others are drawn by the input alone.
    """

    def __init__(
        self,
        *,
        sampler: nb.MethodSpec,
        preference: Classifier,
        n: Annotated[int, Ge(1), Le(10_000)] = 2,
        classes: Classes = 10,
    ) -> None:
        self.inner, self.preference, self.n = sampler_within(sampler), Preference(preference, classes), n

    def setup(self, device: Any) -> None:
        """Set up both. Raises `Skip` where weights are missing."""
        self.inner.setup(device)
        self.preference.setup(device)

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → samples. Raises `Skip` where no class is asked for."""
        import torch

        if info.labels is None:
            raise nb.Skip("best_of needs classes: give the dataset labels=true")
        best = self.inner.call(latents, info)
        score = self.preference(best, info.labels)
        for number in range(1, self.n):
            stream_info = info.stream(number).replace(normal=False)
            samples = self.inner.call(
                torch.from_numpy(stream_info.rng.standard_normal(tuple(latents.shape))).to(latents), stream_info
            )
            other = self.preference(samples, info.labels)
            best = torch.where((other > score).to(best.device)[:, None, None, None], samples, best)
            score = torch.maximum(score, other)
        return best
