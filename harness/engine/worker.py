"""The scorer of one cell, in a process of its own: have the method called, or take what was kept, score, and say how
it ended."""

from __future__ import annotations

import json
import math
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from msgspec import structs

from ..data.disk import DiskFull, noticing_full_disk, write_file
from ..planning.cells import folders_of, plugins_of
from ..store.cell import Cost, Rescored
from ..store.cell_json import checked, plain_values
from ..store.cells import partial_dir
from ..store.outputs import ChecksOutputs, LostOutput, open_kept
from ..store.record import item_count
from ..text.errors import Invalid, noting_item, one_line, with_item
from ..track.attacks import Attacks
from ..track.calling import in_groups, reveal
from ..track.posed_case import Case
from ..track.track_protocol import Track
from .channel import HungUp, ask, read_answer
from .messages import Ending, Job, MethodEnded, Tell, checkpoints_of
from .method_process import Task, ending_of
from .opened_files import keep_opened
from .outside_cost import outside_cost
from .sandbox import own_plugins
from .sandboxed_plugins import import_in_sandbox
from .scoring import ItemOutput, PosedItem, Scoring, score_items, scoring_of
from .train_cell import train_cell

DONE, SPENT, HUNG_UP, FULL = b"D", b"S", b"H", b"F"
"""How scoring a cell went: `end.json` is there, and so it is but by an error or a plug-in's code; the method's process
has ended, or closed its channel; the disk is full."""

_TOGETHER = 16
"""Items that go into one call, at most."""


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
                self.tell({"event": "progress", "n": int(done), "of": int(of)})
                reply = read_answer(self.channel)
            if "opened" in reply:
                keep_opened(reply["opened"], self.folders, self.folder, self.store, self.sources)
            if "value" in reply:
                return reply["value"]
            end = reply["end"]
            outcome = end["outcome"]
            ending = Ending(
                outcome=outcome if outcome in ("skipped", "invalid", "oom") else "failed",
                reason=one_line(end["reason"]),
                traceback=str(end.get("traceback", ""))[-4000:],
                needs=one_line(end.get("needs", "")),
                finite=end.get("finite") is not False,
            )
        except (TypeError, KeyError, ValueError, AttributeError):
            raise Invalid("its process sent an invalid answer") from None
        raise MethodEnded(ending)


def _score_cell(job: Job, folder: Path, tell: Tell, scoring: Scoring, method: _Method) -> Ending:
    cell = job.cell
    n = item_count(cell)
    start = time.perf_counter()
    opened = method.asked("open", _task(job))
    setup = time.perf_counter() - start
    try:
        setup = _seconds(opened["seconds"]) if job.sandbox is None else setup
        device = _device(opened["device"], job)
        together = _items_per_call(opened["together"], job)
    except (TypeError, KeyError):
        raise Invalid("its process sent an invalid answer") from None
    shown = cell.shown
    notes = list(map(one_line, method.asked("expect", scoring.dataset.ids, n))) if shown == "id" else []

    clocks = ThreadPoolExecutor(1)  # a thread of it starts where a sandboxed method is waited for

    def outputs(posed: Iterator[Future[PosedItem]]) -> Iterator[ItemOutput]:
        """The method is at work on the next item while the one before it is scored."""

        def give(group: list[PosedItem] | None) -> tuple[list[PosedItem], Future[_Answer] | None] | None:
            if group is None:
                return None
            method.ask("call_all", [reveal(one.case, one.item, shown) for one in group])
            return group, clocks.submit(_clocked, method) if job.sandbox is not None else None

        def gradients(cases: Sequence[Case]) -> Any:
            return method.asked("differentiate", cases)

        groups = in_groups(_attacked(posed, scoring, cell.seed, gradients), together)
        at_work = give(next(groups, None))
        while at_work is not None:
            (done, clocked), at_work, failed = at_work, None, None
            with noting_item(scoring.track.words.item, done[0].item.id):
                answer, taken = clocked.result() if clocked is not None else (method.answered(), None)
                outputs = _read_outputs(answer, taken, scoring.track, done)
            try:
                at_work = give(next(groups, None))
            except Exception as error:
                failed = error
            for one, (output, seconds, new) in zip(done, outputs, strict=True):
                notes.extend(new)
                yield one, output, seconds
            if failed is not None:  # once the items before it have their rows
                raise failed

    try:
        sets = score_items(job, folder, tell, scoring, outputs, None)
    finally:
        clocks.shutdown(wait=False)
    where = {**job.environment, "device": device}
    return Ending(outcome="ok", reason="", setup_s=setup, notes=sorted(set(notes)), sets=sets, environment=where)


def _attacked(
    posed: Iterator[Future[PosedItem]], scoring: Scoring, seed: int, ask: Callable[[Sequence[Case]], Any]
) -> Iterator[PosedItem]:
    """Items with the cases that the method is called on, as the attack of a regime leaves them."""
    items = (coming.result() for coming in posed)
    if not isinstance(scoring.track, Attacks):
        yield from items
        return
    for group in in_groups(items, scoring.track.attacked_together(scoring.regime)):
        pairs = [(one.item, one.case) for one in group]
        for one, case in zip(group, scoring.track.attacked(scoring.regime, pairs, seed, ask), strict=True):
            yield replace(one, case=case)


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
        raise Invalid("its process sent an invalid time")
    return value


