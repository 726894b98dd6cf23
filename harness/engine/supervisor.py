"""One isolated cell: fork the worker, watch its time and memory, kill its whole tree, name the outcome, store it."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import one_line
from ..store.cells import cell_lock, commit, outcome_of, partial_dir, read_cell, read_rows, stamp_of
from ..store.disk import DiskFull, noticing_full_disk
from ..store.record import SCHEMA, SetPart
from . import processes
from .messages import Ending, Job, Tell
from .opened_files import opened_in, outdated
from .worker import EXIT_DISK, work

_TAIL = 16_384


class Stopped(Exception):
    """The run is over: its parent died or asked to stop."""


def supervise(job: Job, tell: Tell, life: int) -> None:
    """Run one cell to its end in this process's care. `life` is a pipe that closes when the run is over."""
    processes.die_with_parent(signal.SIGTERM)
    processes.adopt_orphans()

    def stop(*_: object) -> None:
        raise Stopped

    signal.signal(signal.SIGTERM, stop)
    store, key = Path(job["store"]), job["cell"]["key"]
    try:
        with noticing_full_disk(store), cell_lock(store, key) as free:
            if not free:
                tell({"event": "busy"})
                return
            stored = outcome_of(store, key)
            # What another run has stored since this one was planned is a result, and is not tried again.
            if stored is not None and (stored not in job["redo"] or stamp_of(store, key) != job["stamp"]):
                reason = read_cell(store, key)["reason"]
                tell({"event": "end", "outcome": stored, "reason": reason[:200], "stored": True})
                return
            if job["afresh"] or outdated(job, partial_dir(store, key)):
                shutil.rmtree(partial_dir(store, key), ignore_errors=True)
            _run(job, store, key, tell, life)
    except Stopped:
        return
    except DiskFull as error:
        tell({"event": "disk", "message": one_line(error)})


def _run(job: Job, store: Path, key: str, tell: Tell, life: int) -> None:
    folder = partial_dir(store, key)
    with noticing_full_disk(store):
        folder.mkdir(parents=True, exist_ok=True)
    (folder / "end.json").unlink(missing_ok=True)
    start = time.monotonic()
    if job["blocked"]:
        ending: Ending = {"outcome": "blocked", "reason": job["blocked"]}
        _store(job, store, ending, folder, "", time.monotonic() - start, tell)
        return
    read_end, write_end = os.pipe()
    worker = os.fork()
    if worker == 0:
        _become_worker(job, folder, tell, life, read_end, write_end)
    os.close(write_end)
    try:
        tail, status, cause = _watch(worker, read_end, life, job["timeout"], job["memory"], start)
    finally:
        processes.kill_all_children(worker)
        os.close(read_end)
    if status is not None and os.waitstatus_to_exitcode(status) == EXIT_DISK and not (folder / "end.json").exists():
        return
    _store(job, store, _ending(folder, status, cause, job), folder, tail, time.monotonic() - start, tell)


def _store(job: Job, store: Path, end: Ending, folder: Path, tail: str, seconds: float, tell: Tell) -> None:
    """Commit the cell with its rows, and tell its outcome."""
    cell = job["cell"]
    rows = sorted(read_rows(folder, cell["key"]), key=lambda row: row["index"])
    for row in rows:
        if row["note"]:
            row["note"] = one_line(row["note"])
    if end["outcome"] == "ok" and (why := _why_undefined(rows, end.get("sets") or {})):
        end = {**end, "outcome": "undefined", "reason": why}
    whole = end["outcome"] in ("ok", "skipped", "undefined", "blocked")
    done: dict[str, Any] = {
        "schema": SCHEMA,
        **cell,
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
    lender = end.get("rescored")
    if opened := opened_in(folder) if lender is None else read_cell(store, lender["source"]).get("opened"):
        done["opened"] = opened
    (folder / "end.json").unlink(missing_ok=True)
    commit(store, done, rows)
    reason = end["reason"] or end.get("said", "")
    tell({"event": "end", "outcome": end["outcome"], "reason": reason[:200], "stored": False,
          "rescored": bool(end.get("rescored"))})  # fmt: skip


def _why_undefined(rows: Sequence[Mapping[str, Any]], sets: Mapping[str, SetPart]) -> str:
    """Why no score of any item has a value; an empty text where one has, or where none was asked for."""
    scores = [value for row in rows for value in row["scores"].values()]
    if not scores or any(v is not None for v in (*scores, *(part["value"] for part in sets.values()))):
        return ""
    return one_line(f"no score has a value: {rows[0]['note']}")


def _become_worker(job: Job, folder: Path, tell: Tell, life: int, read_end: int, write_end: int) -> None:
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        processes.die_with_parent(signal.SIGKILL)
        os.setsid()
        os.close(read_end)
        os.close(life)
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, 0)
        os.dup2(write_end, 1)
        os.dup2(write_end, 2)
        os.close(write_end)
        if job["memory"] is not None:
            _limit_data(job["memory"])
        use_threads(job["threads"])
        work(job, folder, tell)
    except BaseException:
        with suppress(Exception):
            os.write(2, traceback.format_exc()[-2000:].encode())
    os._exit(1)


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


def _watch(
    worker: int, output: int, life: int, timeout: float, memory: int | None, start: float
) -> tuple[str, int | None, str | None]:
    """Wait for the worker. Returns the end of what it printed, its wait status, and 'timeout' or 'oom' if stopped."""
    tail = b""
    ended = os.pidfd_open(worker)
    os.set_blocking(output, False)
    poll = select.poll()
    for fd in (output, life, ended):
        poll.register(fd, select.POLLIN | select.POLLHUP)
    cause = None
    try:
        while True:
            left = start + timeout - time.monotonic()
            if left <= 0:
                cause = "timeout"
                break
            wait = min(left, 0.02) if memory is not None else left
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
            if memory is not None:
                tree = processes.descendants(os.getpid())
                if processes.resident_bytes(tree) > memory:
                    cause = "oom"
                    break
            if ended in ready:
                break
    finally:
        os.close(ended)
    if cause is not None:
        with suppress(OSError):
            os.kill(worker, signal.SIGKILL)
    _, status = os.waitpid(worker, 0)
    with suppress(OSError):
        while data := os.read(output, 65_536):
            tail = (tail + data)[-_TAIL:]
    return tail.decode("utf-8", "replace")[-4000:], status, cause


def _ending(folder: Path, status: int | None, cause: str | None, job: Job) -> Ending:
    if cause == "timeout":
        return {"outcome": "timeout", "reason": f"took longer than {job['timeout']:g} s"}
    if cause == "oom":
        return {"outcome": "oom", "reason": f"needed more than {(job['memory'] or 0) / 2**30:.3g} GiB"}
    try:
        left: Ending = json.loads((folder / "end.json").read_bytes())
        return left
    except (OSError, ValueError):
        pass
    code = os.waitstatus_to_exitcode(status) if status is not None else 0
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        hint = " (perhaps the system ran out of memory)" if name == "SIGKILL" else ""
        return {"outcome": "crashed", "reason": f"killed by signal {name}{hint}"}
    return {"outcome": "crashed", "reason": f"exited with code {code} before it had finished"}
