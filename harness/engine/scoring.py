"""Score the items of a cell: read and pose each, have its output made, and leave a durable row of its scores."""

from __future__ import annotations

import itertools
import json
from bisect import bisect, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import structs

from ..components.datasets import open_dataset
from ..components.plugins import load_plugin
from ..components.registry import Bound, bind
from ..components.tracks import get_track
from ..data.disk import noticing_full_disk, write_file
from ..planning.cells import PlannedCell, plugins_of
from ..planning.kept_parts import forget_parts
from ..store.cell import SetPart
from ..store.cell_json import plain_values
from ..store.cells import append_row, read_rows, valid_length
from ..store.keys import combined
from ..store.mistakes import PICTURED, Noted, mistakes_text, noted, pictured_in
from ..store.outputs import FindsMistakes, Kept, OutputFiles, drop_outputs, kept_items, output_file, save_output
from ..store.previews import panel_text
from ..store.record import item_count
from ..text.errors import UsageError, noting_item
from ..track.calling import item_row
from ..track.dataset_protocol import Dataset
from ..track.order import presented, scored_in_order
from ..track.posed_case import Case
from ..track.set_metrics import Collector, HasSetMetrics
from ..track.track_protocol import Track, case_of
from .messages import Job, Tell


@dataclass(frozen=True)
class Scoring:
    """What a cell is scored by; `reader` is the thread that reads its dataset."""

    track: Track
    dataset: Dataset
    regime: Bound
    protocol: Bound
    metrics: Sequence[Bound]
    reader: ThreadPoolExecutor


@dataclass(frozen=True)
class PosedItem:
    """One item with its case, ready for the method."""

    index: int
    item: Any
    case: Case


ItemOutput = tuple[PosedItem, Any, float]
"""An item, the output for it, and the seconds that it took."""


def scoring_of(cell: PlannedCell, reader: ThreadPoolExecutor) -> tuple[Scoring, bool]:
    """What scores the cell, and whether plug-ins were imported: only where one has part in it, for a method may lie
    in the same file."""
    try:
        return _bound_scoring(cell, reader), False
    except UsageError:
        for file in plugins_of(cell):
            load_plugin(file)
        return _bound_scoring(cell, reader), True


def _bound_scoring(cell: PlannedCell, reader: ThreadPoolExecutor) -> Scoring:
    track = get_track(cell.track)
    dataset = bind(cell.dataset.display, "dataset", track.name)
    return Scoring(
        track,
        # What a dataset opens may be bound to the thread that opened it.
        reader.submit(open_dataset, dataset).result(),
        bind(cell.regime.display, "regime", track.name),
        bind(cell.protocol.display, "protocol", track.name),
        [bind(m, "metric", track.name) for m in cell.metrics],
        reader,
    )


def _posed_items(scoring: Scoring, seed: int, indices: Iterable[int]) -> Iterator[Future[PosedItem]]:
    """Items with their cases, in that order; one is read and posed in a thread of its own while the caller is busy."""

    def pose(index: int) -> PosedItem:
        with noting_item(scoring.track.words.item, scoring.dataset.ids[index]):
            item = scoring.dataset.load(index)
            return PosedItem(index, item, case_of(scoring.track, scoring.regime, item, seed))

    coming: Future[PosedItem] | None = None
    for index in indices:
        after = scoring.reader.submit(pose, index)
        if coming is not None:
            yield coming
        coming = after
    if coming is not None:
        yield coming


def score_items(
    job: Job,
    folder: Path,
    tell: Tell,
    scoring: Scoring,
    outputs_of: Callable[[Iterator[Future[PosedItem]]], Iterator[ItemOutput]],
    donor: Kept | None,
) -> dict[str, SetPart]:
    """A durable row an item, from where an earlier run stopped; `donor` where no output is made anew.

    Returns the set metrics of the cell, complete.
    """
    cell, key, track = job.cell, job.cell.key, scoring.track
    n = item_count(cell)
    keeper = _OutputKeeper(track.outputs, folder, Path(job.store), kept_items(job.keep, n), donor)
    judge = track.outputs if keeper.places and isinstance(track.outputs, FindsMistakes) else None
    rows = _valid_rows(job, keeper, judged=judge is not None)
    length = valid_length(folder, rows)
    lines = {row["index"]: row["line"] for row in rows}
    with noticing_full_disk(folder):
        drop_outputs(folder, lines)
    collector = _collector(job, folder, scoring, rows)
    mistakes = _MistakeNotes(judge, rows) if judge is not None else None
    due = [index for index in presented(scoring.dataset.ids[:n], cell.seed) if index not in lines]
    for posed, output, elapsed in outputs_of(_posed_items(scoring, cell.seed, due)):
        index, item, case = posed.index, posed.item, posed.case
        with noting_item(track.words.item, item.id):
            row: dict[str, Any] = {**item_row(track, item, case, output, elapsed, scoring.protocol, scoring.metrics)}
        if collector is not None:
            row["features"] = collector.take(output, item)
        keeper.keep(posed, output)
        if mistakes is not None:
            row["mistake"] = mistakes.note(posed, output, scoring.protocol)
        lines[index] = track.identify(item)
        row = {"key": key, "index": index, "line": lines[index], "donor": job.donor, **row}
        append_row(folder, row, length)
        rows.append(row)
        length += len(json.dumps(row)) + 1
        tell({"event": "item", "n": len(lines), "of": n})
    if combined(lines[i] for i in range(n)) != cell.dataset.fingerprint:
        forget_parts(Path(job.store))
        raise UsageError(
            f"{track.words.items} of {cell.dataset.display} changed while the run was under way: run again"
        )
    if mistakes is not None:
        with noticing_full_disk(folder):
            write_file(folder / "mistakes.json", mistakes.text.encode())
    results = {}
    if collector is not None:
        places, features = [row["index"] for row in rows], [row["features"] for row in rows]
        results = scored_in_order(collector, partial(_collector_of, job, scoring), places, features, folder)
    return {name: structs.replace(part, **results[name]) for name, part in cell.sets.items()}


