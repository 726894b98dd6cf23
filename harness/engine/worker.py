"""The scorer of one cell, in a process of its own: load, pose, have the method called, score, a durable row an item."""

from __future__ import annotations

import itertools
import json
import math
import socket
import time
from bisect import bisect, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import structs

from ..components.datasets import open_dataset
from ..components.plugins import load_plugin
from ..components.registry import Bound, bind
from ..components.tracks import get_track
from ..data.disk import DiskFull, noticing_full_disk, write_file
from ..planning.cells import PlannedCell, folders_of, plugins_of
from ..store.cell import Cost, Rescored, SetPart
from ..store.cell_json import checked, plain_values
from ..store.cells import append_row, partial_dir, read_rows, valid_length
from ..store.keys import combined
from ..store.mistakes import PICTURED, Noted, mistakes_text, noted, pictured_in
from ..store.outputs import (
    ChecksOutputs,
    FindsMistakes,
    Kept,
    LostOutput,
    drop_outputs,
    kept_items,
    open_kept,
    output_file,
    save_output,
)
from ..store.previews import panel_text
from ..store.record import item_count
from ..text.errors import Invalid, UsageError, noting_item, one_line, with_item
from ..track.calling import item_row, reveal
from ..track.order import presented, scored_in_order
from ..track.protocols import Attacks, Case, Collector, Dataset, HasSetMetrics, Track, case_of
from .channel import HungUp, ask, read_answer
from .messages import Ending, Job, MethodEnded, Tell, checkpoints_of
from .method_process import Task, ending_of
from .opened_files import keep_opened
from .outside_cost import outside_cost
from .sandbox import own_plugins
from .sandboxed_plugins import import_in_sandbox
from .train_cell import train_cell

DONE, SPENT, HUNG_UP, FULL = b"D", b"S", b"H", b"F"
"""How scoring a cell went: `end.json` is there, and so it is but by an error or a plug-in's code; the method's process
has ended, or closed its channel; the disk is full."""


@dataclass(frozen=True)
class _Scoring:
    """What a cell is scored by; `ahead` is the thread that reads its dataset."""

    track: Track
    dataset: Dataset
    regime: Bound
    protocol: Bound
    metrics: Sequence[Bound]
    ahead: ThreadPoolExecutor


@dataclass(frozen=True)
class _Posed:
    """One item with its case, ready for the method."""

    index: int
    item: Any
    case: Case


Made = tuple[_Posed, Any, float]
"""An item, the output for it, and the seconds that it took."""


@dataclass(frozen=True)
class _Method:
    """The method's process: the channel that leads to it, where what it opens of its own `folders` is kept, and whom
    it is told how far a call is. Its `sources` are known by their fingerprints."""

    channel: socket.socket
    folders: Mapping[str, str]
    sources: Mapping[str, str]
    folder: Path
    store: Path
    tell: Tell

    def ask(self, *question: Any) -> None:
        """Ask, and do something else until it has `answered`. Raises `HungUp`."""
        ask(self.channel, *question)

    def asked(self, *question: Any) -> Any:
        """What it answers. Raises `HungUp`, `MethodEnded`, `Invalid`."""
        self.ask(*question)
        return self.answered()

    def answered(self) -> Any:
        """Its next answer."""
        reply = read_answer(self.channel)
        try:
            while "progress" in reply:
                done, of = reply["progress"]
                self.tell({"event": "within", "n": int(done), "of": int(of)})
                reply = read_answer(self.channel)
            if "opened" in reply:
                keep_opened(reply["opened"], self.folders, self.folder, self.store, self.sources)
            if "value" in reply:
                return reply["value"]
            said = reply["end"]
            outcome = said["outcome"]
            ending = Ending(
                outcome=outcome if outcome in ("skipped", "invalid", "oom") else "failed",
                reason=one_line(said["reason"]),
                traceback=str(said.get("traceback", ""))[-4000:],
                needs=one_line(said.get("needs", "")),
                finite=said.get("finite") is not False,
            )
        except (TypeError, KeyError, ValueError, AttributeError):
            raise Invalid("its process sent something that is no answer") from None
        raise MethodEnded(ending)


