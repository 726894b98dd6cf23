"""What a metric of a batch is given, and what of a reference set is worked out once for all batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ...components.calls import metric_value, read_only
from ...components.registry import Bound, bind
from ...distances.energy import mean_distance
from ...distances.pairwise import pairwise_distances
from ...text.errors import NotDefined
from ...track.posed_case import Case
from .items import Labels, LatentBatch, Pictures, Reference, TrainingPicture

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Compared:
    """A reference set as the protocol leaves it: pictures (M, D) in rows, float64."""

    rows: Floats
    labels: Labels | None
    trained: Floats | None
    trained_labels: Labels | None

    @cached_property
    def spread(self) -> float:
        """The mean distance of two of the reference pictures."""
        return mean_distance(self.rows, self.rows, same=True)

    @cached_property
    def nearest(self) -> Floats:
        """How far reference pictures, 512 at most, are from the nearest training picture, (M,)."""
        assert self.trained is not None
        return nearest_distances(self.rows[:512], self.trained)


@dataclass(frozen=True)
class Batch:
    """Samples (N, D) in rows as the protocol leaves them, float64, beside the reference.

    `labels` (N,) are the classes that were asked for, None where none were; `evaluations` is how often a model was
    asked for each sample, None where no model was. `shape` is that of one sample, (C, H, W).
    """

    samples: Floats
    reference: Compared
    labels: Labels | None
    evaluations: float | None
    shape: tuple[int, ...] = ()


def batch_of(output: Mapping[str, Any], item: LatentBatch, protocol: Bound) -> Batch:
    """What the metrics are given."""
    samples = as_rows(protocol.entry.obj(output["samples"], **protocol.kwargs))
    return Batch(samples, compared(item.reference, protocol), item.labels, output["evaluations"], item.shape)


def score_output(
    output: Mapping[str, Any],
    item: LatentBatch | TrainingPicture,
    case: Case,
    protocol: Bound,
    metrics: Sequence[Bound],
) -> dict[str, float]:
    """Scores by display form of the metric; `NotDefined` where a metric has no value."""
    batch = batch_of(output, item, protocol) if isinstance(item, LatentBatch) else None
    scores: dict[str, float] = {}
    for metric in metrics:
        value: float
        if metric.entry.meta["denoises"] is (batch is not None):
            value = NotDefined("is of samples" if batch is None else "is of noisy training pictures")
        elif batch is not None:
            value = metric_value(metric, batch)
        else:
            value = metric_value(metric, read_only(output["samples"]), item, case.info.sigma)
        scores[metric.display] = value
    return scores


def compared(reference: Reference, protocol: Bound) -> Compared:
    """The reference as the protocol leaves it, worked out once."""
    return _compared(reference, protocol.canonical)


@lru_cache(maxsize=4)
def _compared(reference: Reference, protocol: str) -> Compared:
    bound = bind(protocol, "protocol", "generate")

    def rows(pictures: Pictures) -> Floats:
        return as_rows(bound.entry.obj(pictures, **bound.kwargs))

    trained = None if reference.trained is None else rows(reference.trained)
    return Compared(rows(reference.pictures), reference.labels, trained, reference.trained_labels)


def as_rows(pictures: npt.NDArray[Any]) -> Floats:
    """(N, C, H, W) → (N, D), float64, for all metrics to read and none to write into."""
    rows: Floats = read_only(np.asarray(pictures, np.float64).reshape(len(pictures), -1))
    return rows


def nearest_distances(rows: Floats, others: Floats) -> Floats:
    """The Euclidean distance of each row to the nearest of the others, (N,)."""
    parts = [pairwise_distances(rows[i : i + 256], others).min(axis=1) for i in range(0, len(rows), 256)]
    return np.concatenate(parts)