@dataclass(frozen=True)
class _OutputKeeper:
    """Keeps the outputs of the items at some `places`, in the folder of a cell. Where another cell is the `donor` of
    all outputs, it lends its files."""

    outputs: OutputFiles
    folder: Path
    store: Path
    places: Set[int]
    donor: Kept | None

    def keep(self, posed: PosedItem, output: Any) -> None:
        """Keep the output for an item where it is one of them, with what is there to be looked at."""
        if posed.index not in self.places:
            return
        with noticing_full_disk(self.folder):
            if self.donor is None:
                save_output(self.folder, posed.index, output, self.outputs)
            else:
                self.donor.lend(posed.index, self.folder)
            self.outputs.preview(self.store, self.folder / "outputs", posed.index, posed.item, posed.case, output)
        if posed.index == min(self.places):
            panel = self.outputs.panel(posed.item, posed.case, output)
            if panel is not None:
                with noticing_full_disk(self.folder):
                    write_file(self.folder / "panel.json", panel_text(posed.item.id, panel).encode())

    def has_kept(self, index: int) -> bool:
        """Whether the output for an item is there, or need not be."""
        return index not in self.places or output_file(self.folder, index, self.outputs.suffix).exists()


class _MistakeNotes:
    """What a cell got wrong so far, by the places of its items, with pictures of the first."""

    def __init__(self, judge: FindsMistakes, rows: Iterable[Mapping[str, Any]]) -> None:
        self._judge = judge
        self._by_place: dict[int, Noted] = {row["index"]: row["mistake"] for row in rows}
        self._pictured = sorted(pictured_in(self._by_place))

    def note(self, posed: PosedItem, output: Any, protocol: Bound) -> Noted:
        """Judge an output: what its row says of it."""
        first = bisect(self._pictured, posed.index) < PICTURED  # of those that are known so far
        mistake = self._judge.mistake(posed.item, posed.case, output, protocol, pictured=first)
        if mistake is not None and mistake.picture is not None:
            insort(self._pictured, posed.index)
        self._by_place[posed.index] = noted(mistake)
        return self._by_place[posed.index]

    @property
    def text(self) -> str:
        """All of them, as a file."""
        return mistakes_text(self._by_place)


def _valid_rows(job: Job, keeper: _OutputKeeper, *, judged: bool) -> list[dict[str, Any]]:
    """The rows of an earlier run that need not be made again, in the order in which items were presented.

    Those of a run that had its outputs from elsewhere, or kept none that are due, or were not judged, and all after
    them, are made again.
    """

    def is_valid(row: Mapping[str, Any]) -> bool:
        return row.get("donor") == job.donor and (not judged or "mistake" in row) and keeper.has_kept(row["index"])

    return list(itertools.takewhile(is_valid, read_rows(keeper.folder, job.cell.key)))


def _collector(job: Job, folder: Path, scoring: Scoring, rows: list[dict[str, Any]]) -> Collector | None:
    """What takes features for the set metrics of a cell, going on after `rows`; None where it has none."""
    if not job.cell.sets or not isinstance(scoring.track, HasSetMetrics):
        return None
    return _collector_of(job, scoring, folder, [row["features"] for row in rows])


def _collector_of(job: Job, scoring: Scoring, folder: Path, features: Iterable[Any]) -> Collector:
    sets, n = plain_values(job.cell.sets), item_count(job.cell)
    track: Any = scoring.track
    collector: Collector = track.collector(sets, folder, n, protocol=scoring.protocol, taken=features)
    return collector
