"""Metrics of all samples of a cell against the reference set, in a named feature space; what they rest on is stored."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Le

from ...components.keyed_noise import keyed_generator, text_key
from ...components.registry import Bound, bind
from ...components.sources import sources_of
from ...data.disk import noticing_full_disk
from ...data.made_once import made_once
from ...distances.frechet import frechet_distance
from ...distances.kernel import kernel_distance
from ...distances.neighbours import coverage, density, precision
from ...imaging.features.networks import NETWORKS, extract, network_sha256, open_network
from ...imaging.features.resize import NAME as RESIZE
from ...spec.parameter_types import Nested
from ...store.keys import key_of
from ...text.errors import NotDefined, UsageError, one_line
from ...track.order import copy_rows
from .items import LatentBatch, Reference
from .last_layer import Extractor, last_layer
from .sampler import Drawn
from .scored import as_rows

Floats = npt.NDArray[np.float64]
Features = Literal["pixels", "inception", "efficientnet_lite0", "efficientnet_lite0_mid"]
Judge = Annotated[Any, Nested("method", track="classify")]
"""A classifier that is trained for its features, or none: a parameter of every metric of all samples."""
Dims = Annotated[int, Ge(1), Le(4096)]
K = Annotated[int, Ge(1), Le(1000)]
Distance = Literal["frechet", "kernel", "precision", "recall", "density", "coverage"]
ENOUGH = 2048
"""Below this many samples a Fréchet distance is flagged `small-n`."""
SIDES = ("samples", "reference")


@dataclass(frozen=True)
class SampleSetMetric:
    """What a metric of all samples is made of: `dims` of pixels are kept, `k` neighbours are looked at.

    Where there is a `judge`, a `trained(…)` of the track `classify`, features are what its last layer is given.
    """

    distance: Distance
    features: Features = "pixels"
    dims: int = 64
    k: int = 0
    allow_small: bool = False
    judge: Bound | None = None

    @property
    def stream(self) -> str:
        """What features of samples lie in files under."""
        return self.features if self.judge is None else f"judge-{text_key(self.judge.canonical).hex()[:12]}"


def made_of(bound: Bound) -> SampleSetMetric:
    """The parts of a bound set metric."""
    metric: SampleSetMetric = bound.entry.obj(**bound.kwargs)
    return metric


def plan_set(bound: Bound) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a set metric goes into a key, and the blank `SetPart`. Raises `UsageError` for what is missing."""
    metric = made_of(bound)
    inputs: dict[str, Any] = {"version": bound.entry.version}
    sha256, resize, width, name = "", "", metric.dims, f"pixels, {metric.dims} principal axes"
    if metric.judge is not None:
        if metric.features != "pixels":
            raise UsageError(f"{bound.display}: features are of a network or of a judge: leave out one of them")
        inputs["judge"] = _recipe_of(metric.judge, bound.display)
        sha256, width, name = key_of(inputs["judge"]), 0, f"last layer of {metric.judge.display}"
    elif metric.features != "pixels":
        sha256, resize = network_sha256(metric.features), RESIZE
        width, name = NETWORKS[metric.features].width, metric.features
        inputs |= {"network": NETWORKS[metric.features].version, "network_sha256": sha256, "resize": resize}
    part = {
        "version": bound.entry.version, "higher": bool(bound.entry.meta["higher"]), "unit": "", "features": name,
        "features_sha256": sha256, "resize": resize, "reference": "reference set", "value": None, "error": None,
        "interval": None, "n": 0, "d": width, "floor": None, "flags": [], "note": "not computed",
    }  # fmt: skip
    return inputs, part


def _recipe_of(judge: Bound, metric: str) -> dict[str, Any]:
    """What of a judge goes into a key: all that it is trained by. Raises `UsageError` for one that is not trained."""
    if not getattr(judge.entry.obj, "trained", False):
        raise UsageError(f"{metric}: {judge.display} is trained by no recipe: give judge=trained(…)")
    return {"spec": judge.canonical, "versions": judge.versions, "sources": sources_of([judge])}


