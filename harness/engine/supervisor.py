"""One cell: fork its method and its scorer, watch time and memory, kill the whole tree, name the outcome, store it."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import structs

from ..components.registry import bind, registry
from ..data.disk import DiskFull, noticing_full_disk
from ..planning.cells import PlannedCell
from ..store.cell import SCHEMA, Cell, CellIdentity, SetPart
from ..store.cell_json import checked, plain_values
from ..store.cells import cell_lock, commit, outcome_of, partial_dir, read_cell, read_rows, stamp_of
from ..store.outputs import drop_outputs
from ..text.errors import one_line
from ..text.json_values import parsed
from . import control_groups, method_process, processes
from .devices import visible_to
from .messages import Ending, Event, Job, Tell, checkpoints_of, send_job
from .opened_files import opened_in, outdated
from .sandbox import SCRATCH, Confinement, command, shown_for
from .tuning import decided, tuning_notes
from .worker import DONE, FULL, HUNG_UP

_TAIL = 16_384
_LOOK, _LOOK_AGAIN = 0.02, 0.2
"""Seconds between two looks at the memory of known processes, and between two searches for new ones."""


class Stopped(Exception):
    """The run is over: its parent died or asked to stop."""


@dataclass(frozen=True)
class MethodEnd:
    """What a method's process has: its end of the channel to the scorer, where what it prints goes, its limits, the
    CUDA device that it alone sees (None: it sees all), and its sandbox (None: it has none) with the files that are
    `shown` and `named` there, and its control group (None: there is none)."""

    channel: socket.socket
    output: int
    memory: int | None
    threads: int
    gpu: str | None
    sandbox: Confinement | None
    shown: list[str]
    named: list[str]
    on_gpu: bool
    group: Path | None


@dataclass
class Scorer:
    """The process that scores the cells of a supervisor: `line` leads to it; what it and the methods print comes out
    of `printed`, as they write it into `output`. One that is not `sound` scores no other cell."""

    pid: int
    line: socket.socket
    printed: int
    output: int
    sound: bool = True


def ready_to_supervise() -> None:
    """Make this process one that cells can be run in, by `supervise`."""
    processes.die_with_parent(signal.SIGTERM)
    processes.adopt_orphans()

    def stop(*_: object) -> None:
        raise Stopped

    signal.signal(signal.SIGTERM, stop)


def supervise(job: Job, tell: Tell, life: int, scorer: Scorer) -> MethodEnd | None:
    """Run one cell to its end in this process's care. `life` is a descriptor that closes when the run is over.

    Returns None, but for the fork that is to be the method's process: it comes back with its end, so that it has
    neither the job nor anything else of the supervisor on its stack. See `become_method`.
    """
    store, key = Path(job.store), job.cell.key
    try:
        with noticing_full_disk(store), cell_lock(store, key) as free:
            if not free:
                tell({"event": "busy"})
                return None
            if (ended := stored_end(job, store)) is not None:
                tell(ended)
                return None
            if job.afresh or outdated(job, partial_dir(store, key)):
                shutil.rmtree(partial_dir(store, key), ignore_errors=True)
            return _run(job, store, key, tell, life, scorer)
    except Stopped:
        return None
    except DiskFull as error:
        tell({"event": "disk", "message": one_line(error)})
        return None


def stored_end(job: Job, store: Path) -> Event | None:
    """The end of a cell that another run or worker has stored; None where it is still to be run.

    What was stored since this run was planned is a result, and is not tried again.
    """
    key = job.cell.key
    stored = outcome_of(store, key)
    if stored is None or (stored in job.redo and stamp_of(store, key) == job.stamp):
        return None
    return {"event": "end", "outcome": stored, "reason": read_cell(store, key).reason[:200], "stored": True}


def _run(job: Job, store: Path, key: str, tell: Tell, life: int, scorer: Scorer) -> MethodEnd | None:
    folder = partial_dir(store, key)
    with noticing_full_disk(store):
        folder.mkdir(parents=True, exist_ok=True)
    (folder / "end.json").unlink(missing_ok=True)
    start = time.monotonic()
    lacks = job.cell.lacks
    if lacks or job.blocked:
        ending = Ending(outcome="skipped" if lacks else "blocked", reason=lacks or job.blocked)
        _store(job, store, ending, folder, "", time.monotonic() - start, tell)
        return None
    import_scoring(job.cell)
    method: _MethodFork | None = None
    if job.donor is None:
        fork = _fork_method(job, scorer.output)
        if isinstance(fork, MethodEnd):
            return fork
        method = fork
    watched = _score_by(scorer, job, method, life, start)
    scorer.sound = watched.cause is None and watched.went in (DONE, HUNG_UP)
    if watched.went == FULL:
        return None
    ending = _ending(folder, watched, job)
    if ending.lost_output:
        why = f"the kept outputs of cell {(job.donor or '')[:12]} cannot be used, {ending.lost_output}: made again"
        shutil.rmtree(folder, ignore_errors=True)
        return _run(structs.replace(job, donor=None, remark=why), store, key, tell, life, scorer)
    _store(
        job,
        store,
        structs.replace(ending, remark=ending.remark or job.remark),
        folder,
        watched.tail,
        time.monotonic() - start,
        tell,
    )
    return None


@dataclass(frozen=True)
class _MethodFork:
    """The process of a method, as its supervisor has it: the scorer's end of the channel, and its control group."""

    pid: int
    channel: socket.socket
    group: Path | None


