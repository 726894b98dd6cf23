"""What a run does on a worker of a cluster: it is welcomed or refused, and gives each cell to a pool of that machine.

Dask calls `welcome`, `run_cell` and `farewell` in the process of the worker, so that it imports no method and no data.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypedDict

from ..store.cells import refuse_read_only
from ..text.errors import UsageError, one_line
from .environment import environment
from .messages import Event, Job
from .planning import check_devices_in_child
from .pool import Pool
from .sandbox import need_bubblewrap

_ROOMS = ("", ".methods", ".datasets", ".recipes")
_LOOK = 0.2
_IDLE = 120.0
"""Seconds without a cell after which the pool of a run ends, whose client may be gone. The next cell starts another."""
_OFTEN = 0.25
"""Seconds between two words on how far a cell is."""
_ALL = 1 << 30
_OF_DASK = ("MALLOC_TRIM_THRESHOLD_",)
"""What Dask sets for its own processes: with it, arrays of a method are given back and fetched anew at each call."""


class Hello(TypedDict):
    """What a run says to each worker: its name, its noisebench, and what its cells are run in.

    `token` is the name of a file in the store, which holds the name of the run. `environment` holds for the variables
    that the worker does not have itself.
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
    """What a worker answers: why it is `refused`, empty where it is not; its host, the name of what GPUs it is given
    there, and how many cells it runs at once."""

    refused: str
    host: str
    gpus: str
    slots: int


def version() -> str:
    """The version of this noisebench."""
    from .. import __version__

    return __version__


def sources_sha256() -> str:
    """The hash of all Python files of this noisebench, as they lie on the disk now: what a new process would run."""
    package = __name__.partition(".")[0]
    files: dict[str, bytes] = {}
    for room in _ROOMS:
        found = find_spec(f"{package}{room}")
        for folder in (found.submodule_search_locations if found is not None else None) or ():
            for file in Path(folder).rglob("*.py"):
                name = f"{room.replace('.', '/')}/{file.relative_to(folder).as_posix()}"
                files[name] = hashlib.sha256(file.read_bytes()).digest()
    return hashlib.sha256(b"".join(name.encode() + files[name] for name in sorted(files))).hexdigest()


def welcome(hello: Hello) -> Welcome:
    """Take part in a run, or say why not."""
    worker: Any = import_module("distributed").get_worker()
    refused = why_refused(hello)
    if not refused:
        with _lock:
            _hellos[hello["run"]] = hello
            _served[hello["run"]] = _Served(hello)
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
    if (version(), sources := sources_sha256()) != (hello["version"], hello["sources"]):
        own, asked = (f"{v}, sources {s[:12]}" for v, s in ((version(), sources), (hello["version"], hello["sources"])))
        return f"has another noisebench ({own}; the run has {asked})"
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
    """Run a cell, a `Job` as JSON, to its end. What is said of it is told under the name of the run at once, how far it
    is now and then; what is more than that is returned too, for what is told may be lost.

    Raises OSError where the pool of this worker has died.
    """
    worker: Any = import_module("distributed").get_worker()
    job: Job = json.loads(text)
    job["environment"] = {**_here(), **{name: job["environment"][name] for name in ("threads", "device")}}
    with _lock:
        served = _served.get(run)
        if served is None or served.over:
            _served[run] = served = _Served(_hellos[run])
    said: list[Event] = []
    told = 0.0
    for event in served.run(job):
        passing = event["event"] in ("item", "within")
        if not passing:
            said.append(event)
        elif time.monotonic() - told < _OFTEN:
            continue
        else:
            told = time.monotonic()
        worker.log_event(run, {**event, "task": task})
    return said


def farewell(run: str) -> None:
    """End the cells of a run here, and its pool."""
    with _lock:
        _hellos.pop(run, None)
        served = _served.pop(run, None)
    if served is not None:
        served.over = True


@lru_cache(maxsize=1)
def _here() -> dict[str, Any]:
    return environment()


class _Served:
    """The pool of a run on this worker, in a thread of its own: a pool ends with the thread that made it."""

    def __init__(self, hello: Hello) -> None:
        self.over = False
        self._hello = hello
        self._pool: Pool | None = None
        self._ready = threading.Event()
        self._numbers = itertools.count(1)
        self._heard: dict[int, SimpleQueue[Event | None]] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._serve, name="noisebench-pool", daemon=True).start()

    def run(self, job: Job) -> Iterator[Event]:
        """What is said of a cell, until it is gone. Raises OSError where the pool has died."""
        self._ready.wait()
        heard: SimpleQueue[Event | None] = SimpleQueue()
        with self._lock:
            if self._pool is None:
                raise OSError("the process that starts cells has ended")
            number = next(self._numbers)
            self._heard[number] = heard
            self._pool.submit({**job, "id": number})
        while (event := heard.get()) is not None:
            yield event
            if event["event"] == "gone":
                return
        raise OSError("the process that starts cells has ended")

    def _serve(self) -> None:
        hello = self._hello
        own = {name: value for name, value in os.environ.items() if name not in _OF_DASK}
        with suppress(OSError):  # the pool has died
            pool = Pool(
                hello["threads"], hello["track"], _ALL, (), Path(hello["folder"]), {**hello["environment"], **own}
            )
            try:
                pool.preload(hello["preload"])
                self._pool = pool
                self._ready.set()
                self._listen(pool)
            finally:
                with self._lock:
                    self._pool = None
                pool.close()
        self.over = True
        self._ready.set()
        with self._lock:
            for heard in self._heard.values():
                heard.put(None)

    def _listen(self, pool: Pool) -> None:
        """Hand on what is said of each cell, until the run is over here. Raises OSError where the pool has died."""
        last = time.monotonic()
        while not self.over:
            for event in pool.events(_LOOK):
                heard = self._heard.get(event["id"])
                if heard is not None:
                    heard.put(event)
                if event["event"] == "gone":
                    del self._heard[event["id"]]
            with self._lock:
                last = time.monotonic() if self._heard else last
                if time.monotonic() - last > _IDLE:
                    self.over, self._pool = True, None


_lock = threading.Lock()
_hellos: dict[str, Hello] = {}
_served: dict[str, _Served] = {}
