from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.generate._inner_sampler import sampler_within
from noisebench.methods.generate._moving import Moving


def _moving(of: nb.Bound) -> None:
    if not (isinstance(of.entry.obj, type) and issubclass(of.entry.obj, Moving)):
        raise nb.UsageError(f"moved_noise: {of.display} moves no noise: name golden_noise(…) or denoise_invert(…)")


@nb.method("moved_noise", track="generate", role="sanity")
@nb.checked(_moving)
class MovedNoise:
    """The noise that a sampler begins at after it was moved, in place of samples.

    of: `golden_noise(…)` or `denoise_invert(…)`. Of normal noise the mean (the metric `brightness`) is 0, the `rms` 1
    and the `kurtosis` 3. beside: whether the noise that was given is taken away again, so that `rms` says how far it
    moved.
    """

    def __init__(self, *, of: nb.MethodSpec, beside: bool = False) -> None:
        self.of, self.beside = sampler_within(of), beside

    def setup(self, device: Any) -> None:
        """Set up the sampler. Raises `Skip` where weights are missing."""
        self.of.setup(device)

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → latents."""
        moved = self.of.instance.moved(latents, info)
        return moved - latents if self.beside else moved
