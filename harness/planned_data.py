"""What a plan reads of datasets: the items that are chosen, those that are trained on, and what of them is the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from .components import open_dataset
from .errors import UsageError, refuse_all
from .planned_cell import part
from .registry import Bound
from .store.keys import combined
from .store.record import DatasetPart
from .track import Dataset, IsMade, SeesAlike, Track, Trains

T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """What the part of a cell that names its dataset needs of an item; `sketch` is None where its track has none."""

    line: str
    group: str
    sketch: Any


def look_at(item: Any, track: Track) -> Seen:
    """See an item. Raises `UsageError` for one that the track does not take."""
    line = track.identify(item)
    return Seen(line, getattr(item, "group", "") or "", track.sketch(item) if isinstance(track, SeesAlike) else None)


def chosen_ids(bound: Bound, dataset: Dataset, limit: int | None, track: Track) -> Sequence[str]:
    """The ids of the items chosen, in order. Raises `UsageError` where there is none, or one stands for several."""
    total = len(dataset.ids)
    n = total if limit is None else min(limit, total)
    if n == 0:
        raise UsageError(f"dataset {bound.display} has no {track.words.items}")
    if len(set(dataset.ids)) != total:
        raise UsageError(f"dataset {bound.display} gives the same id to several {track.words.items}")
    return dataset.ids[:n]


def dataset_part(bound: Bound, limit: int | None, track: Track) -> DatasetPart:
    """What is stored of a dataset, with the fingerprint of the items chosen. Reads each once. Raises `UsageError`."""
    dataset = open_dataset(bound)
    ids, seen, mistakes = chosen_ids(bound, dataset, limit, track), [], []
    for index in range(len(ids)):
        try:
            seen.append(look_at(dataset.load(index), track))
        except UsageError as error:
            mistakes.append(str(error))
    refuse_all(mistakes, len(ids), track.words.items)
    return part_of_items(bound, ids, seen, len(dataset.ids), track)


def part_of_items(bound: Bound, ids: Sequence[str], seen: Sequence[Seen], total: int, track: Track) -> DatasetPart:
    """What is stored of a dataset of `total` items, of which those named by `ids` were chosen and seen."""
    groups: dict[str, list[str]] = {}
    for name, one in zip(ids, seen, strict=True):
        if one.group:
            groups.setdefault(one.group, []).append(name)
    fingerprint = combined(one.line for one in seen)
    made: dict[str, Any] = {**part(bound), "fingerprint": fingerprint, "items": len(ids), "total": total}
    if groups:
        made["groups"] = groups
    if isinstance(track, SeesAlike):
        same, overlaps = track.alike([one.sketch for one in seen])
        named = {item: group for group, items in groups.items() for item in items}
        # What is one unit already needs no warning.
        first = {ids[i]: place for place, places in enumerate(same) for i in places}
        pairs = [
            [ids[i], ids[j]]
            for i, j in overlaps
            if first.get(ids[i], ids[i]) != first.get(ids[j], ids[j])
            and named.get(ids[i], ids[i]) != named.get(ids[j], ids[j])
        ]
        made |= {"same": [[ids[i] for i in places] for places in same]} if same else {}
        made |= {"overlaps": pairs} if pairs else {}
    return cast(DatasetPart, made)


def _training_set(bound: Bound, track: Track) -> tuple[DatasetPart, dict[str, str]]:
    """What is stored of a training set, and its ids by their truths; items that are made are not read, others once."""
    assert isinstance(track, Trains)
    dataset = open_dataset(bound)
    lines, truths = [], {}
    for index, item_id in enumerate(dataset.ids):
        if isinstance(dataset, IsMade):
            line, truth = f"{item_id!r} {dataset.made(index)}", dataset.made(index)
        else:
            item = dataset.load(index)
            line, truth = track.identify(item), track.truth_sha256(item)
        lines.append(line)
        truths[truth] = item_id
    made: dict[str, Any] = {
        **part(bound), "fingerprint": combined(lines), "items": len(lines), "total": len(lines),
    }  # fmt: skip
    return cast(DatasetPart, made), truths


def _tested_truths(bound: Bound, limit: int | None, track: Trains) -> list[tuple[str, str]]:
    """The truth and the id of each item that is tested."""
    dataset = open_dataset(bound)
    chosen = list(enumerate(dataset.ids))[:limit]
    if isinstance(dataset, IsMade):
        return [(dataset.made(index), item_id) for index, item_id in chosen]
    return [(track.truth_sha256(dataset.load(index)), item_id) for index, item_id in chosen]


class Reading:
    """What was read of datasets for one plan, so that several plans read each once."""

    def __init__(self) -> None:
        self._read: dict[tuple[Any, ...], Any] = {}

    def dataset_part(self, bound: Bound, limit: int | None, track: Track) -> DatasetPart:
        """As `dataset_part`."""
        return self._once(("tested", track.name, bound.canonical, limit), lambda: dataset_part(bound, limit, track))

    def training_set(self, bound: Bound, track: Track) -> tuple[DatasetPart, dict[str, str]]:
        """As `_training_set`."""
        return self._once(("trained on", track.name, bound.canonical), lambda: _training_set(bound, track))

    def tested_truths(self, bound: Bound, limit: int | None, track: Trains) -> list[tuple[str, str]]:
        """As `_tested_truths`."""
        key = ("truths", cast(Track, track).name, bound.canonical, limit)
        return self._once(key, lambda: _tested_truths(bound, limit, track))

    def _once(self, key: tuple[Any, ...], read: Callable[[], T]) -> T:
        if key not in self._read:
            self._read[key] = read()
        return cast(T, self._read[key])
