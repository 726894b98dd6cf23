from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.generate._inner_sampler import sampler_within


@nb.method("difference", track="generate", role="sanity")
class SampleDifference:
    """How far the samples of one sampler are from those of another that began at the same latents, in place of samples.

    of, beside: two samplers, such as one that asks a model of fewer bits and one that asks the model itself. Both draw
    the same new noise, where they draw some. The metric `rms` tells how far: 20 log10(2 / rms) is the PSNR.
    """

    def __init__(self, *, of: nb.MethodSpec, beside: nb.MethodSpec) -> None:
        self.of, self.beside = sampler_within(of), sampler_within(beside)

    def setup(self, device: Any) -> None:
        """Set up both. Raises `Skip` where weights are missing."""
        self.of.setup(device)
        self.beside.setup(device)

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → the samples of the one less those of the other."""
        return self.of.call(latents.clone(), info.replace()) - self.beside.call(latents.clone(), info.replace())
