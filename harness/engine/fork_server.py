"""The process that cells are forked from: what cells need, such as torch, is imported there and never run."""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, NoReturn

from ..track import known_track
from . import processes
from .messages import Event, Job
from .method_process import serve
from .supervisor import MethodEnd, become_method, ready_to_supervise, supervise

_LINE = 3500
_SIZE = struct.Struct("<Q")
_PRELOAD = (
    "numpy",
    "pyarrow.parquet",
    "pydantic.type_adapter",
    "noisebench.cost.measure",
)


class _Forked(NamedTuple):
    """What a fork goes on with: where events go, and the line that jobs come down."""

    events: int
    line: socket.socket


@dataclass(frozen=True)
class _Supervisor:
    """A process that runs one cell after another: see `supervisor.py`. Jobs go down the line, a byte comes back."""

    pid: int
    line: socket.socket


def main(track: str) -> _Forked | None:
    """Read jobs as JSON lines from standard input, give each to a supervisor, write events as JSON lines.

    Returns None when the run is over; and in each fork that is to be a supervisor, which so has no job on its stack.
    """
    processes.die_with_parent(signal.SIGTERM)
    processes.close_memory()
    events = os.dup(1)
    os.dup2(2, 1)
    os.set_inheritable(events, False)
    preload(track)
    idle: list[_Supervisor] = []
    busy: dict[_Supervisor, int] = {}
    send(events, {"event": "ready"})
    pending = b""
    while True:
        lines = {one.line.fileno(): one for one in (*busy, *idle)}
        ready, _, _ = select.select([0, *lines], [], [])
        for one in (lines[fd] for fd in ready if fd in lines):
            alive = _heard(one)
            if not alive:
                os.waitpid(one.pid, 0)
                idle = [other for other in idle if other is not one]
            if one in busy:
                send(events, {"event": "gone", "id": busy.pop(one)})
                idle += [one] if alive else []
        if 0 in ready:
            data = os.read(0, 65_536)
            if not data:
                break
            *texts, pending = (pending + data).split(b"\n")
            for text in texts:
                if not idle:
                    forked = _new_supervisor([other.line for other in busy])
                    if isinstance(forked, socket.socket):
                        return _Forked(events, forked)
                    idle.append(forked)
                one = idle.pop()
                busy[one] = json.loads(text)["id"]
                one.line.sendall(_SIZE.pack(len(text)) + text)
    for one in (*busy, *idle):
        one.line.close()
        os.kill(one.pid, signal.SIGTERM)
    for one in (*busy, *idle):
        os.waitpid(one.pid, 0)
    return None


def _heard(one: _Supervisor) -> bool:
    """Whether the supervisor says that it is done, and has not ended itself."""
    try:
        return bool(one.line.recv(1))
    except OSError:
        return False


def preload(track: str) -> None:
    """Import what cells of a track need, so that a fork starts at once."""
    own = known_track(track)
    for name in (*_PRELOAD, *(own.preload if own is not None else ())):
        importlib.import_module(name)
    # The first array makes pyarrow look for pandas, which takes longer than a short cell.
    importlib.import_module("pyarrow").array([""])
    gc.collect()
    gc.freeze()


def send(fd: int, message: dict[str, Any]) -> None:
    """One JSON line, short enough to be written in one piece."""
    data = json.dumps(message).encode()
    if len(data) > _LINE:
        data = json.dumps({**message, "reason": "…", "message": "…"}).encode()[:_LINE]
    os.write(fd, data + b"\n")


def _new_supervisor(others: Sequence[socket.socket]) -> _Supervisor | socket.socket:
    """Fork a supervisor; in the fork, its end of the line."""
    ours, line = socket.socketpair()
    pid = os.fork()
    if pid:
        line.close()
        return _Supervisor(pid, ours)
    for other in (ours, *others):
        other.close()
    return line


def supervise_jobs(events: int, line: socket.socket) -> NoReturn:
    """Run what comes down the line, until it closes; and each method, in the fork that is its process."""
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, 0)
        os.close(nowhere)
        end = _run_jobs(events, line)
        if end is not None:
            line.close()
            serve(become_method(end))
    except BaseException:
        if os.environ.get("NOISEBENCH_DEBUG"):
            import traceback

            traceback.print_exc()
    os._exit(0)


def _run_jobs(events: int, line: socket.socket) -> MethodEnd | None:
    """Run what comes down the line, until it closes. Returns in the fork that is to be a method's process."""
    ready_to_supervise()
    while (job := _next_job(line)) is not None:
        tell = partial(_tell, events, job["id"])
        try:
            end = supervise(job, tell, line.fileno())
        except BaseException as error:
            tell({"event": "broken", "message": f"{type(error).__name__}: {error}"[:1000]})
            raise
        if end is not None:
            return end
        line.sendall(b".")
    return None


def _tell(events: int, number: int, message: Event) -> None:
    send(events, {"id": number, **message})


def _next_job(line: socket.socket) -> Job | None:
    def read(length: int) -> bytes:
        data = b""
        while len(data) < length and (more := line.recv(length - len(data))):
            data += more
        return data

    head = read(_SIZE.size)
    if not head:
        return None
    job: Job = json.loads(read(*_SIZE.unpack(head)))
    return job


if __name__ == "__main__":
    if (fork := main(sys.argv[1])) is not None:
        supervise_jobs(*fork)
    sys.exit(0)
