"""The process that cells are forked from: what cells need, such as torch, is imported there and never run."""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import sys
from typing import Any

from ..track import known_track
from . import processes
from .messages import Job

_LINE = 3500
_PRELOAD = (
    "numpy",
    "pyarrow.parquet",
    "pydantic.type_adapter",
    "noisebench.cost.measure",
    "noisebench.engine.supervisor",
)


def main(track: str) -> None:
    """Read jobs as JSON lines from standard input, fork a supervisor for each, write events as JSON lines."""
    processes.die_with_parent(signal.SIGTERM)
    events = os.dup(1)
    os.dup2(2, 1)
    os.set_inheritable(events, False)
    preload(track)
    life_read, life_write = os.pipe()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, int] = {}
    send(events, {"event": "ready"})
    pending = b""
    while True:
        ready, _, _ = select.select([0, wake_read], [], [])
        if wake_read in ready:
            os.read(wake_read, 4096)
            for pid in list(running):
                done, status = os.waitpid(pid, os.WNOHANG)
                if done:
                    send(events, {"event": "gone", "id": running.pop(pid), "status": status})
        if 0 in ready:
            data = os.read(0, 65_536)
            if not data:
                break
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                job: Job = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    _become_supervisor(job, events, life_read, (life_write, wake_read, wake_write))
                running[pid] = job["id"]
    os.close(life_write)
    for pid in running:
        os.kill(pid, signal.SIGTERM)
    for pid in running:
        os.waitpid(pid, 0)


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


def _become_supervisor(job: Job, events: int, life: int, close: tuple[int, ...]) -> None:
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for fd in close:
            os.close(fd)
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, 0)
        os.close(nowhere)
        from .supervisor import supervise

        supervise(job, lambda message: send(events, {"id": job["id"], **message}), life)
    except BaseException as error:
        send(events, {"id": job["id"], "event": "broken", "message": f"{type(error).__name__}: {error}"[:1000]})
        if os.environ.get("NOISEBENCH_DEBUG"):
            import traceback

            traceback.print_exc()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
    sys.exit(0)
