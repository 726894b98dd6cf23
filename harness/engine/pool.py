"""The local pool: a suite in, its cells out; jobs in, events out. A cluster needs no more than these few functions."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from ..suite import Suite
from .messages import Event, Job
from .planning import Planned, answer_in, request_of

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_PLANNED = b'{"event": "planned"'


class Pool:
    """Processes of this machine. `plan` a suite, or say what to `preload`; `submit` jobs, read `events`, `close`."""

    def __init__(self, threads: int, track: str) -> None:
        environment = {**os.environ, **dict.fromkeys(_THREADS, str(threads))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "noisebench.engine.fork_server", track],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        self._pending = b""

    def plan(self, suite: Suite) -> Planned:
        """All cells of a suite, before anything else is asked. Raises `UsageError`."""
        assert self._process.stdout is not None
        self._send(request_of(suite))
        texts: list[bytes] = []
        while line := self._process.stdout.readline():
            if line.startswith(_PLANNED):
                return cast(Planned, answer_in(b"".join(texts), json.loads(line)["code"]))
            texts.append(line)
        return cast(Planned, answer_in(b"", self._process.wait()))

    def preload(self, modules: Sequence[str]) -> None:
        """Import what cells of the track need, and these, before the first job is given."""
        self._send({"preload": list(modules)})

    def submit(self, job: Job) -> None:
        """Start a job (it has an `id`). Raises OSError where the pool has died."""
        self._send(job)

    def _send(self, message: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
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
