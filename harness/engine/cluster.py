"""Run cells on a cluster: each is a Dask task, pinned to a worker that was checked first.

Dask's own scheduling cannot place cells: its resources are those of a worker, where a cell may need a whole host or a
GPU that the workers of a host share. So `place_for` chooses. `cluster_worker` has what runs on a worker.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from msgspec import structs

from .. import __version__
from ..data.disk import write_file
from ..store.cell_json import plain_values
from ..store.harness_hash import harness_sha256
from ..suite.suite import Suite
from ..text.errors import UsageError, one_line
from ..text.wording import counted
from .cluster_start import BATCH, REACHED, Where, connected, has_jobs, undisturbed
from .cluster_worker import Hello, Welcome, farewell, run_cell, welcome
from .devices import free_device
from .messages import Event, Job
from .planning_process import Planned, plan_in_child
from .sandbox import Confinement
from .supervisor import stored_end

_NO_WORKER = 60.0
"""Seconds in which a new worker must come after the last one has gone."""
_GATHER = 5.0
"""Seconds for which a run that has a worker waits for the answers of others."""
_LOOK = 1.0
"""Seconds between two looks at the workers."""
_MARGIN = 60.0
"""Seconds beyond the timeout of its cell after which a worker counts as hung."""
_STARTS = 300.0
"""Seconds more for a cell that has not begun: imports may come from a slow disk."""
_AGAIN = 30.0
"""Seconds between two requests for workers of a batch system."""
_ENDED = 2
"""How many times in a row a batch system may have no job and no worker before the run gives up."""
_TRIES = 3
"""How many workers a cell may lose before it counts as crashed."""
_VARIABLES = ("NOISEBENCH_DATA", "NOISEBENCH_WEIGHTS")


@dataclass
class Seat:
    """A worker that may run cells, `slots` at once. `gpus` names the GPUs that it sees; workers of one host may share
    them. `cells` are those it runs: whether each has the host to itself, and its device."""

    address: str
    name: str
    host: str
    gpus: str
    slots: int
    cells: dict[int, tuple[bool, str | None]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"worker {one_line(self.name, 60)} ({self.address})"


def place_for(
    seats: Collection[Seat], alone: bool, near: Collection[str], devices: Sequence[str]
) -> tuple[Seat, str | None] | None:
    """The worker, and the device if any, on which a cell may start now; None where there is no room.

    A cell that is `alone` needs a host to itself. Workers at the addresses `near` come first, then the least busy.
    """
    full = {seat.host for seat in seats if any(whole for whole, _ in seat.cells.values())}
    taken: set[str] = {seat.host for seat in seats if seat.cells} if alone else full
    in_use: dict[str, list[str]] = {}
    for seat in seats if devices else ():
        in_use.setdefault(seat.gpus, []).extend(gpu for _, gpu in seat.cells.values() if gpu is not None)
    best: tuple[tuple[bool, float], Seat, str | None] | None = None
    for seat in seats:
        if len(seat.cells) >= seat.slots or seat.host in taken:
            continue
        device = free_device(devices, in_use[seat.gpus]) if devices else None
        if devices and device is None:
            continue
        rank = (seat.address not in near, len(seat.cells) / seat.slots)
        if best is None or rank < best[0]:
            best = rank, seat, device
    return None if best is None else best[1:]


@dataclass
class _Task:
    """A cell under way. `name` is that of its current try; `seat` is None while it waits for a worker."""

    job: Job
    name: str = ""
    tries: int = 0
    seat: Seat | None = None
    future: Any = None
    given: float = 0.0
    began: float | None = None


class Cluster:
    """The pool of a cluster's workers, which it looks for when a cell is due; `say` tells the user."""

    def __init__(
        self,
        where: Where,
        suite: Suite,
        store: Path,
        jobs: int | None,
        devices: Sequence[str],
        sandbox: Confinement | None,
        say: Callable[[str], None],
    ) -> None:
        self._where, self._suite, self._store, self._jobs = where, suite, store.resolve(), jobs
        self._devices, self._confinement, self._say = tuple(devices), sandbox, say
        self._run = f"noisebench-{uuid.uuid4().hex}"
        self._client: Any = None
        self._started: Any = None
        self._inbox: SimpleQueue[tuple[str, Event | None]] = SimpleQueue()
        self._seats: dict[str, Seat] = {}
        self._asked: dict[str, Any] = {}
        self._closed: set[str] = set()
        self._tasks: dict[int, _Task] = {}
        self._again: deque[int] = deque()
        self._trained: dict[str, str] = {}
        self._stuck: dict[str, str] = {}
        self._looked = 0.0
        self._scaled = time.monotonic()
        self._ended = 0
        self._empty: float | None = None

    def plan(self, suite: Suite, store: Path | None = None) -> Planned:
        """All cells of a suite, planned here; devices are those of the workers. Raises `UsageError`."""
        return plan_in_child(suite, (), self._confinement, store)

    def reach(self) -> None:
        """Connect to the scheduler, or start one. Raises `UsageError`, after which nothing was written."""
        if self._client is None:
            self._client, self._started = connected(self._where, self._suite.limits.threads)

    def preload(self, modules: Sequence[str]) -> None:
        """Find the workers, and have them import what cells need. Returns when there is one. Raises `UsageError`."""
        self.reach()
        (self._store / "locks").mkdir(exist_ok=True)
        write_file(self._token, self._run.encode())
        limits = self._suite.limits
        self._hello: Hello = {
            "run": self._run,
            "version": __version__,
            "sources": harness_sha256(),
            "store": str(self._store),
            "token": str(self._token.relative_to(self._store)),
            "folder": os.getcwd(),
            "environment": {name: os.path.abspath(os.environ[name]) for name in _VARIABLES if os.environ.get(name)},
            "track": self._suite.track,
            "threads": limits.threads,
            "memory": limits.memory,
            "preload": list(modules),
            "devices": list(self._devices) or [self._suite.device],
            "sandbox": self._confinement is not None,
        }
        self._client.subscribe_topic(self._run, lambda logged: self._inbox.put(tuple(logged[1])))
        start = time.monotonic()
        noted = False
        while not self._seats or (self._asked and time.monotonic() - start < _GATHER):
            for _ in self.events(0.1):
                pass
            if self._closed and not self._seats and not self._asked and self._where.kind in ("tcp", "local"):
                raise UsageError(f"{self._place} has no worker that can be used: each was refused")
            if not noted and time.monotonic() - start > REACHED:
                awaited = "its workers, which have other work" if self._asked else "a first worker"
                batch = BATCH.get(self._where.kind)
                where = f" (`{batch.tells}` says how its jobs stand)" if batch else ""
                self._say(f"{self._place}: waiting for {awaited}{where}")
                noted = True

    @property
    def _token(self) -> Path:
        return self._store / "locks" / self._run

    @property
    def _place(self) -> str:
        return f"cluster {self._where.address or self._where.kind}"

    def width(self) -> int:
        """How many cells run at once, on the workers that there are now."""
        slots = sum(seat.slots for seat in self._seats.values())
        return min(self._jobs or slots, slots)

    def takes(self, alone: bool) -> bool:
        """Whether a cell may start now: one that is `alone` has a host to itself."""
        if self._again or len(self._tasks) >= (self._jobs or len(self._tasks) + 1):
            return False
        return place_for(self._seats.values(), alone, (), self._devices) is not None

    def submit(self, job: Job) -> None:
        """Start a job (it has an `id`) as soon as there is room."""
        self._tasks[job.id] = _Task(job)
        self._again.append(job.id)
        self._start_waiting()

    def _start_waiting(self) -> None:
        """Give waiting cells to workers, as far as there is room."""
        for number in list(self._again):
            task = self._tasks[number]
            near = {self._trained[key] for key in task.job.cell.after or () if key in self._trained}
            alone = bool(task.job.cell.alone)
            place = place_for(self._seats.values(), alone, near, self._devices)
            if place is None:
                return
            self._again.remove(number)
            task.seat, device = place
            task.seat.cells[number] = alone, device
            task.tries += 1
            task.name, task.given, task.began = f"{number}-{task.tries}", time.monotonic(), None
            job = task.job if device is None else structs.replace(task.job, gpu=device)
            text = json.dumps(job, default=plain_values)
            task.future = self._submit(task.seat.address, task.name, run_cell, self._run, task.name, text)
            task.future.add_done_callback(lambda _, name=task.name: self._inbox.put((name, None)))

    def _submit(self, address: str, name: str, function: Callable[..., Any], *values: Any) -> Any:
        """A future of a function that is called on a worker."""
        key = f"{self._run}-{name}"
        return self._client.submit(function, *values, key=key, pure=False, workers=[address], allow_other_workers=False)

    def events(self, wait: float) -> Iterator[Event]:
        """Yield what happens within `wait` seconds. Raises `UsageError` where the cluster is lost."""
        for address in [address for address, future in self._asked.items() if future.done()]:
            self._admit(address, self._asked.pop(address))
        yield from self._look()
        with suppress(Empty):
            yield from self._handle(*self._inbox.get(timeout=wait))
            while True:
                yield from self._handle(*self._inbox.get_nowait())

    def _handle(self, name: str, event: Event | None) -> Iterator[Event]:
        """Pass on what a task tells of its cell; None is its end."""
        number = int(name.partition("-")[0])
        task = self._tasks.get(number)
        if task is None or task.name != name:  # of an earlier try
            return
        if event is None:
            yield from self._end(number, task)
        elif event["event"] == "began":
            task.began = time.monotonic()
        else:
            yield {**event, "id": number}

    def _end(self, number: int, task: _Task) -> Iterator[Event]:
        """Yield how a cell ended, or give it to another worker where this one has failed."""
        if task.future.status != "finished":
            error = task.future.exception(timeout=REACHED) if task.future.status == "error" else None
            yield from self._lose(number, f"has lost it ({one_line(error, 100)})" if error else "has lost it")
            return
        for event in task.future.result(timeout=REACHED):
            yield self._ending(number, task, event)
        self._remove(number, task)
        self._start_waiting()
        yield {"event": "gone", "id": number}

    def _ending(self, number: int, task: _Task, event: Event) -> Event:
        """The event that ends a cell, as this run sees it; notes where a checkpoint lies."""
        key = task.job.cell.key
        if event["event"] == "busy" and key in self._stuck:
            return {"event": "broken", "id": number, "message": f"{self._stuck[key]} hangs and still holds this cell"}
        if event["event"] == "end" and task.job.cell.kind == "train" and task.seat is not None:
            self._trained[key] = task.seat.address
        return {**event, "id": number}

    def _remove(self, number: int, task: _Task) -> None:
        if task.seat is not None:
            task.seat.cells.pop(number, None)
        del self._tasks[number]

    def _lose(self, number: int, why: str) -> Iterator[Event]:
        """Give a cell that its worker has lost to another one; after a few tries it counts as crashed."""
        task = self._tasks[number]
        seat = task.seat
        self._remove(number, task)
        if task.tries < _TRIES:
            self._say(f"{seat} {why}: cell {task.job.cell.key[:12]} goes on elsewhere")
            self._tasks[number] = _Task(task.job, tries=task.tries)
            self._again.append(number)
            self._start_waiting()
            return
        if (ended := stored_end(task.job, self._store)) is not None:
            yield ended | {"id": number}
            yield {"event": "gone", "id": number}
            return
        message = f"{counted(task.tries, 'worker')} went while they had it; the last, {seat}, {why}"
        yield {"event": "broken", "id": number, "message": message}
        yield {"event": "gone", "id": number}

    def _admit(self, address: str, future: Any) -> None:
        """Take in a worker that has answered, or say why it is refused."""
        name = str(self._client.scheduler_info()["workers"].get(address, {}).get("name", address))
        if future.status == "finished":
            answer: Welcome = future.result(timeout=REACHED)
            seat = Seat(address, name, answer["host"], answer["gpus"], answer["slots"])
            refused = answer["refused"]
        elif future.status == "error":
            error = future.exception(timeout=REACHED)
            if "deserialization of the task graph" in str(error):
                raise UsageError(f"{self._place}: its scheduler lacks this noisebench: start it in this environment")
            seat, refused = Seat(address, name, "", "", 0), f"has no noisebench like this one ({one_line(error, 100)})"
        else:  # it went before it answered
            return
        if refused:
            self._closed.add(address)
            self._say(f"{seat} is refused: it {refused}")
        else:
            self._seats[address] = seat
            self._start_waiting()

    def _look(self) -> Iterator[Event]:
        """Find, once a second, the workers that came, went or hang. Raises `UsageError` where the cluster is lost."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        present = self._workers()
        for address in [address for address in self._seats if address not in present]:
            yield from self._without(address, "has gone")
        for address in [address for address in self._asked if address not in present]:
            del self._asked[address]
        new = present - self._seats.keys() - self._asked.keys() - self._closed
        for address in new:
            self._asked[address] = self._submit(address, f"welcome-{address}", welcome, self._hello)
        for task in list(self._tasks.values()):
            limit = task.job.timeout * (1 if task.job.donor is None else 2) + _MARGIN
            since = task.began
            if since is None:
                since, limit = task.given, limit + _STARTS
            if task.seat is not None and now - since > limit:
                self._closed.add(task.seat.address)
                keys = [self._tasks[n].job.cell.key for n in task.seat.cells]
                self._stuck.update(dict.fromkeys(keys, str(task.seat)))
                yield from self._without(task.seat.address, f"has not answered for {limit:.0f} s: no more cells")
        if self._where.kind in BATCH and now - self._scaled > _AGAIN:
            self._scaled = now
            self._started.scale(n=self._where.workers)  # replaces workers whose jobs have reached their walltime
            self._ended = 0 if self._seats or self._asked or has_jobs(self._where, self._started) else self._ended + 1
            if self._ended == _ENDED:
                raise UsageError(
                    f"{self._place}: its jobs ended before any became a worker: read their output, in the folder "
                    "log_directory=… or in this one"
                )
        self._empty = None if self._seats or self._asked else self._empty or now
        patience = _NO_WORKER if self._tasks else REACHED
        if self._empty is not None and now - self._empty > patience and self._where.kind in ("tcp", "local"):
            more = "; the cells so far are stored, the same command goes on" if self._tasks else ""
            raise UsageError(f"{self._place} has no workers: start some by `dask worker`{more}")

    def _without(self, address: str, why: str) -> Iterator[Event]:
        """Go on without a worker."""
        seat = self._seats.pop(address)
        if not seat.cells:
            self._say(f"{seat} {why}")
        for number in list(seat.cells):
            yield from self._lose(number, why)

    def _workers(self) -> set[str]:
        """The addresses of all workers. Raises `UsageError` where the scheduler does not answer."""
        try:
            if self._client.status == "running":
                return set(self._client.nthreads(callback_timeout=_NO_WORKER))
        except (OSError, TimeoutError):
            pass
        raise UsageError(
            f"{self._place}: the scheduler no longer answers: start it again, and the same command goes on from the "
            "cells stored so far"
        )

    def close(self) -> None:
        """End the cells of this run and what was started for it; a second Ctrl-C does not cut this short."""
        if self._client is None:
            return
        with undisturbed():
            with suppress(Exception):
                self._client.sync(self._end_on_workers, callback_timeout=2)
            with suppress(Exception):
                self._client.close(timeout=2)
            with suppress(Exception):
                if self._started is not None:
                    self._started.close(timeout=5)
            self._token.unlink(missing_ok=True)

    async def _end_on_workers(self) -> None:
        await self._client.run(farewell, self._run, workers=list(self._seats), on_error="ignore")
