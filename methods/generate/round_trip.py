from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.generate._inner_sampler import sampler_within
from noisebench.methods.generate.interpolated import Interpolated


def _encoding(of: nb.Bound) -> None:
    if of.entry.obj is not Interpolated or not of.kwargs["encode"]:
        raise nb.UsageError(
            f"round_trip: {of.display} encodes no pictures: name interpolated(encode=true, fraction=0, …)"
        )


@nb.method("round_trip", track="generate", role="sanity")
@nb.checked(_encoding)
class RoundTrip:
    """How far the pictures of an interpolation are from where they began, in place of samples.

    of: an `interpolated(encode=true, fraction=0, …)`, of which each sample should be the first picture of its pair. The
    metric `rms` tells the error: 20 log10(2 / rms) is its PSNR.
    """

    def __init__(self, *, of: nb.MethodSpec) -> None:
        self.inner = sampler_within(of)

    def setup(self, device: Any) -> None:
        """Set up the interpolation. Raises `Skip` where weights are missing."""
        self.inner.setup(device)

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → samples less the pictures that they should be."""
        samples, pictures = self.inner.instance.between(latents, info)
        return samples.to(pictures) - pictures