def _device(value: Any, job: Job) -> str:
    """The device that the method says it works on: the one asked for, or the CPU."""
    return job.device if value == job.device else "cpu"


def _items_per_call(value: Any, job: Job) -> int:
    """How many items the method takes in one call: several only where it is shown them whole, as an oracle is."""
    return min(value, _TOGETHER) if job.cell.shown == "item" and type(value) is int and value > 0 else 1


_Answer = tuple[Any, float | None]
"""What the method's process says of a call, and the seconds until it did, where it is not asked for them."""


def _clocked(method: _Method) -> _Answer:
    start = time.perf_counter()
    return method.answered(), time.perf_counter() - start


def _read_outputs(
    answer: Any, taken: float | None, track: Track, group: Sequence[PosedItem]
) -> list[tuple[Any, float, list[str]]]:
    """Output, seconds and notes of each item of a call. Raises `Invalid` for what should not have come."""
    if not isinstance(answer, list) or len(answer) != len(group):
        raise Invalid("its process sent an invalid answer")
    seconds = None if taken is None else taken / len(group)
    return [_read_output(one, seconds, track, posed.case) for one, posed in zip(answer, group, strict=True)]


def _read_output(answer: Any, taken: float | None, track: Track, case: Case) -> tuple[Any, float, list[str]]:
    """Output, seconds and notes of a call. Raises `Invalid` for what the other side should not let pass."""
    try:
        seconds = _seconds(answer["seconds"]) if taken is None else taken
        output, notes = answer["output"], [one_line(note) for note in answer["notes"]]
        if isinstance(track.outputs, ChecksOutputs):
            track.outputs.check(output, case.wanted)
    except (ValueError, TypeError, KeyError) as error:
        raise Invalid(f"its process sent an invalid output: {one_line(error)}") from None
    return output, seconds, notes


def _rescore(job: Job, folder: Path, tell: Tell, scoring: Scoring) -> Ending:
    """Score what another cell kept. The method is neither imported nor called. Raises `LostOutput`."""
    source = job.donor or ""
    kept = open_kept(Path(job.store), source, scoring.track.outputs)

    def outputs(posed: Iterator[Future[PosedItem]]) -> Iterator[ItemOutput]:
        for coming in posed:
            one = coming.result()
            yield one, *kept.read(one.index, one.item.id, one.case.input_sha256, one.case.wanted)

    sets = score_items(job, folder, tell, scoring, outputs, kept)
    donor = kept.record.cell
    return Ending(
        outcome="ok",
        reason="",
        setup_s=donor.setup_s,
        notes=donor.notes,
        remark=f"re-scored from cell {source[:12]}",
        rescored=Rescored(source=source, environment=job.environment),
        environment=donor.environment,
        sets=sets,
    )


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
        raise Invalid("its process sent an invalid cost") from None
    where = {**job.environment, "device": _device(measured.device, job)}
    return Ending(outcome="ok", reason="", setup_s=measured.setup_s, cost=measured, environment=where)


def work(job: Job, tell: Tell, channel: socket.socket | None) -> bytes:
    """Do the cell and leave `end.json`. `channel` leads to the method.

    Returns how it went, `DONE`, `SPENT`, `HUNG_UP` or `FULL`; a process that is spent scores no other cell.
    """
    ending: Ending
    folder = partial_dir(Path(job.store), job.cell.key)
    went, reader = DONE, ThreadPoolExecutor(1)
    if job.sandbox is not None:
        import_in_sandbox(job.sandbox, [job.cell.method.display])
    folders, sources = folders_of(job.cell), job.cell.method.sources
    method = _Method(channel, folders, sources, folder, Path(job.store), tell) if channel is not None else None
    try:
        if job.cell.kind == "cost" and method is not None:
            ending = _cost_cell(job, method)
        elif job.cell.kind == "train" and method is not None:
            went = SPENT
            ending = train_cell(job, folder, tell, method, _task(job), reader)
        else:
            scoring, plugged = scoring_of(job.cell, reader)
            went = SPENT if plugged else DONE
            if method is not None:
                ending = _score_cell(job, folder, tell, scoring, method)
            else:
                ending = _rescore(job, folder, tell, scoring)
    except HungUp:
        return HUNG_UP
    except LostOutput as error:
        ending = Ending(outcome="failed", reason="", lost_output=one_line(error))
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
        reader.shutdown(cancel_futures=True)
        if channel is not None:
            channel.close()
    try:
        with noticing_full_disk(folder):
            write_file(folder / "end.json", json.dumps(ending, default=plain_values).encode())
    except DiskFull as error:
        tell({"event": "disk", "message": one_line(error)})
        return FULL
    return went
