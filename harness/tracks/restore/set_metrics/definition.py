"""Metrics of a whole set of pictures against a reference set: FID and its kin, with the rules that keep them honest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from annotated_types import Ge

from ....components.decorators import metric
from ....components.registry import Bound
from ....distances.frechet import frechet_distance, frechet_infinity
from ....distances.kernel import kernel_distance
from ....distances.moments import Moments
from ....imaging.features.networks import NETWORKS, NetworkName, network_sha256
from ....imaging.features.resize import NAME as RESIZE
from ....planning.plan import is_set
from ....text.errors import NotDefined, UsageError
from ....text.wording import counted
from .reference import ReferenceFile, read_reference

F = TypeVar("F", bound=Callable[..., Any])
Distance = Literal["frechet", "infinity", "kernel"]

ENOUGH = 2048
"""Below this many pictures (or patches) a Fréchet distance is flagged `small-n`."""
_ROWS_PER_COLUMN = 4


@dataclass(frozen=True)
class PictureSetMetric:
    """What a set metric is made of. `patch`: side, stride and most per picture, None for whole pictures."""

    features: NetworkName
    distance: Distance
    allow_small: bool = False
    reference: str = ""
    patch: tuple[int, int, int] | None = None

    @property
    def stream(self) -> tuple[str, tuple[int, int, int] | None]:
        """Metrics of one stream share their features."""
        return self.features, self.patch

    @property
    def width(self) -> int:
        """Dimension of the features."""
        return NETWORKS[self.features].width

    @property
    def needs(self) -> int:
        """How many features there must be."""
        return {"frechet": self.width, "infinity": 2 * self.width, "kernel": 2}[self.distance]


def set_metric(name: str, version: int = 1) -> Callable[[F], F]:
    """Register a set metric: a function of keyword parameters that says what it is made of. Lower is better."""

    return metric(name, version, higher=False, set=True)


Side = Annotated[int, Ge(8)]
Count = Annotated[int, Ge(1)]


def patch_of(size: int | None, stride: int, most: int) -> tuple[int, int, int] | None:
    return None if size is None else (size, stride, most)


def made_of(bound: Bound) -> PictureSetMetric:
    """The parts of a bound set metric."""
    metric: PictureSetMetric = bound.entry.obj(**bound.kwargs)
    return metric


def _reference_of(metric: PictureSetMetric) -> ReferenceFile | None:
    return read_reference(metric.reference, metric.features, metric.distance) if metric.reference else None


def plan_set(bound: Bound) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a set metric goes into a key, and the blank `SetPart`. Raises `UsageError` for what is missing."""
    metric = made_of(bound)
    network = NETWORKS[metric.features]
    reference = _reference_of(metric)
    inputs: dict[str, Any] = {
        "version": bound.entry.version,
        "network": network.version,
        "network_sha256": network_sha256(metric.features),
        "resize": RESIZE,
        **({"reference_sha256": reference.sha256} if reference else {}),
    }
    part = {
        "version": bound.entry.version, "higher": False, "unit": "", "features": metric.features,
        "features_sha256": inputs["network_sha256"], "resize": RESIZE,
        "reference": f"{reference.name} {reference.sha256[:12]}" if reference else "clean",
        "value": None, "error": None, "interval": None, "n": 0, "d": metric.width, "floor": None, "flags": [],
        "note": "not computed",
    }  # fmt: skip
    return inputs, part


def why_too_few(metric: PictureSetMetric, n: int) -> str | None:
    """Why a distance of `n` features would mean nothing; None where it means something."""
    unit = "patches" if metric.patch else "pictures"
    if n < 2:
        return f"{n} {unit}: a distance needs at least 2"
    if n >= metric.needs or metric.allow_small:
        return None
    instead = "kid" if metric.features == "inception" else f"kid(features={metric.features})"
    why = (
        f"a covariance of {metric.width} features is singular"
        if metric.distance == "frechet"
        else f"half of them must reach the {metric.width} features"
    )
    return (
        f"refused: {n} {unit} are fewer than {metric.needs} ({why}); {instead} is unbiased at any number and gives "
        "its standard error, allow_small=True computes this one all the same"
    )


