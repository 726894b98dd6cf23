"""A pool whose processes are those of a cluster: each cell is a task of Dask's, on a worker that this run has welcomed.

Which cell goes to which worker is said here, since a worker may be a machine with several GPUs, must be of the same
noisebench, and may have what a cell needs: `place_for`. What a worker does, `cluster_worker` has.
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

from ..data.disk import write_file
from ..suite.suite import Suite
from ..text.errors import UsageError, one_line
from ..text.wording import counted
from .cluster_start import BATCH, REACHED, Where, connected, has_jobs, undisturbed
from .cluster_worker import Hello, Welcome, farewell, run_cell, sources_sha256, version, welcome
from .devices import free_device
from .messages import Event, Job
from .planning import Planned, plan_in_child

_LEFT = 60.0
"""Seconds in which a worker must come after the last one has gone."""
_GATHER = 5.0
"""Seconds for which a run that has a worker waits for what others say."""
_LOOK = 1.0
_MARGIN = 60.0
"""Seconds beyond the timeout of its cell after which a worker hangs."""
_STARTS = 300.0
"""Seconds beyond those in which a worker must have begun a cell: what it imports may come from a slow disk."""
_AGAIN = 30.0
_ENDED = 2
"""Looks, one each `_AGAIN` seconds, at which no job is left and no worker there, after which none will come."""
_TRIES = 3
_VARIABLES = ("NOISEBENCH_DATA", "NOISEBENCH_WEIGHTS")


@dataclass
class Seat:
    """A worker that may run cells: so many at once, on a host, on the GPUs that it is given there. `cells` are those
    that it has: whether each is to be alone, and its device."""

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
    """Where a cell may start now, with its device where there are any; None where there is no room.

    A cell that is `alone` has its host to itself. Of several workers one of the addresses `near` is preferred, then
    the one with least to do.
    """
    full = {seat.host for seat in seats if any(whole for whole, _ in seat.cells.values())}
    taken: set[str] = {seat.host for seat in seats if seat.cells} if alone else full
    held: dict[str, list[str]] = {}
    for seat in seats if devices else ():
        held.setdefault(seat.gpus, []).extend(gpu for _, gpu in seat.cells.values() if gpu is not None)
    best: tuple[tuple[bool, float], Seat, str | None] | None = None
    for seat in seats:
        if len(seat.cells) >= seat.slots or seat.host in taken:
            continue
        device = free_device(devices, held[seat.gpus]) if devices else None
        if devices and device is None:
            continue
        rank = (seat.address not in near, len(seat.cells) / seat.slots)
        if best is None or rank < best[0]:
            best = rank, seat, device
    return None if best is None else best[1:]


@dataclass
class _Task:
    """A cell under way. `name` is that of its present try, `seat` None while it waits for a worker again."""

    job: Job
    name: str
    tries: int = 0
    seat: Seat | None = None
    future: Any = None
    given: float = 0.0
    began: float | None = None
    told: bool = False


class Cluster:
    """What `Pool` is, of the workers of a cluster, which is looked for when a cell is due; `say` tells the user."""

    def __init__(
        self,
        where: Where,
        suite: Suite,
        store: Path,
        jobs: int | None,
        devices: Sequence[str],
        sandbox: bool,
        say: Callable[[str], None],
    ) -> None:
        self._where, self._suite, self._store, self._jobs = where, suite, store.resolve(), jobs
        self._devices, self._sandbox, self._say = tuple(devices), sandbox, say
        self._run = f"noisebench-{uuid.uuid4().hex}"
        self._client: Any = None
        self._started: Any = None
        self._inbox: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._seats: dict[str, Seat] = {}
        self._asked: dict[str, Any] = {}
        self._closed: set[str] = set()
        self._names: dict[str, str] = {}
        self._tasks: dict[int, _Task] = {}
        self._again: deque[int] = deque()
        self._trained: dict[str, str] = {}
        self._stuck: dict[str, str] = {}
        self._looked = 0.0
        self._scaled = time.monotonic()
        self._ended = 0
        self._empty: float | None = None

    def plan(self, suite: Suite) -> Planned:
        """All cells of a suite, planned here; devices are those of the workers. Raises `UsageError`."""
        return plan_in_child(suite, ())

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
            "version": version(),
            "sources": sources_sha256(),
            "store": str(self._store),
            "token": str(self._token.relative_to(self._store)),
            "folder": os.getcwd(),
            "environment": {name: os.path.abspath(os.environ[name]) for name in _VARIABLES if os.environ.get(name)},
            "track": self._suite.track,
            "threads": limits.threads,
            "memory": limits.memory,
            "preload": list(modules),
            "devices": list(self._devices) or [self._suite.device],
            "sandbox": self._sandbox,
        }
        self._client.subscribe_topic(self._run, lambda event: self._inbox.put(("event", event[1])))
        start = time.monotonic()
        said = False
        while not self._seats or (self._asked and time.monotonic() - start < _GATHER):
            for _ in self.events(0.1):
                pass
            if self._closed and not self._seats and not self._asked and self._where.kind in ("tcp", "local"):
                raise UsageError(f"{self._place} has no worker that can be used: each was refused")
            if not said and time.monotonic() - start > REACHED:
                what = "its workers, which have other work" if self._asked else "a first worker"
                batch = BATCH.get(self._where.kind)
                where = f" (`{batch.tells}` says how its jobs stand)" if batch else ""
                self._say(f"{self._place}: waiting for {what}{where}")
                said = True

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
        """Start a job (it has an `id`), which there is room for, or will be."""
        self._tasks[job["id"]] = _Task(job, "")
        self._again.append(job["id"])
        self._start_waiting()

    def _start_waiting(self) -> None:
        """Give to workers what waits for one, as far as there is room."""
        for number in list(self._again):
            task = self._tasks[number]
            near = {self._trained[key] for key in task.job["cell"]["after"] if key in self._trained}
            alone = task.job["cell"]["alone"]
            place = place_for(self._seats.values(), alone, near, self._devices)
            if place is None:
                return
            self._again.remove(number)
            task.seat, device = place
            task.seat.cells[number] = alone, device
            task.tries += 1
            task.name, task.given, task.began = f"{number}-{task.tries}", time.monotonic(), None
            job = task.job if device is None else {**task.job, "gpu": device}
            task.future = self._there(task.seat.address, task.name, run_cell, self._run, task.name, json.dumps(job))
            task.future.add_done_callback(_Put(self._inbox, "done", (number, task.name)))

    def _there(self, address: str, name: str, function: Callable[..., Any], *values: Any) -> Any:
        key = f"{self._run}-{name}"
        return self._client.submit(function, *values, key=key, pure=False, workers=[address], allow_other_workers=False)

    def events(self, wait: float) -> Iterator[Event]:
        """What has happened within `wait` seconds. Raises `UsageError` where the cluster is lost."""
        yield from self._look()
        with suppress(Empty):
            yield from self._hear(*self._inbox.get(timeout=wait))
            while True:
                yield from self._hear(*self._inbox.get_nowait())

    def _hear(self, what: str, said: Any) -> Iterator[Event]:
        if what == "welcome":
            self._welcomed(said)
        elif what == "event":
            number = int(said["task"].partition("-")[0])
            task = self._tasks.get(number)
            if task is not None and task.name == said.pop("task"):
                yield from self._tell(number, task, said)
        else:
            number, name = said
            task = self._tasks.get(number)
            if task is not None and task.name == name and task.seat is not None:
                yield from self._done(number, task)

    def _tell(self, number: int, task: _Task, event: Event) -> Iterator[Event]:
        if event["event"] == "began":
            task.began = time.monotonic()
        elif event["event"] == "busy" and (held := self._stuck.get(task.job["cell"]["key"])):
            task.told = True
            yield {"event": "broken", "id": number, "message": f"{held} hangs, and has it still"}
        elif event["event"] != "gone":
            task.told = task.told or event["event"] in ("end", "broken", "busy", "disk")
            if event["event"] == "end" and task.seat is not None and task.job["cell"]["kind"] == "train":
                self._trained[task.job["cell"]["key"]] = task.seat.address
            yield {**event, "id": number}

    def _done(self, number: int, task: _Task) -> Iterator[Event]:
        """The end of a task: what it has returned, where that was not told already."""
        seat = task.seat
        if task.future.status != "finished" and not task.told:
            error = task.future.exception(timeout=REACHED) if task.future.status == "error" else None
            yield from self._lose(number, f"has lost it ({one_line(error, 100)})" if error else "has lost it")
            return
        if not task.told:
            for event in task.future.result(timeout=REACHED):
                yield from self._tell(number, task, event)
        if seat is not None:
            seat.cells.pop(number, None)
        del self._tasks[number]
        self._start_waiting()
        yield {"event": "gone", "id": number}

    def _lose(self, number: int, why: str) -> Iterator[Event]:
        """A worker has a cell no more: another one goes on with it; after some it counts as crashed."""
        task = self._tasks[number]
        seat, task.seat, task.future = task.seat, None, None
        if seat is not None:
            seat.cells.pop(number, None)
        if not task.told and task.tries < _TRIES:
            self._say(f"{seat} {why}: cell {task.job['cell']['key'][:12]} goes on elsewhere")
            task.name = ""
            self._again.append(number)
            self._start_waiting()
            return
        if not task.told:
            message = f"{counted(task.tries, 'worker')} went while they had it; the last, {seat}, {why}"
            yield {"event": "broken", "id": number, "message": message}
        del self._tasks[number]
        yield {"event": "gone", "id": number}

    def _welcomed(self, address: str) -> None:
        """A worker has answered."""
        future = self._asked.pop(address, None)
        if future is None:
            return
        name = self._names.get(address, address)
        if future.status == "finished":
            answer: Welcome = future.result(timeout=REACHED)
            seat = Seat(address, name, answer["host"], answer["gpus"], answer["slots"])
            refused = answer["refused"]
        elif future.status == "error":
            error = future.exception(timeout=REACHED)
            if "deserialization of the task graph" in str(error):
                raise UsageError(f"{self._place}: its scheduler has not this noisebench: start it in this environment")
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
        """Once a second: which workers came and went, and which hang. Raises `UsageError` where the cluster is lost."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        there = self._workers()
        for address in [address for address in self._seats if address not in there]:
            yield from self._without(address, "has gone")
        for address in [address for address in self._asked if address not in there]:
            del self._asked[address]
        new = there - self._seats.keys() - self._asked.keys() - self._closed
        if new:
            known = self._client.scheduler_info()["workers"]
            self._names.update({address: str(known[address]["name"]) for address in new if address in known})
        for address in new:
            asked = self._there(address, f"welcome-{address}", welcome, self._hello)
            self._asked[address] = asked
            asked.add_done_callback(_Put(self._inbox, "welcome", address))
        for task in list(self._tasks.values()):
            limit = task.job["timeout"] * (1 if task.job["donor"] is None else 2) + _MARGIN
            since = task.began
            if since is None:
                since, limit = task.given, limit + _STARTS
            if task.seat is not None and now - since > limit:
                self._closed.add(task.seat.address)
                keys = [self._tasks[n].job["cell"]["key"] for n in task.seat.cells]
                self._stuck.update(dict.fromkeys(keys, str(task.seat)))
                yield from self._without(task.seat.address, f"has not answered for {limit:.0f} s and gets no more")
        if self._where.kind in BATCH and now - self._scaled > _AGAIN:
            self._scaled = now
            self._started.scale(n=self._where.workers)  # those whose jobs have ended, at their walltime, are due anew
            self._ended = 0 if self._seats or self._asked or has_jobs(self._where, self._started) else self._ended + 1
            if self._ended == _ENDED:
                raise UsageError(
                    f"{self._place}: its jobs have ended, and no worker came of them: see what they printed, in the "
                    "folder log_directory=… or here"
                )
        self._empty = None if self._seats or self._asked else self._empty or now
        patience = _LEFT if self._tasks else REACHED
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
                return set(self._client.nthreads(callback_timeout=_LEFT))
        except (OSError, TimeoutError):
            pass
        raise UsageError(
            f"{self._place}: the scheduler does not answer any more; the cells so far are stored, the same command "
            "goes on from here"
        )

    def close(self) -> None:
        """End every running cell of this run, and what was started for it; who stops it once more waits for that."""
        if self._client is None:
            return
        with undisturbed():
            with suppress(Exception):
                self._client.sync(self._say_farewell, callback_timeout=2)
            with suppress(Exception):
                self._client.close(timeout=2)
            with suppress(Exception):
                if self._started is not None:
                    self._started.close(timeout=5)
            self._token.unlink(missing_ok=True)

    async def _say_farewell(self) -> None:
        await self._client.run(farewell, self._run, workers=list(self._seats), on_error="ignore")


@dataclass(frozen=True)
class _Put:
    """What a future calls when it is done: a word in the inbox of the run."""

    inbox: SimpleQueue[tuple[str, Any]]
    what: str
    said: Any

    def __call__(self, _: Any) -> None:
        self.inbox.put((self.what, self.said))
