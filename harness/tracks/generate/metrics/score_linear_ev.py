from __future__ import annotations

import math
from functools import lru_cache
from typing import Annotated

import numpy as np
import numpy.typing as npt
from annotated_types import Gt, Le

from ....components.decorators import metric
from ....components.registry import bind
from ....spec.parameter_types import DatasetSpec
from ..gaussian import GaussianLaws
from ..items import TrainingPicture
from ..latents import pose_picture


@metric("score_linear_ev", title="linear share of the score", track="generate", order=91, denoises=True, goal="none")
def score_linear_ev(
    denoised: npt.NDArray[np.float32],
    item: TrainingPicture,
    sigma: npt.NDArray[np.float64],
    *,
    of: DatasetSpec,
    level: Annotated[float, Gt(0), Le(1e6)] = 2.0,
) -> float:
    """How much of a model's score is that of the normal law with the mean and the covariance of the pictures `of`.

    1 - |s - s'|² / |s|² of the score s and of that of the normal law s', at that of the levels of noise which is
    nearest to `level`. 1 where the model is linear; see Wang & Vastola, The unreasonable effectiveness of Gaussian
    score approximation, TMLR 2024. `of` as of `teleport`.
    """
    place = int(np.argmin(np.abs(np.log(sigma) - math.log(level))))
    given = pose_picture(item).given[place].astype(np.float64)
    linear = _moments(of.canonical).of().denoised(given.reshape(1, -1), float(sigma[place])).reshape(given.shape)
    output = denoised[place].astype(np.float64)
    return float(1 - np.sum((output - linear) ** 2) / np.sum((given - output) ** 2))


@lru_cache(maxsize=2)
def _moments(of: str) -> GaussianLaws:
    return GaussianLaws(bind(of, "dataset", "generate"))
