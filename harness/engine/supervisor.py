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
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import one_line
from ..store.cells import cell_lock, commit, outcome_of, partial_dir, read_cell, read_rows, stamp_of
from ..store.disk import DiskFull, noticing_full_disk
from ..store.record import SCHEMA
from . import processes
from .messages import Ending, Job, Tell
from .worker import EXIT_DISK, EXIT_METHOD, work

_TAIL = 16_384


_LOOK, _LOOK_AGAIN = 0.02, 0.2
"""Seconds between two looks at the memory of known processes, and between two searches for new ones."""


class Stopped(Exception):
    """The run is over: its parent died or asked to stop."""


@dataclass(frozen=True)
class MethodEnd:
    """What a method's process has: its end of the channel to the scorer, and where what it prints goes."""

    channel: socket.socket
    output: int
    memory: int | None
    threads: int


def ready_to_supervise() -> None:
    """Make this process one that cells can be run in, by `supervise`."""
    processes.die_with_parent(signal.SIGTERM)
    processes.adopt_orphans()

    def stop(*_: object) -> None:
        raise Stopped

    signal.signal(signal.SIGTERM, stop)


def supervise(job: Job, tell: Tell, life: int) -> MethodEnd | None:
    """Run one cell to its end in this process's care. `life` is a descriptor that closes when the run is over.

    Returns None, but for the fork that is to be the method's process: it comes back with its end, so that it has
    neither the job nor anything else of the supervisor on its stack. See `become_method`.
    """
    store, key = Path(job["store"]), job["cell"]["key"]
    try:
        with noticing_full_disk(store), cell_lock(store, key) as free:
            if not free:
                tell({"event": "busy"})
                return None
            stored = outcome_of(store, key)
            # What another run has stored since this one was planned is a result, and is not tried again.
            if stored is not None and (stored not in job["redo"] or stamp_of(store, key) != job["stamp"]):
                reason = read_cell(store, key)["reason"]
                tell({"event": "end", "outcome": stored, "reason": reason[:200], "stored": True})
                return None
            if job["afresh"]:
                shutil.rmtree(partial_dir(store, key), ignore_errors=True)
            return _run(job, store, key, tell, life)
    except Stopped:
        return None
    except DiskFull as error:
        tell({"event": "disk", "message": one_line(error)})
        return None


def _run(job: Job, store: Path, key: str, tell: Tell, life: int) -> MethodEnd | None:
    folder = partial_dir(store, key)
    with noticing_full_disk(store):
        folder.mkdir(parents=True, exist_ok=True)
    (folder / "end.json").unlink(missing_ok=True)
    start = time.monotonic()
    if job["blocked"]:
        ending: Ending = {"outcome": "blocked", "reason": job["blocked"]}
        _store(job, store, ending, folder, "", time.monotonic() - start, tell)
        return None
    read_end, write_end = os.pipe()
    method, channel = None, None
    if job["donor"] is None:
        channel, far = socket.socketpair()
        # Before anything of this cell reads a true item, and by a process that never does.
        method = os.fork()
        if method == 0:
            return MethodEnd(far, write_end, job["memory"], job["threads"])
        far.close()
    scorer = os.fork()
    if scorer == 0:
        _become_scorer(job, folder, tell, channel, life, write_end)
    os.close(write_end)
    if channel is not None:
        channel.close()
    try:
        watched = _watch(method, scorer, read_end, life, job["timeout"], job["memory"], start)
    finally:
        processes.kill_descendants()
        os.close(read_end)
    if watched.scorer == EXIT_DISK:
        return None
    ending = _ending(folder, watched, job)
    if "lost" in ending:
        said = f"the kept outputs of cell {(job['donor'] or '')[:12]} cannot be used, {ending['lost']}: made again"
        shutil.rmtree(folder, ignore_errors=True)
        return _run({**job, "donor": None, "said": said}, store, key, tell, life)
    _store(job, store, {"said": job.get("said", ""), **ending}, folder, watched.tail, time.monotonic() - start, tell)
    return None


def _store(job: Job, store: Path, end: Ending, folder: Path, tail: str, seconds: float, tell: Tell) -> None:
    """Commit the cell with its rows, and tell its outcome."""
    cell = job["cell"]
    rows = sorted(read_rows(folder, cell["key"]), key=lambda row: row["index"])
    for row in rows:
        if row["note"]:
            row["note"] = one_line(row["note"])
    whole = end["outcome"] in ("ok", "skipped", "blocked")
    done: dict[str, Any] = {
        "schema": SCHEMA,
        **{name: value for name, value in cell.items() if name != "shown"},
        "outcome": end["outcome"],
        "reason": end["reason"],
        "traceback": end.get("traceback") or ("" if whole else tail),
        "notes": end.get("notes", []),
        "setup_s": end.get("setup_s"),
        "seconds": seconds,
        "cost": end.get("cost"),
        "environment": end.get("environment") or job["environment"],
        **{name: end[name] for name in ("needs", "sets", "rescored") if end.get(name)},
    }
    (folder / "end.json").unlink(missing_ok=True)
    commit(store, done, rows)
    reason = end["reason"] or end.get("said", "")
    tell({"event": "end", "outcome": end["outcome"], "reason": reason[:200], "stored": False,
          "rescored": bool(end.get("rescored"))})  # fmt: skip