class SampleCollector:
    """Takes features of samples into files of `folder`, those of the reference with the first batch, then scores them.

    It can put its batches back into the order of the dataset. `taken` are the results of `take` for the batches whose
    features lie in `folder` already; what lies beyond them is dropped. Raises `UsageError` where some are lost.
    """

    def __init__(
        self, sets: Mapping[str, Any], folder: Path, n: int, *, protocol: Bound, taken: Iterable[Any] = ()
    ) -> None:
        self._metrics = {name: made_of(bind(name, "metric", "generate")) for name in sets}
        self._folder, self._protocol = folder, protocol
        self._judges = {metric.stream: metric.judge for metric in self._metrics.values()}
        self._streams = sorted(self._judges)
        self._widths: dict[str, int] = {}
        self._batches: list[int] = []
        self._networks: dict[str, Extractor] = {}
        for one in taken:
            self._batches.append(int(one["samples"]))
            self._widths = {str(name): int(width) for name, width in one["widths"].items()}
        for stream in self._streams:
            self._cut(stream)

    def take(self, output: Drawn, item: LatentBatch) -> dict[str, Any]:
        """Append the features of a batch, durably."""
        if not isinstance(item, LatentBatch):
            raise UsageError("set metrics are of samples: a training picture has none")
        for stream in self._streams:
            rows = self._features(stream, output["samples"])
            self._widths[stream] = rows.shape[1]
            self._append(stream, "samples", rows)
            if not self._batches:
                self._file(stream, "reference").unlink(missing_ok=True)
                self._append(stream, "reference", self._of_reference(stream, item.reference))
        self._batches.append(len(output["samples"]))
        return {"samples": len(output["samples"]), "widths": self._widths}

    def score(self) -> dict[str, dict[str, Any]]:
        """The result of each metric, by name."""
        return {name: self._scored(metric) for name, metric in self._metrics.items()}

    def copy_in_order(self, order: Sequence[int], folder: Path) -> None:
        """Copy the features to `folder`, as they were if batches had come in another order."""
        with noticing_full_disk(folder):
            for stream in self._streams:
                samples, reference = (self._file(stream, side) for side in SIDES)
                copy_rows(samples, folder / samples.name, [4 * self._widths[stream] * n for n in self._batches], order)
                shutil.copyfile(reference, folder / reference.name)

    def clear(self) -> None:
        """Remove the files."""
        for stream in self._streams:
            for side in SIDES:
                self._file(stream, side).unlink(missing_ok=True)

    def _scored(self, metric: SampleSetMetric) -> dict[str, Any]:
        if not sum(self._batches):
            return {**_BLANK, "note": "no samples"}
        samples, real = (self._read(metric.stream, side) for side in SIDES)
        if metric.stream == "pixels":
            return score_set(metric, *on_principal_axes(samples, real, metric.dims))
        return score_set(metric, samples, real)

    def _features(self, stream: str, pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        inputs = self._protocol.entry.obj(pictures, **self._protocol.kwargs)
        if stream == "pixels":
            return as_rows(inputs).astype(np.float32)
        if stream not in self._networks:
            judge = self._judges[stream]
            self._networks[stream] = last_layer(judge) if judge is not None else _network(stream)
        return self._networks[stream](np.asarray(inputs, np.float32))

    def _of_reference(self, stream: str, reference: Reference) -> npt.NDArray[np.float32]:
        if stream not in NETWORKS:
            return self._features(stream, reference.pictures)
        named = [reference.sha256, stream, str(NETWORKS[stream].version), network_sha256(stream), RESIZE]
        named += [self._protocol.canonical, str(self._protocol.versions)]
        arrays = made_once(
            "reference-features", named, lambda say: {"rows": self._features(stream, reference.pictures)}
        )
        return np.asarray(arrays["rows"], np.float32)

    def _file(self, stream: str, side: str) -> Path:
        return self._folder / f"features-{stream}-{side}.f32"

    def _append(self, stream: str, side: str, rows: npt.NDArray[np.float32]) -> None:
        file = self._file(stream, side)
        with noticing_full_disk(file), file.open("ab") as out:
            out.write(np.ascontiguousarray(rows, "<f4").tobytes())
            out.flush()
            os.fdatasync(out.fileno())

    def _cut(self, stream: str) -> None:
        """Drop what a killed process left behind the last whole batch."""
        wanted = 4 * self._widths.get(stream, 0) * sum(self._batches)
        file = self._file(stream, "samples")
        size = file.stat().st_size if file.exists() else 0
        if size < wanted:
            raise UsageError(f"{one_line(file)} has lost features of finished batches: run with --retry always")
        if size > wanted:
            os.truncate(file, wanted)

    def _read(self, stream: str, side: str) -> npt.NDArray[np.float32]:
        return np.fromfile(self._file(stream, side), "<f4").reshape(-1, self._widths[stream])


def _network(name: str) -> Extractor:
    """A named network, which sees pictures as bytes of three channels."""
    network = open_network(name)

    def features(pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        bytes_ = np.clip((pictures + 1) * 127.5, 0, 255).transpose(0, 2, 3, 1)
        colour = np.repeat(bytes_, 3, axis=3) if bytes_.shape[3] == 1 else bytes_
        return extract(network, NETWORKS[name].side, list(colour))

    return features


_BLANK: Mapping[str, Any] = {"value": None, "error": None, "interval": None, "n": 0, "floor": None, "flags": []}


def on_principal_axes(samples: npt.NDArray[Any], real: npt.NDArray[Any], dims: int) -> tuple[Floats, Floats]:
    """Both sets (N, D) on the `dims` axes along which `real` varies most; as they are where there are no more."""
    samples, real = np.asarray(samples, np.float64), np.asarray(real, np.float64)
    if real.shape[1] <= dims:
        return samples, real
    mean = real.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(real.T))
    axes = axes[:, : -dims - 1 : -1]
    return (samples - mean) @ axes, (real - mean) @ axes


def score_set(metric: SampleSetMetric, samples: npt.NDArray[Any], real: npt.NDArray[Any]) -> dict[str, Any]:
    """`value`, `error`, `interval`, `n`, `floor`, `flags` and `note` of a `SetPart`: rows of samples and reference.

    `floor` is what one half of the reference scores against the other. Balls around neighbours are larger where there
    are fewer of them, so metrics of these look at as many of the one as of the other.
    """
    n, least, half = len(samples), max(2, metric.k + 1), len(real) // 2
    result: dict[str, Any] = {**_BLANK, "n": n, "note": ""}
    if min(n, half) < least:
        return {**result, "note": f"{min(n, half)} samples, or half the reference: at least {least} are due"}
    if metric.distance == "frechet":
        width = samples.shape[1]
        if n < width and not metric.allow_small:
            why = (
                f"refused: {n} samples are fewer than {width} (a covariance of {width} features is singular); "
                "kd is unbiased at any number, allow_small=True computes this one all the same"
            )
            return {**result, "flags": ["refused"], "note": why}
        result["flags"] = ["small-n"] if n < ENOUGH else []
    # A set may hold its classes by turns: what is a part of it is drawn.
    order = keyed_generator(text_key(f"halves|{len(real)}")).permutation(len(real))
    most = min(n, len(real)) if metric.k else len(real)
    result["value"], result["error"] = _value(metric, samples[:most] if metric.k else samples, real[order[:most]])
    result["floor"] = _value(metric, real[order[:half]], real[order[half:]])[0]
    return result


def _value(metric: SampleSetMetric, samples: npt.NDArray[Any], real: npt.NDArray[Any]) -> tuple[float, float | None]:
    if metric.distance == "frechet":
        return frechet_distance(samples, real), None
    if metric.distance == "kernel":
        value, error = kernel_distance(samples, real)
        return value, None if isinstance(error, NotDefined) else error
    by = {"precision": precision, "density": density, "coverage": coverage}
    if metric.distance == "recall":
        return precision(samples, real, metric.k), None
    return by[metric.distance](real, samples, metric.k), None
