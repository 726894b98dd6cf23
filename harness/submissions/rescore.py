"""Score the outputs of an entry again: inputs and truths are made here, the outputs alone are the entry's."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from msgspec import structs

from ..components.datasets import open_dataset
from ..components.registry import Bound, bind
from ..components.tracks import get_track
from ..planning.dataset_part import dataset_part, load_chosen
from ..planning.plan import metric_part
from ..store.cell import Cell
from ..store.record import Record, item_count
from ..text.errors import Skip, UsageError, one_line
from ..track.attacks import Attacks
from ..track.calling import item_row
from ..track.track_protocol import Track, case_of
from .archive import Hostile
from .entry import PackedEntry
from .named_programs import why_program


class Unscored(Exception):
    """Why the outputs of a cell cannot be scored here, in words."""


def scored_again(entry: PackedEntry, record: Record, rows: Sequence[int]) -> Record:
    """The rows of a cell scored anew from the outputs in the entry. Raises `Unscored` where what they are scored by is
    not here, and `Hostile` for what is no output, or not the one that the row has the hash of."""
    cell = record.cell
    track, dataset, regime, protocol, metrics = _bound(cell)
    known_parts = {name: metric_part(metric) for name, metric in zip(cell.metrics, metrics, strict=True)}
    opened = open_dataset(dataset)
    scored = []
    with tempfile.TemporaryDirectory(prefix="noisebench-verify-") as folder:
        for row in rows:
            item = load_chosen(dataset, opened, row, record.items[row], track)
            case = case_of(track, regime, item, cell.seed)
            file = Path(folder) / f"{row}.npy"
            file.write_bytes(entry.output(cell.key, row))
            where = f"{one_line(entry.path)}: the output of {one_line(item.id, 60)} in cell {cell.key[:12]}"
            try:
                output = track.outputs.load(file, case.wanted)
            except (OSError, ValueError) as error:
                raise Hostile(f"{where} is no {track.words.output} ({one_line(error, 80)})") from None
            file.unlink()
            if track.outputs.digest(output) != record.output_sha256[row]:
                raise Hostile(f"{where} is not the one that was scored: its hash is another")
            scored.append(item_row(track, item, case, output, 0.0, protocol, metrics))
    return replace(
        record,
        cell=structs.replace(cell, metrics=known_parts),
        items=[row["item"] for row in scored],
        input_sha256=[row["input_sha256"] for row in scored],
        output_sha256=[row["output_sha256"] for row in scored],
        scores={
            name: np.array([np.nan if row["scores"][name] is None else float(row["scores"][name]) for row in scored])
            for name in cell.metrics
        },
    )


def _bound(cell: Cell) -> tuple[Track, Bound, Bound, Bound, list[Bound]]:
    """What a cell is scored by, as it is here. Raises `Unscored` where that is not what it was scored by."""
    try:
        if why := why_program(cell):
            raise Unscored(why)
        track = get_track(cell.track)
        dataset, regime, protocol = (
            bind(part.display, kind, track.name)
            for kind, part in (("dataset", cell.dataset), ("regime", cell.regime), ("protocol", cell.protocol))
        )
        metrics = [bind(name, "metric", track.name) for name in cell.metrics]
        if isinstance(track, Attacks):
            raise Unscored("inputs that attack a method are made with it")
        versions = {name: metric_part(metric).version for name, metric in zip(cell.metrics, metrics, strict=True)}
        fingerprint = dataset_part(dataset, item_count(cell), track).fingerprint
    except (UsageError, Skip) as error:
        raise Unscored(one_line(error, 160)) from None
    for kind, part, bound in (("regime", cell.regime, regime), ("protocol", cell.protocol, protocol)):
        if (part.spec, part.versions) != (bound.canonical, bound.versions):
            raise Unscored(f"the {kind} here is of another version")
    if other := [name for name, part in cell.metrics.items() if part.version != versions[name]]:
        raise Unscored(f"{one_line(other[0], 60)} here is of another version")
    if fingerprint != cell.dataset.fingerprint:
        raise Unscored(f"dataset {cell.dataset.display} here has other {track.words.items}")
    return track, dataset, regime, protocol, metrics
