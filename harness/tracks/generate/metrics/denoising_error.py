"""How well a model takes noise off training pictures that were kept apart: what trainings are validated by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....components.decorators import metric
from ..items import TrainingPicture

SPREAD = 0.5
"""What pictures on [-1, 1] are supposed to deviate by."""


@metric("denoising_error", title="denoising error", track="generate", higher=False, order=90, decimals=5, denoises=True)
def denoising_error(denoised: npt.NDArray[np.float32], item: TrainingPicture, sigma: npt.NDArray[np.float64]) -> float:
    """Mean squared error of a picture that was given with noise of several levels, each over what is due there.

    Due is the variance that a normal picture of deviation 0.5 has left, 0.25 σ² / (0.25 + σ²): 1 is what a model that
    knows no more of pictures has, and it is the mean that samplers need, so every objective is validated alike.
    """
    error = np.mean((denoised.astype(np.float64) - item.picture) ** 2, axis=(1, 2, 3))
    return float(np.mean(error * (SPREAD**2 + sigma**2) / (SPREAD * sigma) ** 2))
