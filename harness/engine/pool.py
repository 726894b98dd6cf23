"""The local pool: a suite in, its cells out; jobs in, events out. A cluster has the same few functions."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from msgspec import structs

from ..store.cell_json import plain_values
from ..suite.suite import Suite
from .devices import free_device
from .messages import Event, Job
from .planning_process import Planned, answer_in, request_of
from .sandbox import Confinement

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_NO_THREAD_OF_ARROW = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""pyarrow's allocator starts a thread otherwise, and a process with threads must not fork."""
_PLANNED = b'{"event": "planned"'


class Cells(Protocol):
    """What runs cells: processes of this machine, or a cluster."""

    def plan(self, suite: Suite, store: Path | None = None) -> Planned: ...
    def reach(self) -> None: ...
    def preload(self, modules: Sequence[str]) -> None: ...
    def width(self) -> int: ...
    def takes(self, alone: bool) -> bool: ...
    def submit(self, job: Job) -> None: ...
    def events(self, wait: float) -> Iterator[Event]: ...
    def close(self) -> None: ...


class Pool:
    """Processes of this machine. `plan` a suite, or say what to `preload`; `submit` jobs, read `events`, `close`.

    `at_once` cells are run at most, each with one of `devices` where these are given. `folder` and `environment` are
    what the processes are started in, those of this process where nothing is said. With a `sandbox` plug-ins are
    imported in one alone.
    """

    def __init__(
        self,
        threads: int,
        track: str,
        at_once: int,
        devices: Sequence[str] = (),
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        sandbox: Confinement | None = None,
    ) -> None:
        given = os.environ if environment is None else environment
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "noisebench.engine.fork_server", track],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env={**given, **dict.fromkeys(_THREADS, str(threads)), **_NO_THREAD_OF_ARROW},
            start_new_session=True,
        )
        self._pending = b""
        self._at_once = at_once
        self._devices = tuple(devices)
        self._running: dict[int, Job] = {}
        self._sandbox = sandbox

    def plan(self, suite: Suite, store: Path | None = None) -> Planned:
        """All cells of a suite, before anything else is asked; `store` as of `request_of`. Raises `UsageError`."""
        assert self._process.stdout is not None
        self._send(request_of(suite, self._devices or (suite.device,), self._sandbox, store))
        texts: list[bytes] = []
        while line := self._process.stdout.readline():
            if line.startswith(_PLANNED):
                return cast(Planned, answer_in(b"".join(texts), json.loads(line)["code"]))
            texts.append(line)
        return cast(Planned, answer_in(b"", self._process.wait()))

    def reach(self) -> None:
        """Nothing is to be reached: the processes are of this machine."""

    def preload(self, modules: Sequence[str]) -> None:
        """Import what cells of the track need, and these, before the first job is given."""
        self._send({"preload": list(modules)})

    def width(self) -> int:
        """How many cells run at once."""
        return self._at_once

    def takes(self, alone: bool) -> bool:
        """Whether a cell may start now: one that is `alone` has nothing beside it."""
        running = self._running.values()
        return len(running) < (1 if alone else self._at_once) and not any(job.cell.alone for job in running)

    def submit(self, job: Job) -> None:
        """Start a job (it has an `id`). Raises OSError where the pool has died."""
        device = free_device(self._devices, (one.gpu for one in self._running.values() if one.gpu is not None))
        job = job if device is None else structs.replace(job, gpu=device)
        self._running[job.id] = job
        self._send(job)

    def _send(self, message: Job | Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message, default=plain_values).encode() + b"\n")
        self._process.stdin.flush()

    def events(self, wait: float) -> Iterator[Event]:
        """What has happened within `wait` seconds. Raises OSError where the pool has died."""
        assert self._process.stdout is not None
        fd = self._process.stdout.fileno()
        if not select.select([fd], [], [], wait)[0]:
            return
        data = os.read(fd, 65_536)
        if not data:
            raise OSError("the process that starts cells has ended unexpectedly")
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if isinstance(message, dict) and isinstance(message.get("event"), str):
                if message["event"] == "gone":
                    self._running.pop(message["id"], None)
                yield cast(Event, message)

    def close(self) -> None:
        """End every running cell and the pool."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.close()
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