def become_method(end: MethodEnd) -> socket.socket:
    """Leave this process with its end of the channel and nothing else of the run's."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    processes.die_with_parent(signal.SIGKILL)
    os.setsid()
    _print_to(end.output)
    processes.close_all_but(end.channel.fileno())
    processes.close_memory(False)
    processes.drop_capabilities()
    if end.memory is not None:
        _limit_data(end.memory)
    use_threads(end.threads)
    return end.channel


def _become_scorer(
    job: Job, folder: Path, tell: Tell, channel: socket.socket | None, life: int, write_end: int
) -> None:
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        processes.die_with_parent(signal.SIGKILL)
        os.setsid()
        os.close(life)
        _print_to(write_end)
        use_threads(job["threads"])
        work(job, folder, tell, channel)
    except BaseException:
        with suppress(Exception):
            os.write(2, traceback.format_exc()[-2000:].encode())
    os._exit(1)


def _print_to(output: int) -> None:
    """Nothing to read from standard input; what is printed goes to `output`."""
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nowhere)
    os.close(output)


def use_threads(threads: int) -> None:
    """Tell the libraries that are loaded how many threads they may use."""
    for module, name in (("torch", "set_num_threads"), ("cv2", "setNumThreads")):
        if module in sys.modules:
            getattr(sys.modules[module], name)(threads)


def _limit_data(memory: int) -> None:
    """Let allocations fail beyond the limit, on top of what the bare process has mapped already."""
    import resource

    with suppress(OSError, ValueError), open("/proc/self/statm", "rb") as file:
        mapped = int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_DATA, (mapped + memory, mapped + memory))


@dataclass(frozen=True)
class _Watched:
    """How the processes of a cell ended: the end of what they printed, exit codes, and 'timeout' or 'oom' if stopped.

    An exit code is that of `waitstatus_to_exitcode`; None where there is no such process or it had not ended by itself.
    """

    tail: str
    method: int | None
    scorer: int | None
    cause: str | None


def _watch(
    method: int | None, scorer: int, output: int, life: int, timeout: float, memory: int | None, start: float
) -> _Watched:
    """Wait for the scorer; time and memory are the method's. Raises `Stopped`."""
    tail = b""
    ended = {os.pidfd_open(pid): pid for pid in (method, scorer) if pid is not None}
    codes: dict[int, int] = {}
    os.set_blocking(output, False)
    poll = select.poll()
    for fd in (output, life, *ended):
        poll.register(fd, select.POLLIN | select.POLLHUP)
    cause = None
    tree: list[int] = []
    searched = -_LOOK_AGAIN
    end = start + timeout
    try:
        # Where the channel is closed the method has ended, a moment before this is seen; or it goes on without.
        while scorer not in codes or (codes[scorer] == EXIT_METHOD and method not in codes):
            now = time.monotonic()
            if now >= end:
                cause = None if scorer in codes else "timeout"
                break
            wait = min(end - now, _LOOK) if memory is not None else end - now
            ready = {fd for fd, _ in poll.poll(max(1, int(min(wait, 3600) * 1000)))}
            if output in ready:
                try:
                    data = os.read(output, 65_536)
                    tail = (tail + data)[-_TAIL:]
                    if not data:
                        poll.unregister(output)
                except BlockingIOError:
                    pass
            if life in ready:
                raise Stopped
            if memory is not None and method is not None:
                if now - searched >= _LOOK_AGAIN:
                    tree, searched = processes.descendants(os.getpid(), without=scorer), now
                if processes.resident_bytes(tree) > memory:
                    cause = "oom"
                    break
            for fd in ready & set(ended):
                poll.unregister(fd)
                codes[ended[fd]] = os.waitstatus_to_exitcode(os.waitpid(ended[fd], 0)[1])
                if ended[fd] == scorer:
                    end = min(end, now + 1)
                else:  # its forks may hold the channel open, for whose end the scorer waits
                    processes.kill_descendants(without=scorer)
    finally:
        for fd in ended:
            os.close(fd)
    with suppress(OSError):
        while data := os.read(output, 65_536):
            tail = (tail + data)[-_TAIL:]
    text = tail.decode("utf-8", "replace")[-4000:]
    return _Watched(text, codes.get(method or 0), codes.get(scorer), cause)


def _ending(folder: Path, watched: _Watched, job: Job) -> Ending:
    if watched.cause == "timeout":
        return {"outcome": "timeout", "reason": f"took longer than {job['timeout']:g} s"}
    if watched.cause == "oom":
        return {"outcome": "oom", "reason": f"needed more than {(job['memory'] or 0) / 2**30:.3g} GiB"}
    try:
        left: Ending = json.loads((folder / "end.json").read_bytes())
        return left
    except (OSError, ValueError):
        pass
    if watched.scorer != EXIT_METHOD:
        return {"outcome": "crashed", "reason": f"scoring {_how(watched.scorer)}"}
    if watched.method is None:
        return {"outcome": "crashed", "reason": "closed the channel to its scorer before it had finished"}
    return {"outcome": "crashed", "reason": _how(watched.method)}


def _how(code: int | None) -> str:
    """How a process ended, in words."""
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        hint = " (perhaps the system ran out of memory)" if name == "SIGKILL" else ""
        return f"killed by signal {name}{hint}"
    return f"exited with code {code} before it had finished"
