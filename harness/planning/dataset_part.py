"""The stored part of a dataset: each item that is tested is read once, and what it shares with others is noted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from ..components.datasets import load_item, open_dataset, text_ids
from ..components.registry import Bound
from ..store.cell import DatasetPart
from ..store.keys import combined
from ..text.errors import UsageError, one_line, refuse_all
from ..track.alike_items import SeesAlike
from ..track.dataset_protocol import Dataset
from ..track.item_traits import HasChannels
from ..track.track_protocol import Track, identified
from .cells import part

_AT_ONCE = min(4, os.cpu_count() or 1)
"""Files that are read at once: decoding, hashing and sketching them leave Python alone."""


@dataclass(frozen=True)
class Traits:
    """What a `DatasetPart` needs to know of an item; None for what its track does not see."""

    line: str
    group: str
    sketch: Any
    channels: int | None


def traits_of(item: Any, track: Track) -> Traits:
    """The traits of an item. Raises `UsageError` for one that the track refuses."""
    line = identified(track, item)
    return Traits(
        line,
        getattr(item, "group", "") or "",
        track.sketch(item) if isinstance(track, SeesAlike) else None,
        track.channels(item) if isinstance(track, HasChannels) else None,
    )


def chosen_ids(bound: Bound, dataset: Dataset, limit: int | None, track: Track) -> Sequence[str]:
    """The ids of the chosen items, in order. Raises `UsageError` for no item, and for an id of several items."""
    total = len(dataset.ids)
    n = total if limit is None else min(limit, total)
    if n == 0:
        raise UsageError(f"dataset {bound.display} has no {track.words.items}")
    if len(set(text_ids(bound, dataset))) != total:
        raise UsageError(f"dataset {bound.display} gives the same id to several {track.words.items}")
    return dataset.ids[:n]


def dataset_part(bound: Bound, limit: int | None, track: Track) -> DatasetPart:
    """The stored part of a dataset, with the fingerprint of the chosen items; reads each once. Raises `UsageError`.

    Items that are files are read side by side.
    """
    dataset = open_dataset(bound)
    ids = chosen_ids(bound, dataset, limit, track)

    def read(index: int) -> Traits | str:
        """The traits of an item, or why there are none."""
        try:
            return traits_of(load_chosen(bound, dataset, index, ids[index], track), track)
        except UsageError as error:
            return str(error)
        except Exception as error:
            return f"{_where(bound, ids[index], track)}: {type(error).__name__}: {one_line(error)}"

    if reads_files_alone(bound, dataset):
        first = read(0)  # alone, for what a dataset finds out once
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            answers = [first, *threads.map(read, range(1, len(ids)))]
    else:
        answers = list(map(read, range(len(ids))))
    traits = [one for one in answers if isinstance(one, Traits)]
    refuse_all([one for one in answers if isinstance(one, str)], len(ids), track.words.items)
    return part_of_items(bound, ids, traits, len(dataset.ids), track)


def reads_files_alone(bound: Bound, dataset: Dataset) -> bool:
    """Whether a dataset comes with noisebench, and says that its items are what is in its files."""
    built_in = bound.entry.obj.__module__.startswith(f"{__name__.partition('.')[0]}.datasets.")
    return built_in and bool(bound.entry.meta.get("own_files") or getattr(dataset, "reads_files_alone", False))


def load_chosen(bound: Bound, dataset: Dataset, index: int, item_id: str, track: Track) -> Any:
    """An item of a dataset, as `load_item` gives it. Raises `UsageError` where its id is another one, too."""
    item = load_item(bound, dataset, index, track)
    if item.id != item_id:
        raise UsageError(f"{_where(bound, item_id, track)}: what `load` gives has the id {one_line(repr(item.id), 60)}")
    return item


def _where(bound: Bound, item_id: str, track: Track) -> str:
    return f"dataset {bound.display}, {track.words.item} {one_line(item_id, 60)!r}"


def part_of_items(bound: Bound, ids: Sequence[str], traits: Sequence[Traits], total: int, track: Track) -> DatasetPart:
    """The stored part of a dataset of `total` items, of which `ids` were chosen."""
    groups: dict[str, list[str]] = {}
    for name, one in zip(ids, traits, strict=True):
        if one.group:
            groups.setdefault(one.group, []).append(name)
    fingerprint = combined(one.line for one in traits)
    stored = DatasetPart(
        **structs.asdict(part(bound)), fingerprint=fingerprint, items=len(ids), total=total, groups=groups
    )
    if isinstance(track, HasChannels):
        stored = structs.replace(stored, channels=sorted({one.channels for one in traits}))
    if isinstance(track, SeesAlike):
        same, overlaps = track.alike([one.sketch for one in traits])
        named = {item: group for group, items in groups.items() for item in items}
        # Items of one unit need no warning.
        first = {ids[i]: place for place, places in enumerate(same) for i in places}
        pairs = [
            [ids[i], ids[j]]
            for i, j in overlaps
            if first.get(ids[i], ids[i]) != first.get(ids[j], ids[j])
            and named.get(ids[i], ids[i]) != named.get(ids[j], ids[j])
        ]
        stored = structs.replace(stored, same=[[ids[i] for i in places] for places in same], overlaps=pairs)
    return stored