def _score_cell(job: Job, folder: Path, tell: Tell, scoring: _Scoring, method: _Method) -> Ending:
    cell = job.cell
    n = item_count(cell)
    start = time.perf_counter()
    opened = method.asked("open", _task(job))
    setup = time.perf_counter() - start
    try:
        setup = _seconds(opened["seconds"]) if job.sandbox is None else setup
        device = _device(opened["device"], job)
    except (TypeError, KeyError):
        raise Invalid("its process sent something that is no answer") from None
    shown = cell.shown
    notes = list(map(one_line, method.asked("expect", scoring.dataset.ids, n))) if shown == "id" else []

    clocks = ThreadPoolExecutor(1)  # a thread of it starts where a sandboxed method is waited for

    def made(posed: Iterator[Future[_Posed]]) -> Iterator[Made]:
        """The method is at work on the next item while the one before it is scored."""

        def give(one: _Posed) -> tuple[_Posed, Future[_Answer] | None]:
            if isinstance(scoring.track, Attacks):
                one = replace(
                    one, case=scoring.track.attacked(scoring.regime, one.item, one.case, cell.seed, gradients)
                )
            method.ask("call", reveal(one.case, one.item, shown))
            return one, clocks.submit(_clocked, method) if job.sandbox is not None else None

        def gradients(case: Case) -> Any:
            return method.asked("differentiate", case)

        at_work = give(first.result()) if (first := next(posed, None)) is not None else None
        while at_work is not None:
            (done, clocked), at_work, failed = at_work, None, None
            with noting_item(scoring.track.words.item, done.item.id):
                said, taken = clocked.result() if clocked is not None else (method.answered(), None)
                output, seconds, new = _made(said, taken, scoring.track, done.case)
            notes.extend(new)
            try:
                at_work = give(coming.result()) if (coming := next(posed, None)) is not None else None
            except Exception as error:
                failed = error
            yield done, output, seconds
            if failed is not None:  # once the item before it has its row
                raise failed

    try:
        sets = _rows(job, folder, tell, scoring, made, None)
    finally:
        clocks.shutdown(wait=False)
    where = {**job.environment, "device": device}
    return Ending(outcome="ok", reason="", setup_s=setup, notes=sorted(set(notes)), sets=sets, environment=where)


def _task(job: Job) -> Task:
    cell = job.cell
    return {
        "track": cell.track,
        "method": cell.method.display,
        "plugins": plugins_of(cell) if job.sandbox is None else own_plugins(cell),
        "device": job.device,
        "threads": job.threads,
        "folders": folders_of(cell),
        "trained": checkpoints_of(job),
    }


def _seconds(value: Any) -> float:
    if not isinstance(value, float) or not 0 <= value < math.inf:
        raise Invalid("its process sent something that is no time")
    return value


def _device(value: Any, job: Job) -> str:
    """The device that the method says it works on: the one asked for, or the CPU."""
    return job.device if value == job.device else "cpu"


_Answer = tuple[Any, float | None]
"""What the method's process says of a call, and the seconds until it did, where it is not asked for them."""


def _clocked(method: _Method) -> _Answer:
    start = time.perf_counter()
    return method.answered(), time.perf_counter() - start


def _made(said: Any, taken: float | None, track: Track, case: Case) -> tuple[Any, float, list[str]]:
    """Output, seconds and notes of a call. Raises `Invalid` for what the other side should not let pass."""
    try:
        seconds = _seconds(said["seconds"]) if taken is None else taken
        output, notes = said["output"], [one_line(note) for note in said["notes"]]
        if isinstance(track.outputs, ChecksOutputs):
            track.outputs.check(output, case.wanted)
    except (ValueError, TypeError, KeyError) as error:
        raise Invalid(f"its process sent what is no output: {one_line(error)}") from None
    return output, seconds, notes


def _rescore(job: Job, folder: Path, tell: Tell, scoring: _Scoring) -> Ending:
    """Score what another cell kept. The method is neither imported nor called. Raises `LostOutput`."""
    source = job.donor or ""
    kept = open_kept(Path(job.store), source, scoring.track.outputs)

    def made(posed: Iterator[Future[_Posed]]) -> Iterator[Made]:
        for coming in posed:
            one = coming.result()
            yield one, *kept.read(one.index, one.item.id, one.case.input_sha256, one.case.wanted)

    sets = _rows(job, folder, tell, scoring, made, kept)
    donor = kept.record.cell
    return Ending(
        outcome="ok",
        reason="",
        setup_s=donor.setup_s,
        notes=donor.notes,
        said=f"re-scored from cell {source[:12]}",
        rescored=Rescored(source=source, environment=job.environment),
        environment=donor.environment,
        sets=sets,
    )


def _scoring(cell: PlannedCell, ahead: ThreadPoolExecutor) -> tuple[_Scoring, bool]:
    """What scores the cell, and whether plug-ins were imported: only where one has part in it, for a method may lie
    in the same file."""
    try:
        return _bound_scoring(cell, ahead), False
    except UsageError:
        for file in plugins_of(cell):
            load_plugin(file)
        return _bound_scoring(cell, ahead), True


def _bound_scoring(cell: PlannedCell, ahead: ThreadPoolExecutor) -> _Scoring:
    track = get_track(cell.track)
    dataset = bind(cell.dataset.display, "dataset", track.name)
    return _Scoring(
        track,
        # What a dataset opens may be bound to the thread that opened it.
        ahead.submit(open_dataset, dataset).result(),
        bind(cell.regime.display, "regime", track.name),
        bind(cell.protocol.display, "protocol", track.name),
        [bind(m, "metric", track.name) for m in cell.metrics],
        ahead,
    )


