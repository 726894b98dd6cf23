from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.tracks.generate import Denoiser


def _told_classes(model: nb.Bound) -> None:
    arch = model.kwargs.get("arch")
    if isinstance(arch, nb.Bound) and arch.kwargs.get("classes") == 0:
        raise nb.UsageError(f"guided: the network of {model.display} knows no classes: give its arch classes=10")


@nb.method(
    "guided", track="generate", cite="J. Ho, T. Salimans, Classifier-free diffusion guidance, NeurIPS workshop on deep "
    "generative models, 2021"
)  # fmt: skip
@nb.checked(_told_classes)
class Guided:
    """Classifier-free guidance: a model that goes beyond what a class changes, for any sampler.

    model: one that takes labels and none. weight: w of D(no class) + w (D(class) - D(no class)): 1 is the model as it
    is and 0 the one without classes, each for one call; others take two.
    """

    def __init__(self, *, model: nb.MethodSpec, weight: Annotated[float, Ge(-100), Le(100)] = 2.0) -> None:
        self.model, self.weight = Denoiser(model), weight

    def setup(self, device: Any) -> None:
        """Set up the model. Raises `Skip` where its weights are missing."""
        self.model.setup(device)

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        """(N, C, H, W) → the same. Raises `Skip` where no class is asked for."""
        if labels is None:
            raise nb.Skip("guided needs classes: give the dataset labels=true")
        if self.weight == 1:
            return self.model(x, sigma, labels)
        without = self.model(x, sigma, None)
        return without if self.weight == 0 else without + self.weight * (self.model(x, sigma, labels) - without)