def _fork_method(job: Job, output: int) -> _MethodFork | MethodEnd:
    """Fork the process of a method, from one that never reads a true item; the fork gets its end."""
    group = None
    if job.sandbox is not None:
        name = f"noisebench-{os.getpid()}-{job.cell.key[:12]}"
        group = control_groups.new_group(name, job.sandbox.memory, job.sandbox.processes)
    channel, far = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        shown, named = shown_for(job.cell, checkpoints_of(job).values())
        gpu, sandbox, on_gpu = job.gpu, job.sandbox, job.device != "cpu"
        return MethodEnd(far, output, job.memory, job.threads, gpu, sandbox, shown, named, on_gpu, group)
    far.close()
    return _MethodFork(pid, channel, group)


def _score_by(scorer: Scorer, job: Job, method: _MethodFork | None, life: int, start: float) -> _Watched:
    """Have the scorer score the cell, and watch until it has; nothing that it or the method started is left."""
    pid = method.pid if method is not None else None
    killed = False
    try:
        try:
            send_job(
                scorer.line,
                json.dumps(structs.replace(job, process=pid or 0), default=plain_values).encode(),
                *([method.channel.fileno()] if method is not None else []),
            )
        finally:
            if method is not None:
                method.channel.close()
        watched = _watch(pid, scorer, life, job, start)
    except BaseException:
        scorer.sound = False
        raise
    finally:
        if pid is not None:
            processes.kill_child(pid)
        if not scorer.sound or watched.cause is not None:
            processes.kill_group(scorer.pid)
        processes.kill_descendants()
        if method is not None and method.group is not None:
            killed = control_groups.out_of_memory(method.group)
            control_groups.remove_group(method.group)
    return replace(watched, cause="oom") if killed and watched.cause is None else watched