def _posed(scoring: _Scoring, seed: int, indices: Iterable[int]) -> Iterator[Future[_Posed]]:
    """Items with their cases, in that order; one is read and posed in a thread of its own while the caller is busy."""

    def pose(index: int) -> _Posed:
        with noting_item(scoring.track.words.item, scoring.dataset.ids[index]):
            item = scoring.dataset.load(index)
            return _Posed(index, item, case_of(scoring.track, scoring.regime, item, seed))

    coming: Future[_Posed] | None = None
    for index in indices:
        after = scoring.ahead.submit(pose, index)
        if coming is not None:
            yield coming
        coming = after
    if coming is not None:
        yield coming


def _rows(
    job: Job,
    folder: Path,
    tell: Tell,
    scoring: _Scoring,
    made: Callable[[Iterator[Future[_Posed]]], Iterator[Made]],
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
    posed = _posed(scoring, cell.seed, due)
    for one, output, elapsed in made(posed):
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


def _collector(job: Job, folder: Path, scoring: _Scoring, rows: list[dict[str, Any]]) -> Collector | None:
    """What takes features for the set metrics of a cell, going on after `rows`; None where it has none."""
    if not job.cell.sets or not isinstance(scoring.track, HasSetMetrics):
        return None
    return _collector_of(job, scoring, folder, [row["features"] for row in rows])


def _collector_of(job: Job, scoring: _Scoring, folder: Path, taken: Iterable[Any]) -> Collector:
    sets, n = plain_values(job.cell.sets), item_count(job.cell)
    track: Any = scoring.track
    made: Collector = track.collector(sets, folder, n, protocol=scoring.protocol, taken=taken)
    return made


def _cost_cell(job: Job, method: _Method) -> Ending:
    """The method's process measures, and nothing runs beside it."""
    cell = job.cell
    size = tuple(cell.inputs["size"])
    if job.sandbox is not None:
        measured = outside_cost(job, method, _task(job))
        return Ending(outcome="ok", reason="", setup_s=measured.setup_s, cost=measured, environment=job.environment)
    cost = method.asked("measure", _task(job), cell.regime.display, size, cell.inputs["repeats"])
    try:
        measured = checked(plain_values(cost), Cost)
    except (ValueError, TypeError):
        raise Invalid("its process sent what is no cost") from None
    where = {**job.environment, "device": _device(measured.device, job)}
    return Ending(outcome="ok", reason="", setup_s=measured.setup_s, cost=measured, environment=where)


def work(job: Job, tell: Tell, channel: socket.socket | None) -> bytes:
    """Do the cell and leave `end.json`. `channel` leads to the method.

    Returns how it went, `DONE`, `SPENT`, `HUNG_UP` or `FULL`; a process that is spent scores no other cell.
    """
    ending: Ending
    folder = partial_dir(Path(job.store), job.cell.key)
    went, ahead = DONE, ThreadPoolExecutor(1)
    if job.sandbox is not None:
        import_in_sandbox(job.sandbox, [job.cell.method.display])
    folders, sources = folders_of(job.cell), job.cell.method.sources
    method = _Method(channel, folders, sources, folder, Path(job.store), tell) if channel is not None else None
    try:
        if job.cell.kind == "cost" and method is not None:
            ending = _cost_cell(job, method)
        elif job.cell.kind == "train" and method is not None:
            went = SPENT
            ending = train_cell(job, folder, tell, method, _task(job), ahead)
        else:
            scoring, plugged = _scoring(job.cell, ahead)
            went = SPENT if plugged else DONE
            if method is not None:
                ending = _score_cell(job, folder, tell, scoring, method)
            else:
                ending = _rescore(job, folder, tell, scoring)
    except HungUp:
        return HUNG_UP
    except LostOutput as lost:
        ending = Ending(outcome="failed", reason="", lost=one_line(lost))
    except DiskFull as error:
        tell({"event": "disk", "message": one_line(error)})
        return FULL
    except MethodEnded as ended:
        ending = ended.ending
        if ending.outcome != "skipped":
            ending = structs.replace(ending, reason=one_line(with_item(ended, ending.reason)))
    except BaseException as error:
        ending, went = ending_of(error), SPENT
    finally:
        ahead.shutdown(cancel_futures=True)
        if channel is not None:
            channel.close()
    try:
        with noticing_full_disk(folder):
            write_file(folder / "end.json", json.dumps(ending, default=plain_values).encode())
    except DiskFull as error:
        tell({"event": "disk", "message": one_line(error)})
        return FULL
    return went
