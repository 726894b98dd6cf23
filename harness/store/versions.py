"""Versions of a method in one store: which of them was asked for last, at each place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

from .cell import Cell
from .record import Record


def newest(records: Sequence[Record]) -> list[Record]:
    """The records without older versions of the same method at the same place, in their order.

    A version is the code of a method, dataset, regime and protocol, and the weights; a place has all seeds. The newest
    is the one that a run asked for last. Where no record says when that was, as in exports of earlier versions of
    noisebench, all are kept.
    """
    last: dict[Hashable, dict[Hashable, str]] = defaultdict(dict)
    # Cells of one index share their parts: what is made of those is made once.
    wheres: dict[Hashable, Hashable] = {}
    made: dict[Hashable, Hashable] = {}
    known = []
    for record in records:
        cell, method = record.cell, record.cell.method
        parts = (cell.kind, cell.track, id(cell.dataset), id(cell.regime), id(cell.protocol))
        where = _where(cell) if cell.kind == "cost" else wheres.get(parts)
        if where is None:
            where = wheres[parts] = _where(cell)
        what = (id(method), weights_of(cell), *(id(cell.inputs.get(name)) for name in _SOURCES))
        if what not in made:
            made[what] = _version(cell)
        known.append((record, last[method.spec, method.display, where], made[what]))
    for record, versions, version in known:
        versions[version] = max(versions.get(version, ""), record.asked)
    return [r for r, versions, version in known if len(versions) == 1 or versions[version] == max(versions.values())]


def latest_sources(records: Iterable[Record]) -> dict[tuple[str, str], str]:
    """Track and spec of each method that has scores of several sources → the source that a run asked for last.

    Where no record says when that was, it is the one of most scores.
    """
    seen: dict[tuple[str, str], dict[str, tuple[str, int]]] = defaultdict(dict)
    for record in records:
        cell = record.cell
        if cell.kind == "score":
            sources, sha = seen[cell.track, cell.method.spec], cell.method.source_sha256
            last, count = sources.get(sha, ("", 0))
            sources[sha] = max(last, record.asked), count + 1
    return {method: max(own, key=own.__getitem__) for method, own in seen.items() if len(own) > 1}


def older(records: Sequence[Record], kept: Sequence[Record]) -> list[Record]:
    """The records that `newest` did not keep."""
    held = {id(record) for record in kept}
    return [record for record in records if id(record) not in held]


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


def _items(found: Mapping[str, Hashable]) -> Hashable:
    return tuple(sorted(found.items()))