def _store(job: Job, store: Path, end: Ending, folder: Path, tail: str, seconds: float, tell: Tell) -> None:
    """Commit the cell with its rows, and tell its outcome."""
    cell = job.cell
    rows = sorted(read_rows(folder, cell.key), key=lambda row: row["index"])
    for row in rows:
        if row["note"]:
            row["note"] = one_line(row["note"])
    if end.outcome == "ok" and (why := _why_undefined(rows, end.sets)):
        end = structs.replace(end, outcome="undefined", reason=why)
    tuned = decided(cell.tuned, store)
    whole = end.outcome in ("ok", "skipped", "undefined", "blocked")
    lender = end.rescored
    done = Cell(
        **{field: getattr(cell, field) for field in CellIdentity.__struct_fields__ if field not in ("tuned", "sets")},
        schema=SCHEMA,
        outcome=end.outcome,
        reason=end.reason,
        traceback=end.traceback or ("" if whole else tail),
        notes=[*end.notes, *filter(None, [cell.unscored]), *(note for one in tuned for note in tuning_notes(one))],
        setup_s=end.setup_s,
        seconds=seconds,
        cost=end.cost,
        environment=end.environment or job.environment,
        tuned=tuned,
        sets=end.sets or cell.sets,
        needs=end.needs,
        rescored=lender,
        training=end.training,
        opened=opened_in(folder) if lender is None else read_cell(store, lender.source).opened,
        harness=job.harness,
    )
    (folder / "end.json").unlink(missing_ok=True)
    drop_outputs(folder, (row["index"] for row in rows))
    commit(store, done, rows)
    reason = end.reason or end.remark
    tell({"event": "end", "outcome": end.outcome, "reason": reason[:200], "stored": False,
          "rescored": end.rescored is not None})  # fmt: skip


def _why_undefined(rows: Sequence[Mapping[str, Any]], sets: Mapping[str, SetPart]) -> str:
    """Why no score of any item has a value; an empty text where one has, or where none was asked for."""
    scores = [value for row in rows for value in row["scores"].values()]
    if not scores or any(v is not None for v in (*scores, *(part.value for part in sets.values()))):
        return ""
    return one_line(f"no score has a value: {rows[0]['note']}")


def import_scoring(cell: PlannedCell) -> None:
    """Import what scores a cell and is no plug-in's, so that its scorer and that of the next one start with it."""
    for kind, spec in [
        ("dataset", cell.dataset.display),
        ("regime", cell.regime.display),
        ("protocol", cell.protocol.display),
        *(("metric", metric) for metric in cell.metrics),
    ]:
        _import(kind, spec, cell.track)
    _names(cell.track)


@lru_cache(maxsize=1024)
def _import(kind: str, spec: str, track: str) -> None:
    with suppress(Exception):  # what is wrong with it is for the scorer to say
        bind(spec, kind, track)


@lru_cache
def _names(track: str) -> None:
    """Look for the names of methods, which imports none, so that no method's process has to."""
    registry("method", track).names()


