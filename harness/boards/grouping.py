"""Sort results into what may stand side by side: one group a board, one entry a method, items aligned."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import structs

from ..statistics.paired_tests import Floats
from ..store.cell import Cell
from ..store.record import Record, item_count, words_of
from ..store.results import Results
from ..store.versions import weights_of
from ..text.wording import by_number, counted
from .units import Units, units_of

GroupKey = tuple[Any, ...]
MethodKey = tuple[Any, ...]


def group_key(cell: Cell) -> GroupKey:
    """What a board has in common, its seeds apart: track, dataset, regime and protocol, each in its version."""
    data, regime, protocol = cell.dataset, cell.regime, cell.protocol
    return (
        cell.track,
        data.name, data.written or data.display, data.fingerprint,
        regime.display, regime.spec, tuple(sorted(regime.versions.items())),
        protocol.display, protocol.spec, tuple(sorted(protocol.versions.items())),
    )  # fmt: skip


def method_key(cell: Cell) -> MethodKey:
    """What makes two cells the same method: spec, versions, source and weights."""
    method = cell.method
    return (
        method.spec,
        tuple(sorted(method.versions.items())),
        method.source_sha256,
        method.display,
        weights_of(cell),
    )


def keys_of(results: Results) -> tuple[list[GroupKey], list[MethodKey]]:
    """Both keys of each result, made once for all that share the parts which they are made of."""
    places = results.each(group_key, "track", "cell.dataset", "cell.regime", "cell.protocol")
    return places, results.each(method_key, "cell.method", "cell.inputs.weights")


@dataclass(frozen=True)
class Group:
    """All cells of one track, dataset, regime and protocol whose methods were tried with all of `seeds`.

    `results` are those of the place with any seed, from which `methods` are picked.
    """

    key: GroupKey
    results: Results
    seeds: tuple[int, ...]
    methods: dict[MethodKey, Results]


def groups(results: Results) -> list[Group]:
    """One group for each track, dataset, regime, protocol and set of seeds, in sorted order.

    A method tried with more seeds also stands, with the seeds in common, on the board of the fewer ones.
    """
    scores = results.where(kind="score")
    places, methods = keys_of(scores)
    seed_of = scores.column("seed").__getitem__
    grouped: dict[GroupKey, dict[MethodKey, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, (place, method) in enumerate(zip(places, methods, strict=True)):
        grouped[place][method].append(number)
    result = []
    for key in sorted(grouped, key=_in_order):
        of_place = scores.take([number for numbers in grouped[key].values() for number in numbers])
        picked: dict[MethodKey, Results] = {}
        tried: dict[MethodKey, list[int]] = {}
        for method, numbers in sorted(grouped[key].items(), key=lambda pair: _in_order(pair[0])):
            numbers.sort(key=seed_of)
            of_method, by_seed = scores.take(numbers), [*map(seed_of, numbers)]
            tried[method] = sorted(set(by_seed))
            same = len(numbers) == len(tried[method])
            picked[method] = of_method if same else Results.of(map(pick, of_method.grouped(by_seed).values()))
        for seeds in sorted({tuple(of_method) for of_method in tried.values()}):
            positions = {
                m: [of_method.index(s) for s in seeds] for m, of_method in tried.items() if set(seeds) <= set(of_method)
            }
            result.append(Group(key, of_place, seeds, {m: picked[m].take(numbers) for m, numbers in positions.items()}))
    return result


def _in_order(key: GroupKey | MethodKey) -> tuple[Any, ...]:
    """The key with its texts as they are sorted."""
    return tuple(by_number(part) if isinstance(part, str) else part for part in key)


def pick(results: Results) -> Record:
    """One of several results of one method and seed: the newest ok one with most metrics, completed by the others."""
    if len(results) == 1:
        return results[0]
    ordered = sorted(results, key=lambda r: (-len(r.cell.metrics), r.cell.key))
    ordered.sort(key=lambda r: r.asked, reverse=True)
    ordered.sort(key=lambda r: r.cell.outcome != "ok")
    first = ordered[0]
    if first.cell.outcome != "ok":
        return first
    scores, metrics = dict(first.scores), dict(first.cell.metrics)
    for other in ordered[1:]:
        same = (other.items, other.output_sha256) == (first.items, first.output_sha256)
        if other.cell.outcome == "ok" and same:
            for name, part in other.cell.metrics.items():
                if name not in metrics and name in other.scores:
                    metrics[name], scores[name] = part, other.scores[name]
    if len(metrics) == len(first.cell.metrics):
        return first
    cell: Cell = structs.replace(first.cell, metrics=metrics)
    return replace(first, cell=cell, scores=scores)


def labels(methods: Iterable[MethodKey]) -> dict[MethodKey, str]:
    """The display form of each method, with the start of its source hash where two would look the same."""
    keys = sorted(methods)
    shown = Counter(key[3] for key in keys)
    result: dict[MethodKey, str] = {}
    taken: set[str] = set()
    for key in keys:
        label = key[3] if shown[key[3]] == 1 else f"{key[3]} [{str(key[2])[:8]}]"
        unique, number = label, 2
        while unique in taken:
            unique, number = f"{label} #{number}", number + 1
        taken.add(unique)
        result[key] = unique
    return result


class Alignment:
    """The items of a board in sorted order, and the rows of each record brought into that order."""

    def __init__(self, results: Results) -> None:
        self._orders: dict[tuple[str, ...], npt.NDArray[np.intp]] = {}
        self._known: dict[int, tuple[list[str], npt.NDArray[np.intp]]] = {}
        self._inputs: dict[int, tuple[list[str], list[str], tuple[str, ...]]] = {}
        self._digests: dict[tuple[Any, ...], str] = {}
        whole = (r for r in results if r.cell.outcome == "ok" and self.why_not_whole(r) is None)
        complete = Counter(tuple(sorted(r.items)) for r in whole)
        self.items = min(complete, key=lambda items: (-complete[items], items)) if complete else ()

    @staticmethod
    def why_not_whole(record: Record) -> str | None:
        """Why the rows of an ok record are not the whole dataset."""
        wanted, have, words = item_count(record.cell), len(record.items), words_of(record.cell)
        if have != wanted:
            return f"{have} of {counted(wanted, words['item'], words['items'])} {'is' if have == 1 else 'are'} stored"
        if len(set(record.items)) != have:
            return f"one {words['item']} is stored twice"
        return None if have else f"the dataset has no {words['items']}"

    def order(self, record: Record) -> npt.NDArray[np.intp]:
        """Positions of the rows of `record` in the order of `items`."""
        # Records of one store share their items; the list is held so that its number stays its own.
        aligned, order = self._known.get(id(record.items), (None, None))
        if aligned is not record.items or order is None:
            key = tuple(record.items)
            if key not in self._orders:
                self._orders[key] = np.array(sorted(range(len(key)), key=key.__getitem__), dtype=np.intp)
            order = self._orders[key]
            self._known[id(record.items)] = record.items, order
        return order

    def inputs(self, record: Record) -> tuple[str, ...]:
        """`input_sha256` of each item, in the order of `items`."""
        items, inputs, ordered = self._inputs.get(id(record.input_sha256), ([], [], ()))
        if inputs is not record.input_sha256 or items is not record.items:
            ordered = tuple(record.input_sha256[i] for i in self.order(record).tolist())
            self._inputs[id(record.input_sha256)] = record.items, record.input_sha256, ordered
        return ordered

    def digest(self, results: Iterable[Record]) -> str:
        """SHA-256 of the seeds and inputs of results: equal where they were given the same."""
        seen = tuple((r.cell.seed, self.inputs(r)) for r in results)
        if seen not in self._digests:
            self._digests[seen] = digest(f"{seed} {sha}" for seed, inputs in seen for sha in inputs)
        return self._digests[seen]

    def units(self, results: Results) -> Units:
        """Which items are one unit, by every record that has them all."""
        declared: dict[tuple[Any, ...], Record] = {}
        for r in results:
            if r.cell.outcome == "ok" and self.why_not_whole(r) is None and tuple(sorted(r.items)) == self.items:
                # Most records are of the same inputs: one of them says it all.
                data = r.cell.dataset
                declared.setdefault((r.cell.seed, self.inputs(r), bool(data.groups), bool(data.same)), r)
        chosen = tuple(declared.values())
        return units_of(chosen, [self.order(r).tolist() for r in chosen])

    def values(self, results: Iterable[Record], metric: str) -> Floats:
        """Scores (seeds, items) in the order of `items`."""
        return np.stack([np.asarray(r.scores[metric], dtype=np.float64)[self.order(r)] for r in results])


def digest(lines: Iterable[str]) -> str:
    """SHA-256 of texts, one a line."""
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
