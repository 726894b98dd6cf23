"""Versions of a method in one store: which of them was asked for last, at each place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping

from .cell import Cell
from .record import Record
from .results import Results


def newest(records: Iterable[Record]) -> Results:
    """The results without older versions of the same method at the same place, in their order.

    A version is the code of a method, dataset, regime and protocol, and the weights; a place has all seeds. The newest
    is the one that a run asked for last. Where none says when that was, as in exports of earlier versions of
    noisebench, all are kept.
    """
    results = Results.of(records)
    last: dict[Hashable, dict[Hashable, str]] = defaultdict(dict)
    wheres = results.each(_where, *_PLACE)
    methods = results.each(lambda cell: (cell.method.spec, cell.method.display), "cell.method")
    versions = results.each(_version, "cell.method", "cell.inputs.weights", *(f"cell.inputs.{n}" for n in _SOURCES))
    known = [(last[place], version) for place, version in zip(zip(methods, wheres, strict=True), versions, strict=True)]
    for (times, version), asked in zip(known, results.column("asked"), strict=True):
        times[version] = max(times.get(version, ""), asked)
    kept = [n for n, (times, version) in enumerate(known) if len(times) == 1 or times[version] == max(times.values())]
    return results if len(kept) == len(results) else results.take(kept)


def latest_sources(results: Results) -> dict[tuple[str, str], str]:
    """Track and spec of each method that has scores of several sources → the source that a run asked for last.

    Where none says when that was, it is the one of most scores.
    """
    seen: dict[tuple[str, str], dict[str, tuple[str, int]]] = defaultdict(dict)
    columns = map(results.where(kind="score").column, ("track", "method_spec", "source_sha256", "asked"))
    for track, spec, sha, asked in zip(*columns, strict=True):
        last, count = seen[track, spec].get(sha, ("", 0))
        seen[track, spec][sha] = max(last, asked), count + 1
    return {method: max(times, key=times.__getitem__) for method, times in seen.items() if len(times) > 1}


def older(records: Iterable[Record], kept: Results) -> Results:
    """The results that `newest` did not keep."""
    results = Results.of(records)
    kept_keys = set(kept.column("key"))
    return results.take([n for n, key in enumerate(results.column("key")) if key not in kept_keys])


_PLACE = (
    "kind", "track", "cell.dataset", "cell.regime", "cell.protocol", "cell.cost",
    "cell.inputs.size", "cell.inputs.device", "cell.inputs.threads",
)  # fmt: skip


def _where(cell: Cell) -> Hashable:
    """What versions of a method at one place have in common besides its name: all that it was run on, seeds apart."""
    data = cell.dataset
    parts = [(part.display, part.spec, _items(part.versions)) for part in (cell.regime, cell.protocol)]
    return (cell.kind, cell.track, data.display, data.fingerprint, *parts, _setting(cell))


def _setting(cell: Cell) -> Hashable:
    """What a cost was measured with; of an input of before there is no size, and other cells have none."""
    if cell.kind == "cost" and cell.cost is not None:
        return str(cell.cost.size), cell.cost.device, cell.cost.threads
    measured = cell.inputs if cell.kind == "cost" else {}
    return str(measured.get("size")), measured.get("device"), measured.get("threads")


_SOURCES = ("dataset_sources", "regime_sources", "protocol_sources")
"""The source files of what a method was run on, in the inputs of a key. One cell may have more metrics than another."""


def _version(cell: Cell) -> Hashable:
    sources = (_items(cell.inputs.get(name) or {}) for name in _SOURCES)
    return _items(cell.method.versions), cell.method.source_sha256, weights_of(cell), *sources


def weights_of(cell: Cell) -> tuple[tuple[str, str], ...]:
    """Name and SHA-256 of each weight file that the key of a cell was made from, sorted."""
    weights = cell.inputs.get("weights")
    return tuple(sorted(weights.items())) if isinstance(weights, dict) else ()


def _items(mapping: Mapping[str, Hashable]) -> Hashable:
    return tuple(sorted(mapping.items()))