def become_method(end: MethodEnd) -> socket.socket:
    """Leave this process with its end of the channel and nothing else of the run's; it may go on in a sandbox."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    processes.die_with_parent(signal.SIGKILL)
    os.setsid()
    print_to(end.output)
    processes.close_all_but(end.channel.fileno())
    processes.close_memory(False)
    if end.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible_to(end.gpu, os.environ.get("CUDA_VISIBLE_DEVICES"))
    if end.group is not None:
        control_groups.join(end.group)
    if end.sandbox is not None:
        loaded = [name for name in ("cv2",) if name in sys.modules]  # torch is told by a variable
        words = [str(end.channel.fileno()), str(end.memory or 0), str(end.threads), *loaded]
        end.channel.set_inheritable(True)
        words = ["-m", method_process.__name__, *words]
        built = command(end.sandbox, end.shown, end.named, words, gpu=end.on_gpu)
        os.execv(built[0], built)
    return method_process.confined(end.channel, end.memory, end.threads)


def print_to(output: int) -> None:
    """Nothing to read from standard input; what is printed goes to `output`."""
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nowhere)
    os.close(output)


@dataclass(frozen=True)
class _Watched:
    """How the processes of a cell ended: the end of what they printed, the exit code of the method where it ended by
    itself, what the scorer answers (empty where it ended, with its exit code), and why it was
    stopped: 'timeout', 'oom' or 'fork'."""

    tail: str
    method: int | None
    went: bytes
    scorer: int | None
    cause: str | None


def _watch(method: int | None, scorer: Scorer, life: int, job: Job, start: float) -> _Watched:
    """Wait for the scorer; the limits are the method's. Raises `Stopped`."""
    memory, sandbox = job.memory, job.sandbox
    tail, code, went, cause = b"", None, None, None
    ended = os.pidfd_open(method) if method is not None else -1
    died = os.pidfd_open(scorer.pid)
    os.set_blocking(scorer.printed, False)
    poll = select.poll()
    for fd in (scorer.printed, life, scorer.line.fileno(), died, *([ended] if method is not None else [])):
        poll.register(fd, select.POLLIN | select.POLLHUP)
    tree: list[int] = []
    searched, scratch = -_LOOK_AGAIN, 0
    end = start + job.timeout
    try:
        # Where the channel is closed the method has ended, a moment before this is seen; or it goes on without.
        while went is None or (went == HUNG_UP and code is None):
            now = time.monotonic()
            if now >= end:
                cause = "timeout" if went is None else None
                break
            wait = min(end - now, _LOOK) if memory is not None else end - now
            ready = {fd for fd, _ in poll.poll(max(1, int(min(wait, 3600) * 1000)))}
            if scorer.printed in ready:
                with suppress(BlockingIOError):
                    tail = (tail + os.read(scorer.printed, 65_536))[-_TAIL:]
            if life in ready:
                raise Stopped
            if memory is not None and method is not None:
                if now - searched >= _LOOK_AGAIN:
                    tree, searched = processes.descendants(os.getpid()), now
                    if sandbox is not None:
                        scratch = processes.scratch_bytes(tree, SCRATCH)
                        if len(tree) > sandbox.processes:
                            cause = "fork"
                            break
                if processes.used_bytes(tree, memory) + scratch > memory:
                    cause = "oom"
                    break
            if went is None and ready & {scorer.line.fileno(), died}:
                with suppress(OSError):
                    went = scorer.line.recv(1, socket.MSG_DONTWAIT)
                went, end = went or b"", min(end, now + 1)
            if ended in ready and method is not None:
                poll.unregister(ended)
                code = os.waitstatus_to_exitcode(os.waitpid(method, 0)[1])
                processes.kill_descendants()  # they may hold the channel open, for whose end the scorer waits
        if went == b"":  # its end of the line closes a moment before it has ended
            select.select([died], [], [], 1)
    finally:
        os.close(died)
        if method is not None:
            os.close(ended)
    with suppress(OSError):
        while data := os.read(scorer.printed, 65_536):
            tail = (tail + data)[-_TAIL:]
    scored = processes.exit_code(scorer.pid) if went == b"" else None
    return _Watched(tail.decode("utf-8", "replace")[-4000:], code, went or b"", scored, cause)


def _ending(folder: Path, watched: _Watched, job: Job) -> Ending:
    if watched.cause == "timeout":
        return Ending(outcome="timeout", reason=f"took longer than {job.timeout:g} s")
    if watched.cause == "fork" and job.sandbox is not None:
        return Ending(outcome="crashed", reason=f"had more than {job.sandbox.processes} processes at once")
    if watched.cause == "oom":
        return Ending(outcome="oom", reason=f"needed more than {(job.memory or 0) / 2**30:.3g} GiB")
    try:
        return checked(parsed((folder / "end.json").read_bytes()), Ending)
    except (OSError, ValueError):
        pass
    if watched.went != HUNG_UP:
        return Ending(outcome="crashed", reason=f"scoring {_ending_text(watched.scorer)}")
    if watched.method is None:
        return Ending(outcome="crashed", reason="closed the channel to its scorer before it had finished")
    return Ending(outcome="crashed", reason=_ending_text(watched.method))


def _ending_text(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None:
        return "closed its channel before it had finished"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        hint = " (perhaps the system ran out of memory)" if name == "SIGKILL" else ""
        return f"killed by signal {name}{hint}"
    return f"exited with code {code} before it had finished"
