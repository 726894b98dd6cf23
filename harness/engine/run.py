"""Plan, run what is not stored yet, and say how it went. The only module that starts cells."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..errors import UsageError
from ..store.cells import open_store, outcome_of, read_cell, stamp_of
from ..store.disk import DiskFull
from ..store.kept import find_donors
from ..suite import Suite
from .planner import plan_in_child
from .pool import Pool

RETRY = ("failed", "never", "always")
_NOT_OK = ("failed", "oom", "timeout", "crashed", "invalid")
_BUSY_WAIT = 0.3


class Watcher(Protocol):
    """What a progress display is told."""

    def plan(self, todo: int, stored: int) -> None: ...
    def start(self, cell: dict[str, Any]) -> None: ...
    def picture(self, cell: dict[str, Any], n: int, of: int) -> None: ...
    def end(self, cell: dict[str, Any], outcome: str, reason: str) -> None: ...


@dataclass
class Summary:
    """Every planned cell with its outcome, the reason, and whether it was run now or only scored anew."""

    cells: list[dict[str, Any]] = field(default_factory=list)
    outcome: dict[str, str] = field(default_factory=dict)
    reason: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    rescored: set[str] = field(default_factory=set)

    def state(self, key: str) -> str:
        """What this run did about a cell: `run`, `re-scored` or `stored` (nothing)."""
        return "run" if key in self.done else "re-scored" if key in self.rescored else "stored"

    @property
    def ok(self) -> bool:
        """Whether each cell is ok or skipped."""
        return all(self.outcome.get(c["key"]) in ("ok", "skipped") for c in self.cells)


def needs_run(store: Path, key: str, retry: str) -> bool:
    """Whether a cell is to be run, by what is stored of it."""
    stored = outcome_of(store, key)
    if stored is None or retry == "always":
        return True
    if retry == "never":
        return False
    if stored == "skipped":
        return str(read_cell(store, key)["reason"]).startswith(("needs the package", "needs the weights"))
    return stored in _NOT_OK


def run(suite: Suite, store: Path, *, jobs: int | None, retry: str, watcher: Watcher) -> Summary:
    """Run a suite into a store. Raises `UsageError` before anything is written, `DiskFull`, KeyboardInterrupt."""
    planned = plan_in_child(suite)
    cells = planned["cells"]
    open_store(store)
    summary = Summary(cells=cells)
    stamps = {c["key"]: stamp_of(store, c["key"]) for c in cells}
    todo = [c for c in cells if needs_run(store, c["key"], retry)]
    donors = donors_of(store, todo, retry)
    held = {c["key"] for c in todo}
    for cell in cells:
        if cell["key"] not in held:
            stored = read_cell(store, cell["key"])
            summary.outcome[cell["key"]] = stored["outcome"]
            summary.reason[cell["key"]] = stored["reason"]
    watcher.plan(len(todo), len(cells) - len(todo))
    if not todo:
        return summary
    environment = {**planned["environment"], "threads": suite.limits.threads, "device": suite.device}
    width = jobs or max(1, (os.cpu_count() or 1) // suite.limits.threads)
    pool = Pool(suite.limits.threads)
    try:
        for kind, at_once in (("score", width), ("cost", 1)):
            part = [c for c in todo if c["kind"] == kind]
            jobs_of = {
                c["key"]: _job(c, suite, store, retry, environment, stamps[c["key"]], donors.get(c["key"]))
                for c in part
            }
            _run_part(pool, part, at_once, jobs_of, summary, watcher)
    finally:
        pool.close()
    return summary


def _run_part(
    pool: Pool,
    cells: Sequence[dict[str, Any]],
    at_once: int,
    jobs: dict[str, dict[str, Any]],
    summary: Summary,
    watcher: Watcher,
) -> None:
    waiting = deque(range(len(cells)))
    running: dict[int, dict[str, Any]] = {}
    finished: set[int] = set()
    busy: set[int] = set()
    while waiting or running:
        while waiting and len(running) < at_once:
            index = waiting.popleft()
            cell = cells[index]
            running[index] = cell
            if index not in busy:
                watcher.start(cell)
            busy.discard(index)
            pool.submit({"id": index, **jobs[cell["key"]]})
        for message in pool.events(_BUSY_WAIT):
            index = message.get("id", -1)
            if index not in running:
                continue
            cell = running[index]
            if message["event"] == "picture":
                watcher.picture(cell, message["n"], message["of"])
            elif message["event"] == "end":
                finished.add(index)
                if not message["stored"]:
                    (summary.rescored if message["rescored"] else summary.done).add(cell["key"])
                _ended(summary, watcher, cell, message["outcome"], message["reason"])
            elif message["event"] == "broken":
                finished.add(index)
                _ended(summary, watcher, cell, "crashed", f"not stored: {message['message']}")
            elif message["event"] == "busy":
                busy.add(index)
            elif message["event"] == "disk":
                raise DiskFull(message["message"])
            elif message["event"] == "gone":
                del running[index]
                if index in finished:
                    continue
                if index in busy:
                    waiting.append(index)
                else:
                    _ended(summary, watcher, cell, "crashed", "not stored: the process that kept it was killed")
        if busy and not (set(running) - busy):
            time.sleep(_BUSY_WAIT)


def _ended(summary: Summary, watcher: Watcher, cell: dict[str, Any], outcome: str, reason: str) -> None:
    summary.outcome[cell["key"]] = outcome
    summary.reason[cell["key"]] = reason
    watcher.end(cell, outcome, reason)


def donors_of(store: Path, cells: Sequence[dict[str, Any]], retry: str) -> dict[str, str]:
    """Planned cell → stored cell whose kept pictures it is scored from. None of them with `--retry always`."""
    return {} if retry == "always" or not cells else find_donors(store, cells)


def _job(
    cell: dict[str, Any],
    suite: Suite,
    store: Path,
    retry: str,
    environment: dict[str, Any],
    stamp: list[int] | None,
    donor: str | None,
) -> dict[str, Any]:
    redo = {"failed": [*_NOT_OK, "skipped"], "never": [], "always": ["ok", "skipped", *_NOT_OK]}[retry]
    return {
        "cell": cell,
        "store": str(store.resolve()),
        "seed": cell["seed"],
        "keep": suite.keep,
        "device": suite.device,
        "threads": suite.limits.threads,
        "timeout": suite.limits.timeout,
        "memory": suite.limits.memory,
        "plugins": cell["request"]["plugins"],
        "environment": environment,
        "redo": redo,
        "afresh": retry == "always",
        "stamp": stamp,
        "donor": donor,
    }


def check_jobs(jobs: int | None) -> None:
    """Raise `UsageError` for a number of jobs below 1."""
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs}: give a whole number from 1")
