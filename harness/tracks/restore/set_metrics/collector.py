"""Features of a set of pictures, taken one by one and kept on disk: bounded memory, and a set that can be resumed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....components.registry import Bound, bind
from ....data.disk import noticing_full_disk
from ....imaging.features.networks import NETWORKS, extract, open_network, patches
from ....imaging.pixels import value_sha256
from ....imaging.sample import Sample
from ....text.errors import UsageError, one_line
from ....text.wording import counted
from ....track.order import copy_rows
from ..own_range import refuse_own_range
from ..pairs import Array, pictures_of, prepare
from .definition import PictureSetMetric, Sets, made_of, plan_set, refused, score_set, why_too_few

Taken = dict[str, Any]
"""Of one picture: name of a stream → number of its features, or why there are none."""


class FeatureCollector:
    """Takes features of pictures for some set metrics into files of `folder`, then scores the sets.

    `n` is how many pictures there will be: a metric that is refused for that number takes none. `taken` are the
    results of `take` for the pictures whose features lie in `folder` already, in their order; what lies beyond
    them there is dropped. Features are taken on the CPU whatever the device of the method, so that they are the
    same numbers everywhere.
    """

    def __init__(
        self,
        metrics: Mapping[str, PictureSetMetric],
        folder: Path,
        n: int,
        *,
        protocol: Bound,
        taken: Iterable[Taken] = (),
    ) -> None:
        self._metrics = dict(metrics)
        self._folder = folder
        self._n = n
        self._protocol = protocol
        self._streams = {
            _name(m): m for m in metrics.values() if m.patch is not None or why_too_few(m, n) is None
        }  # fmt: skip
        self._networks: dict[str, Callable[[Any], Any]] = {}
        self._counts: dict[str, list[Any]] = {stream: [] for stream in self._streams}
        for one in taken:
            self._count(one)
        for stream in self._streams:
            self._cut(stream)

    def take(self, output: Array, item: Sample) -> Taken:
        """Append the features of one picture, durably. `restored` float32 (H, W, C), `clean` as a dataset has it."""
        done: Taken = {}
        for stream, metric in self._streams.items():
            try:
                refuse_own_range(self._protocol, "a metric of whole sets")
                pair = pictures_of(prepare(output, item.clean, self._protocol))
            except UsageError as error:
                done[stream] = one_line(error)
                continue
            network = self._network(metric.features)
            side = NETWORKS[metric.features].side
            key = value_sha256(item.clean) if metric.patch else ""
            pieces = [patches(p, key, *metric.patch) if metric.patch else [p] for p in pair]
            if not pieces[0]:
                size = metric.patch[0] if metric.patch else 0
                done[stream] = f"{pair[0].shape[0]}×{pair[0].shape[1]} is smaller than a patch of {size}"
                continue
            for role, part in zip(("restored", "clean"), pieces, strict=True):
                self._append(self._file(stream, role), extract(network, side, part).tobytes())
            done[stream] = len(pieces[0])
        self._count(done)
        return done

    def score(self) -> dict[str, dict[str, Any]]:
        """The result of each metric, by name: see `score_set`."""
        results = {}
        for name, metric in self._metrics.items():
            stream = _name(metric)
            why = why_too_few(metric, self._n)
            if why is not None and stream not in self._streams:
                results[name] = refused(self._n, why)
                continue
            counts = self._counts[stream]
            whys = [c for c in counts if isinstance(c, str)]
            numbers = [0 if isinstance(c, str) else int(c) for c in counts]
            problem = f"not defined on {len(whys)} of {counted(len(counts), 'picture')}: {whys[0]}" if whys else None
            sides = [self._read(self._file(stream, w), metric.width, sum(numbers)) for w in ("restored", "clean")]
            results[name] = score_set(metric, Sets(sides[0], sides[1], numbers, problem))
        return results

    def copy_in_order(self, order: Sequence[int], folder: Path) -> None:
        """Copy the features to `folder`, as they were if pictures had come in another order."""
        for stream, metric in self._streams.items():
            sizes = [0 if isinstance(count, str) else 4 * metric.width * count for count in self._counts[stream]]
            for role in ("restored", "clean"):
                file = self._file(stream, role)
                if file.exists():
                    with noticing_full_disk(folder):
                        copy_rows(file, folder / file.name, sizes, order)

    def clear(self) -> None:
        """Remove the files."""
        for stream in self._streams:
            for role in ("restored", "clean"):
                self._file(stream, role).unlink(missing_ok=True)

    def _network(self, name: str) -> Callable[[Any], Any]:
        if name not in self._networks:
            self._networks[name] = open_network(name)
        return self._networks[name]

    def _count(self, done: Taken) -> None:
        for stream, counts in self._counts.items():
            counts.append(done.get(stream, "no features were taken"))

    def _file(self, stream: str, role: str) -> Path:
        return self._folder / f"features-{stream}-{role}.f32"

    def _cut(self, stream: str) -> None:
        """Drop what a killed process left behind the last whole picture."""
        wanted = 4 * self._streams[stream].width * sum(c for c in self._counts[stream] if not isinstance(c, str))
        for role in ("restored", "clean"):
            file = self._file(stream, role)
            size = file.stat().st_size if file.exists() else 0
            if size < wanted:
                raise UsageError(f"{one_line(file)} has lost features of finished pictures: run with --retry always")
            if size > wanted:
                os.truncate(file, wanted)

    @staticmethod
    def _append(file: Path, data: bytes) -> None:
        with noticing_full_disk(file), file.open("ab") as out:
            out.write(data)
            out.flush()
            os.fdatasync(out.fileno())

    @staticmethod
    def _read(file: Path, width: int, n: int) -> Any:
        if n == 0:
            return np.empty((0, width), np.float32)
        return np.memmap(file, np.float32, "r", shape=(n, width))


def _name(metric: PictureSetMetric) -> str:
    return "-".join([metric.features, *map(str, metric.patch or ())])


def collector(
    bounds: Iterable[Bound], folder: Path, n: int, protocol: Bound
) -> tuple[FeatureCollector, dict[str, dict[str, Any]]]:
    """A collector for bound set metrics, and their blank `SetPart`s. Raises `UsageError` for what is missing."""
    metrics, parts = {}, {}
    for bound in bounds:
        metrics[bound.display] = made_of(bound)
        _, parts[bound.display] = plan_set(bound)
    return FeatureCollector(metrics, folder, n, protocol=protocol), parts


def planned(sets: Mapping[str, Any]) -> dict[str, PictureSetMetric]:
    """The set metrics of a planned cell, by name. Raises `UsageError` where a file is no longer the planned one."""
    metrics = {}
    for name, part in sets.items():
        bound = bind(name, "metric")
        _, now = plan_set(bound)
        for field in ("version", "features_sha256", "resize", "reference"):
            if now[field] != part[field]:
                raise UsageError(f"{one_line(name)}: its {field} changed while the run was under way: run again")
        metrics[name] = made_of(bound)
    return metrics


def planned_collector(
    sets: Mapping[str, Any], folder: Path, n: int, *, protocol: Bound, taken: Iterable[Taken] = ()
) -> FeatureCollector:
    """What takes the features of restored pictures for the planned set metrics of a cell."""
    return FeatureCollector(planned(sets), folder, n, protocol=protocol, taken=taken)