def refused(n: int, why: str) -> dict[str, Any]:
    """The result of a distance that `n` features are too few for; of fewer than 2 none is defined at all."""
    flags = ["refused"] if n >= 2 else []
    return {"value": None, "error": None, "interval": None, "n": n, "floor": None, "flags": flags, "note": why}


@dataclass(frozen=True)
class Sets:
    """Features of restored and clean pictures, (N, d) each, row i of both from one picture or patch.

    `counts` says how many rows each picture has; `problem` why a picture has none.
    """

    restored: Any
    clean: Any
    counts: Sequence[int]
    problem: str | None = None


def score_set(metric: PictureSetMetric, sets: Sets) -> dict[str, Any]:
    """`value`, `error`, `interval`, `n`, `floor`, `flags` and `note` of a `SetPart`."""
    n = len(sets.restored)
    result: dict[str, Any] = {"value": None, "error": None, "interval": None, "n": n, "floor": None, "flags": []}
    if sets.problem is not None:
        return {**result, "note": sets.problem}
    why = why_too_few(metric, n)
    if why is not None:
        return refused(n, why)
    reference = _reference_of(metric)
    notes = []
    if metric.distance != "kernel" and n < ENOUGH:
        result["flags"] = ["small-n"]
    if reference is not None and not reference.names_network:
        notes.append("the reference file does not say which network it is from")
    if metric.distance == "infinity" and n < 128:
        return {**result, "note": f"{counted(n, 'picture')}: an extrapolation needs at least 128"}
    side = reference.side(metric.distance) if reference else sets.clean
    result |= _distance(metric, sets.restored, side, reference is None)
    result["floor"] = _floor(replace(metric, allow_small=True), sets, reference)
    return {**result, "note": "; ".join(notes)}


def _distance(metric: PictureSetMetric, x: Any, y: Any, paired: bool) -> dict[str, Any]:
    if metric.distance == "kernel":
        value, error = kernel_distance(x, y, paired=paired)
        return {"value": value, "error": None if isinstance(error, NotDefined) else error}
    if metric.distance == "infinity":
        other = y if isinstance(y, Moments) else np.asarray(y)
        value, low, high = frechet_infinity(np.asarray(x), other, allow_small=True, paired=paired)
        return {"value": value, "interval": [low, high]}
    return {"value": frechet_distance(_compact(x), _compact(y))}


def _compact(features: Any) -> Any:
    """Moments where there are many more rows than columns: memory then is that of a covariance."""
    if isinstance(features, Moments) or len(features) <= _ROWS_PER_COLUMN * features.shape[1]:
        return features
    return Moments.of(features)


def _floor(metric: PictureSetMetric, sets: Sets, reference: ReferenceFile | None) -> float | None:
    """The distance of two clean halves, or of the clean pictures to a reference file; None where there is none."""
    if metric.distance == "infinity":
        return None
    if reference is not None:
        return float(_distance(metric, sets.clean, reference.side(metric.distance), False)["value"])
    one, other = halves(sets.counts)
    if min(one.sum(), other.sum()) < 2:
        return None
    value = _distance(metric, np.asarray(sets.clean[one]), np.asarray(sets.clean[other]), False)["value"]
    return None if math.isnan(value) else float(value)


def halves(counts: Sequence[int]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Two masks of rows, each of half the pictures: a permutation by Philox with seed 0. One picture stays whole."""
    n = len(counts)
    order = np.random.Generator(np.random.Philox(0)).permutation(n)
    first = np.zeros(n, bool)
    first[order[: n // 2]] = True
    second = np.zeros(n, bool)
    second[order[n // 2 : 2 * (n // 2)]] = True
    return np.repeat(first, counts), np.repeat(second, counts)


def refuse_sets(metrics: Sequence[Bound]) -> None:
    """Raise `UsageError` where a single pair of pictures is to be scored by a set metric."""
    for bound in metrics:
        if is_set(bound):
            raise UsageError(
                f"{bound.display} is of a whole set of pictures, not of one: use score_sets, evaluate or "
                "`noisebench score DIR DIR`"
            )
