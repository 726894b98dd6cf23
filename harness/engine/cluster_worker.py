"""What Dask calls on a worker: check it for a run, run a cell in a pool of processes of that machine, end the run.

The process of the worker itself imports no method and no data.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypedDict

from msgspec import structs

from .. import __version__
from ..store.cell_json import checked
from ..store.cells import refuse_read_only
from ..store.harness_hash import harness_sha256
from ..text.errors import UsageError, one_line
from .environment import environment
from .messages import Event, Job
from .planning_process import check_devices_in_child
from .pool import Pool
from .sandbox import need_bubblewrap

_LOOK = 0.2
_IDLE = 120.0
"""Seconds without a cell after which a pool ends: its client may be gone. The next cell starts another."""
_PROGRESS_EVERY = 0.25
"""Seconds between two messages on how far a cell is."""
_ALL = 1 << 30
_OF_DASK = ("MALLOC_TRIM_THRESHOLD_",)
"""Variables that Dask sets for its own processes: this one makes methods allocate their arrays anew at each call."""
_ENDS = ("end", "broken", "busy", "disk")
_DIED = "the process that starts cells has ended"


class Hello(TypedDict):
    """What each worker is told of a run: its name, its noisebench, and how its cells are run.

    `token` names a file in the store that holds the name of the run. `environment` gives variables that the worker
    does not have itself.
    """

    run: str
    version: str
    sources: str
    store: str
    token: str
    folder: str
    environment: dict[str, str]
    track: str
    threads: int
    memory: int | None
    preload: list[str]
    devices: list[str]
    sandbox: bool


class Welcome(TypedDict):
    """What a worker answers: why it is `refused` (empty where it is not), its host, a name for the GPUs that it sees,
    and how many cells it runs at once."""

    refused: str
    host: str
    gpus: str
    slots: int


def welcome(hello: Hello) -> Welcome:
    """Take part in a run, or answer why not."""
    worker: Any = import_module("distributed").get_worker()
    refused = why_refused(hello)
    if not refused:
        _pools[hello["run"]] = _SharedPool(hello)
    limit = worker.memory_manager.memory_limit
    host = socket.gethostname()
    return {
        "refused": refused,
        "host": host,
        "gpus": f"{host} {os.environ.get('CUDA_VISIBLE_DEVICES', '')}",
        "slots": slots_of(worker.state.nthreads, limit, hello["threads"], hello["memory"]),
    }


def slots_of(cores: int, room: int | None, threads: int, memory: int | None) -> int:
    """How many cells a worker runs at once that has so many cores and bytes; one at least."""
    by_memory = room // memory if room and memory else _ALL
    return max(1, min(cores // threads, by_memory))


def why_refused(hello: Hello) -> str:
    """Why this worker must not run cells of a run; empty where it may."""
    mine, asked = (__version__, harness_sha256()), (hello["version"], hello["sources"])
    if mine != asked:
        both = (f"{version}, sources {sources[:12]}" for version, sources in (mine, asked))
        return "has another noisebench ({}; the run has {})".format(*both)
    store = Path(hello["store"])
    try:
        if (store / hello["token"]).read_text() != hello["run"]:
            raise OSError
    except OSError:
        return f"does not see the store {one_line(store)}: it must lie on a file system that all share"
    if not Path(hello["folder"]).is_dir():
        return f"has no folder {one_line(hello['folder'])}, in which methods are run"
    try:
        refuse_read_only(store)
        check_devices_in_child(hello["devices"])
        if hello["sandbox"]:
            need_bubblewrap()
    except UsageError as error:
        return f"cannot be used: {error}"
    return ""


def run_cell(run: str, task: str, text: str) -> list[Event]:
    """Run a cell, a `Job` as JSON, and return how it ended. Its progress goes out under the name of the run.

    Raises OSError where the pool of this worker has died.
    """
    worker: Any = import_module("distributed").get_worker()
    job = checked(json.loads(text), Job)
    where = {**_own_environment(), **{name: job.environment[name] for name in ("threads", "device")}}
    job = structs.replace(job, environment=where, harness=harness_sha256())
    ends: list[Event] = []
    sent = 0.0
    for event in _pools[run].run(job):
        if event["event"] in _ENDS:
            ends.append(event)
        elif event["event"] not in ("item", "progress") or time.monotonic() - sent >= _PROGRESS_EVERY:
            sent = time.monotonic()
            worker.log_event(run, [task, event])
    return ends


def farewell(run: str) -> None:
    """End the cells of a run here, and its pool."""
    if (pool := _pools.pop(run, None)) is not None:
        pool.close()


@lru_cache(maxsize=1)
def _own_environment() -> dict[str, Any]:
    return environment()


class _SharedPool:
    """The pool of a run on this worker, which all its tasks share. It is started for a cell and ends when idle.

    It is in a thread of its own, since a pool ends with the thread that made it.
    """

    def __init__(self, hello: Hello) -> None:
        self._hello = hello
        self._pool: Pool | None = None
        self._numbers = itertools.count(1)
        self._events: dict[int, SimpleQueue[Event | None]] = {}
        self._lock = threading.Lock()

    def run(self, job: Job) -> Iterator[Event]:
        """Yield a cell's events until it ends. Raises OSError where the pool has died."""
        events: SimpleQueue[Event | None] = SimpleQueue()
        with self._lock:
            if self._pool is None:
                self._pool = self._start()
            number = next(self._numbers)
            self._events[number] = events
            self._pool.submit(structs.replace(job, id=number))
        while (event := events.get()) is not None:
            if event["event"] == "gone":
                return
            yield event
        raise OSError(_DIED)

    def close(self) -> None:
        """End the pool and its cells."""
        with self._lock:
            self._pool = None

    def _start(self) -> Pool:
        self._events = {}
        started: SimpleQueue[Pool | None] = SimpleQueue()
        threading.Thread(target=self._serve, args=(started, self._events), name="noisebench-pool", daemon=True).start()
        if (pool := started.get()) is None:
            raise OSError(_DIED)
        return pool

    def _serve(self, started: SimpleQueue[Pool | None], events: dict[int, SimpleQueue[Event | None]]) -> None:
        """Make a pool, and pass on its events until it is closed, idle or dead."""
        hello = self._hello
        own_variables = {name: value for name, value in os.environ.items() if name not in _OF_DASK}
        variables = {**hello["environment"], **own_variables}
        with (
            suppress(OSError),
            closing(Pool(hello["threads"], hello["track"], _ALL, (), Path(hello["folder"]), variables)) as pool,
        ):
            pool.preload(hello["preload"])
            started.put(pool)
            self._pass_on(pool, events)
        started.put(None)
        with self._lock:
            if self._events is events:
                self._pool = None
            for queue in events.values():
                queue.put(None)

    def _pass_on(self, pool: Pool, events: dict[int, SimpleQueue[Event | None]]) -> None:
        """Pass each event to the cell that it is of. Raises OSError where the pool has died."""
        last = time.monotonic()
        while True:
            for event in pool.events(_LOOK):
                if event["id"] in events:
                    events[event["id"]].put(event)
                if event["event"] == "gone":
                    del events[event["id"]]
            with self._lock:
                last = time.monotonic() if events else last
                if self._pool is not pool:
                    return
                if time.monotonic() - last > _IDLE:
                    self._pool = None
                    return


_pools: dict[str, _SharedPool] = {}
