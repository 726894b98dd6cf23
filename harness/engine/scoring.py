"""Score the items of a cell: read and pose each, have its output made, and leave a durable row of its scores."""

from __future__ import annotations

import itertools
import json
from bisect import bisect, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from ..store.outputs import FindsMistakes, Kept, drop_outputs, kept_items, output_file, save_output
from ..store.previews import panel_text
from ..store.record import item_count
from ..text.errors import UsageError, noting_item
from ..track.calling import item_row
from ..track.order import presented, scored_in_order
from ..track.protocols import Case, Collector, Dataset, HasSetMetrics, Track, case_of
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
    kept: Kept | None,
) -> dict[str, SetPart]:
    """A durable row an item, from where an earlier run stopped; `kept` where no output is made anew.

    Returns the set metrics of the cell, complete.
    """
    cell, key, track = job.cell, job.cell.key, scoring.track
    n = item_count(cell)
    keep = kept_items(job.keep, n)
    judge = track.outputs if keep and isinstance(track.outputs, FindsMistakes) else None

    def holds(row: Mapping[str, Any]) -> bool:
        file = output_file(folder, row["index"], track.outputs.suffix)
        judged = judge is None or "mistake" in row
        return row.get("donor") == job.donor and judged and (row["index"] not in keep or file.exists())

    # Rows are in the order in which items were presented. Those of a run that had its outputs from elsewhere, or kept
    # none that are due, or were not judged, and all after them, are made again.
    rows = list(itertools.takewhile(holds, read_rows(folder, key)))
    length = valid_length(folder, rows)
    lines = {row["index"]: row["line"] for row in rows}
    with noticing_full_disk(folder):
        drop_outputs(folder, lines)
    taker = _collector(job, folder, scoring, rows)
    mistakes: dict[int, Noted] = {row["index"]: row["mistake"] for row in rows if "mistake" in row}
    pictured = sorted(pictured_in(mistakes))
    due = [index for index in presented(scoring.dataset.ids[:n], cell.seed) if index not in lines]
    posed = _posed_items(scoring, cell.seed, due)
    for one, output, elapsed in outputs_of(posed):
        index, item, case = one.index, one.item, one.case
        with noting_item(track.words.item, item.id):
            row: dict[str, Any] = {**item_row(track, item, case, output, elapsed, scoring.protocol, scoring.metrics)}
        if taker is not None:
            row["features"] = taker.take(output, item)
        if index in keep:
            with noticing_full_disk(folder):
                if kept is None:
                    save_output(folder, index, output, track.outputs)
                else:
                    kept.lend(index, folder)
                track.outputs.preview(Path(job.store), folder / "outputs", index, item, case, output)
        if keep and index == min(keep) and (shown := track.outputs.panel(item, case, output)) is not None:
            with noticing_full_disk(folder):
                write_file(folder / "panel.json", panel_text(item.id, shown).encode())
        if judge is not None:
            first = bisect(pictured, index) < PICTURED  # of those that are known so far
            wrong = judge.mistake(item, case, output, scoring.protocol, pictured=first)
            if wrong is not None and wrong.picture is not None:
                insort(pictured, index)
            row["mistake"] = mistakes[index] = noted(wrong)
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
    if judge is not None:
        with noticing_full_disk(folder):
            write_file(folder / "mistakes.json", mistakes_text(mistakes).encode())
    results = {}
    if taker is not None:
        places, taken = [row["index"] for row in rows], [row["features"] for row in rows]
        results = scored_in_order(taker, partial(_collector_of, job, scoring), places, taken, folder)
    return {name: structs.replace(part, **results[name]) for name, part in cell.sets.items()}


def _collector(job: Job, folder: Path, scoring: Scoring, rows: list[dict[str, Any]]) -> Collector | None:
    """What takes features for the set metrics of a cell, going on after `rows`; None where it has none."""
    if not job.cell.sets or not isinstance(scoring.track, HasSetMetrics):
        return None
    return _collector_of(job, scoring, folder, [row["features"] for row in rows])


def _collector_of(job: Job, scoring: Scoring, folder: Path, taken: Iterable[Any]) -> Collector:
    sets, n = plain_values(job.cell.sets), item_count(job.cell)
    track: Any = scoring.track
    collector: Collector = track.collector(sets, folder, n, protocol=scoring.protocol, taken=taken)
    return collector
