from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.generate._inner_sampler import stepping_of
from noisebench.methods.generate._moving import Moving, down_and_back, two_levels, unguided

Guidance = Annotated[float, Ge(-100), Le(100)]


def _told_classes(sampler: nb.Bound) -> None:
    model = sampler.kwargs.get("model")
    arch = model.kwargs.get("arch") if isinstance(model, nb.Bound) else None
    if isinstance(arch, nb.Bound) and arch.kwargs.get("classes") == 0:
        raise nb.UsageError(
            f"denoise_invert: the network of {sampler.display} knows no classes: give its arch classes=10"
        )


@nb.method(
    "denoise_invert",
    track="generate",
    cite="Z. Zhou et al., Golden noise for diffusion models: a learning framework, arXiv 2411.09502",
)
@nb.checked(_told_classes)
class DenoiseInvert(Moving):
    """Noise that has been a step down with guidance and back without, before a sampler begins.

    It is what `golden_noise` learns, computed: the first step of `sampler` with guidance `down`, then DDIM inversion
    with guidance `back`, for three calls of the model by default. sampler: one that goes down levels, such as
    `ddim(model=…)`, two at least. Its own guidance, where it has `guided`, has no part in the two steps.
    """

    def __init__(self, *, sampler: nb.MethodSpec, down: Guidance = 5.5, back: Guidance = 1.0) -> None:
        super().__init__(sampler)
        self.stepping = stepping_of(self.inner, "noise is denoised and inverted")
        self.between, self.down, self.back = two_levels(self.stepping, "denoise_invert"), down, back

    def moved(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → those that the sampler begins at. Raises `Skip` where no class is asked for."""
        import torch

        if info.labels is None:
            raise nb.Skip("denoise_invert needs classes: give the dataset labels=true")
        labels = torch.as_tensor(info.labels, device=latents.device)
        model = unguided(self.stepping.model)
        return down_and_back(model, latents, labels, self.between, self.down, self.back).float()
