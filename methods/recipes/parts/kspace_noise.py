from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le
from noisebench.recipes.objectives._kspace import drawn_levels, measured_noise, sampled_of

Level = Annotated[float, Ge(0), Le(1e5)]


@nb.part("kspace_noise", cite="A. D. Desai et al., Noise2Recon, Magnetic Resonance in Medicine 2023")
@nb.checked(nb.at_most("least", "most"))
class KspaceNoise:
    """k-space noise: more noise on the measured points of the pictures that are trained on, as augmentation.

    A `share` of the items, each drawn by itself, gets noise whose deviation (of 255, of real and imaginary part) is
    drawn evenly between least and most; nothing is added where nothing was measured. For `regime=kspace(…)`.
    """

    def __init__(self, *, least: Level = 10.0, most: Level = 50.0, share: Annotated[float, Gt(0), Le(1)] = 0.5) -> None:
        self.least, self.most, self.share = least, most, share

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The batch with noise in its given pictures."""
        given, sampled = batch["given"], sampled_of(batch, "part kspace_noise")
        levels = drawn_levels(len(given), self.least, self.most, given.device)
        levels = levels * (torch.rand(levels.shape, device=given.device) < self.share)
        return batch | {"given": given + measured_noise(given, sampled, levels)}
