from __future__ import annotations

import math
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from annotated_types import Gt, Le

from ....components.datasets import open_dataset
from ....components.decorators import metric
from ....components.keyed_noise import keyed_generator, text_key
from ....components.registry import bind
from ....spec.parameter_types import DatasetSpec
from ....text.errors import UsageError
from ..items import TrainingPicture
from ..latents import pose_picture
from ..law import Floats, Law

_POINTS = 8192


@metric("score_error", title="score error", track="generate", higher=False, order=92, decimals=5, denoises=True)
def score_error(
    denoised: npt.NDArray[np.float32],
    item: TrainingPicture,
    sigma: npt.NDArray[np.float64],
    *,
    of: DatasetSpec,
    level: Annotated[float, Gt(0), Le(1e6)] = 0.2,
    labels: bool = False,
) -> float:
    """How far a model's score is from that of a law that is known: 0 for a perfect one, 1 for a score of 0.

    |s - s*|² / E|s*|² of the score s and that of the law s* of the set `of`, such as `mixture_digits`, with noise, at
    that of the levels of noise which is nearest to `level`. E is over 8192 keyed draws of the law. The mean over
    pictures of `noised(of=…)` of the same set is the Fisher divergence over its size. labels: the law of the class of
    each picture is meant, for models that are told it; else that of all.
    """
    place = int(np.argmin(np.abs(np.log(sigma) - math.log(level))))
    law, size = _known(of.canonical, float(sigma[place]))
    given = pose_picture(item).given[place].astype(np.float64)
    score = (denoised[place].astype(np.float64) - given) / sigma[place] ** 2
    due = score_of(law, given.reshape(1, -1), float(sigma[place]), item.label if labels else -1)
    return float(np.sum((score.reshape(1, -1) - due) ** 2) / size)


def score_of(law: Law, rows: Floats, sigma: float, label: int = -1) -> Floats:
    """The score of the law with noise of deviation `sigma`, at rows (N, D); of one component where `label` names it."""
    variances, axes = law.axes
    total = variances + sigma**2
    along = np.stack([(rows - mean) @ axes_of_one for mean, axes_of_one in zip(law.means, axes, strict=True)], axis=1)
    weights = law.weights if label < 0 else np.arange(len(law.weights)) == label
    with np.errstate(divide="ignore"):
        logs = np.log(weights) - 0.5 * np.sum(along**2 / total + np.log(total), axis=2)
    share = np.exp(logs - logs.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    score: Floats = -np.tensordot(share[..., None] * along / total, axes, axes=((1, 2), (0, 2)))
    return score


@lru_cache(maxsize=8)
def _known(of: str, sigma: float) -> tuple[Law, float]:
    """The law of a set, and the mean square of its score. Raises `UsageError` where it is not known."""
    bound = bind(of, "dataset", "generate")
    law: Any = getattr(open_dataset(bound), "law", None)
    if law is None:
        raise UsageError(f"metric score_error: the law of {bound.display} is not known: name mixture_digits, …")
    rng = keyed_generator(text_key(f"score_error|{law.sha256}|{sigma!r}"))
    kinds = rng.choice(len(law.weights), _POINTS, p=law.weights)
    rows = law.drawn(rng.standard_normal((_POINTS, law.means.shape[1])), kinds)
    rows = rows + sigma * rng.standard_normal(rows.shape)
    return law, float(np.mean(np.sum(score_of(law, rows, sigma) ** 2, axis=1)))
