"""Whether samples are copies of pictures of the reference set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...components.registry import Bound
from ...distances.pairwise import pairwise_distances
from ...track.posed_case import Case
from .items import LatentBatch, TrainingPicture
from .scored import Compared, batch_of, nearest_distances

_NEAR = 0.05
"""Share of the typical distance between a reference picture and the nearest other one; what is nearer is a copy."""
_ROWS = 512
"""Reference pictures at most by which that distance is taken."""


def why_copied(output: Mapping[str, Any], item: LatentBatch | TrainingPicture, case: Case, protocol: Bound) -> str:
    """That half of the samples or more are pictures of the reference set, which no method is shown.

    A reference picture that is a training picture as well, or near to one, is none that was copied from there.
    """
    if not isinstance(item, LatentBatch):
        return ""
    batch = batch_of(output, item, protocol)
    reference = batch.reference
    near = _copy_distance(reference)
    parts = [
        pairwise_distances(batch.samples[start : start + 256], reference.rows)
        for start in range(0, len(batch.samples), 256)
    ]
    apart = np.concatenate([part.min(axis=1) for part in parts])
    copied = apart <= near
    if 2 * np.count_nonzero(copied) < len(copied):
        return ""
    if reference.trained is not None:
        shown = np.concatenate([part.argmin(axis=1) for part in parts])[copied]
        copied[copied] = nearest_distances(reference.rows[shown], reference.trained) > near
    if 2 * (count := np.count_nonzero(copied)) < len(copied):
        return ""
    return f"{count} of {len(copied)} samples are pictures of the reference set"


def _copy_distance(reference: Compared) -> float:
    """The distance to a reference picture below which a sample is a copy of it.

    Negative where half of the reference pictures have an equal one: in a small space of things none can be told.
    """
    apart = pairwise_distances(reference.rows[:_ROWS], reference.rows)
    apart[np.arange(len(apart)), np.arange(len(apart))] = np.inf
    typical = float(np.median(apart.min(axis=1)))
    return _NEAR * typical if typical > 0 and np.isfinite(typical) else -1.0
