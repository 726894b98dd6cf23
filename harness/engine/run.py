"""Plan, run what is not stored yet, and say how it went. The only module that starts cells."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from msgspec import structs

from ..data.disk import DiskFull
from ..planning.cells import PlannedCell
from ..planning.kept_parts import keep_parts
from ..store.cell import NOT_OK, Cell
from ..store.cells import (
    WEIGHTS,
    cell_dir,
    genuine_cell,
    is_read_only,
    open_store,
    outcome_of,
    refuse_read_only,
    stamp_of,
)
from ..store.file_changes import changes_of
from ..store.harness_hash import files_changed_since, harness_files, hash_of
from ..store.index import genuine_cells
from ..store.names import add_names, read_names, with_added
from ..store.outputs import find_donors, kept_items, outputs_in
from ..store.record import item_count
from ..store.request_times import mark_asked
from ..store.upkeep import readable, wrong_weights
from ..suite.suite import Suite
from ..text.errors import UsageError
from ..text.extras import is_installed
from ..text.wording import counted
from .forecast import Rates, forecast_text, longest_first, rates_of
from .messages import Job
from .pool import Cells, Pool
from .sandbox import Confinement, confinement, need_bubblewrap
from .shards import Shard, cells_of
from .shared_starts import shorter_ones

_BUSY_WAIT = 0.3


class Watcher(Protocol):
    """What a progress display is told."""

    def plan(self, todo: int, stored: int, forecast: str) -> None: ...
    def start(self, cell: PlannedCell) -> None: ...
    def item(self, cell: PlannedCell, n: int, of: int) -> None: ...
    def iteration(self, cell: PlannedCell, n: int, of: int) -> None: ...
    def message(self, cell: PlannedCell, text: str) -> None: ...
    def end(self, cell: PlannedCell, outcome: str, reason: str) -> None: ...
    def note(self, text: str) -> None: ...


@dataclass
class Summary:
    """Every planned cell with its outcome, the reason, and whether it was run now or only scored anew."""

    cells: list[PlannedCell] = field(default_factory=list)
    outcome: dict[str, str] = field(default_factory=dict)
    reason: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    rescored: set[str] = field(default_factory=set)

    def state(self, key: str) -> str:
        """What this run did about a cell: `run`, `re-scored` or `stored` (nothing)."""
        return "run" if key in self.done else "re-scored" if key in self.rescored else "stored"

    @property
    def ok(self) -> bool:
        """Whether each cell is ok or skipped; a variant of a tuned method may have diverged, for it only loses."""
        return all(
            self.outcome.get(c.key) in ("ok", "skipped", *(("diverged",) if c.variant else ())) for c in self.cells
        )


@dataclass(frozen=True)
class RunOptions:
    """How a suite is run, whatever it is. `jobs`: cells at once, None for as many as there is room for. `sandbox`: run
    the code of plug-ins where neither data nor store is. `shard`: the part of the cells that is run, None for all.
    `devices`: of which each cell has one. `cluster`: where cells are run, empty for this machine."""

    jobs: int | None = None
    retry: str = "failed"
    sandbox: bool = False
    shard: Shard | None = None
    devices: tuple[str, ...] = ()
    cluster: str = ""

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise UsageError(f"--jobs {self.jobs}: give a whole number from 1")

    def width(self, threads: int) -> int:
        """How many cells of so many threads run at once on this machine."""
        room = len(self.devices) or max(1, (os.cpu_count() or 1) // threads)
        return min(self.jobs or room, room) if self.devices else self.jobs or room


def needs_run(store: Path, cell: PlannedCell, stored: Cell | None, retry: str) -> bool:
    """Whether a cell is to be run, by what is stored of it (None: nothing sound) and what its method opened then."""
    if stored is None or retry == "always" or _outdated(stored, cell, store):
        return True
    if retry == "never":
        return False
    if stored.outcome == "skipped":
        return bool(stored.needs)
    if stored.outcome == "ok" and stored.cost is not None and stored.cost.reference_ms is None:
        return is_installed("torch")  # which times the reference operation, and was not here then
    return stored.outcome in NOT_OK


def due_cells(store: Path, cells: Sequence[PlannedCell], stored: Mapping[str, Cell], retry: str) -> list[PlannedCell]:
    """The cells that are to be run, `stored` being what is stored of them: also a training whose checkpoint is damaged,
    where a cell that is to be run needs it."""
    due = {c.key for c in cells if needs_run(store, c, stored.get(c.key), retry)}
    by_key = {c.key: c for c in cells}
    waiting, seen = list(due), set(due)
    while waiting:
        for key in by_key[waiting.pop()].after or ():
            if key in stored and key not in seen and wrong_weights(stored[key], cell_dir(store, key)):
                due.add(key)
                waiting.append(key)
            seen.add(key)
    return [c for c in cells if c.key in due]


def _outdated(stored: Cell | None, cell: PlannedCell, store: Path) -> bool:
    """Whether a file that the method opened is another one now, or the checkpoint that was trained is gone."""
    if stored is None:
        return False
    trained = stored.training is not None and bool(stored.training.weights_sha256)
    gone = trained and not (cell_dir(store, cell.key) / WEIGHTS).is_file()
    return gone or bool(changes_of(stored, cell.request, store))


def _replaced(todo: Sequence[PlannedCell], by_key: Mapping[str, Cell], store: Path) -> str:
    """That a run replaces results that are stored, by a failure too, since their files are others; empty where none."""
    ok = [(c, by_key[c.key]) for c in todo if c.key in by_key and by_key[c.key].outcome == "ok"]
    why = [changes[0] for cell, stored in ok if (changes := changes_of(stored, cell.request, store))]
    if not why:
        return ""
    results = f"{counted(len(why), 'stored result')} {'is' if len(why) == 1 else 'are'}"
    return f"{results} replaced, whatever comes of the run: {why[0]}"


def _lacks_outputs(stored: Cell, keep: str, store: Path) -> bool:
    """Whether a stored cell has fewer outputs than are to be kept of it."""
    if keep == "none" or stored.kind != "score" or stored.outcome not in ("ok", "undefined"):
        return False
    return outputs_in(cell_dir(store, stored.key) / "outputs") < len(kept_items(keep, item_count(stored)))


def run(suite: Suite, store: Path, options: RunOptions, watcher: Watcher) -> Summary:
    """Run a suite into a store. Raises `UsageError` before anything is written, `DiskFull`, KeyboardInterrupt."""
    if options.sandbox and not options.cluster:
        need_bubblewrap()
    if not store.exists():
        refuse_read_only(store)
    with closing(_cells(suite, store, options, watcher)) as pool:
        planned = pool.plan(suite, store)
        for text in planned["left_out"]:
            watcher.note(text)
        cells = planned["cells"]
        before = read_names(store)
        names = with_added(before, suite.track, planned["names"]) if any(planned["names"].values()) else before
        if not store.exists():
            pool.reach()
        open_store(store)
        keep_parts(store, planned["kept"])
        if names != before:
            refuse_read_only(store)
            add_names(store, suite.track, planned["names"])
        if options.shard is not None:
            keep = not is_read_only(store)  # where something is to be run, such a store is refused
            cells = cells_of(options.shard, cells, store, lambda: known_rates(store), keep=keep)
        summary = Summary(cells=cells)
        run_planned(pool, cells, planned["preload"], planned["environment"], summary, suite, store, options, watcher)
    return summary


def sandbox_of(suite: Suite, store: Path, options: RunOptions) -> Confinement | None:
    """The sandbox of the methods of a run; None where it has none."""
    if not options.sandbox:
        return None
    data = (*suite.datasets, *suite.regimes)
    return confinement(data, store, suite.limits.memory, options.width(suite.limits.threads))


def _cells(suite: Suite, store: Path, options: RunOptions, watcher: Watcher) -> Cells:
    sandbox = sandbox_of(suite, store, options)
    if options.cluster:
        from .cluster import Cluster
        from .cluster_start import read_cluster

        where = read_cluster(options.cluster)
        return Cluster(where, suite, store, options.jobs, options.devices, sandbox, watcher.note)
    threads = suite.limits.threads
    return Pool(threads, suite.track, options.width(threads), options.devices, sandbox=sandbox)


def run_planned(
    pool: Cells,
    cells: Sequence[PlannedCell],
    preload: Sequence[str],
    environment: Mapping[str, Any],
    summary: Summary,
    base: Suite,
    store: Path,
    options: RunOptions,
    watcher: Watcher,
) -> None:
    """Run cells of a track into a store that is open, and fill `summary`; track, limits and device are those of `base`.

    What is trained for them may be of another track.

    Raises `UsageError` where the store cannot be written, `DiskFull`, KeyboardInterrupt.
    """
    stored_cells = genuine_cells(store, [c.key for c in cells])
    todo = due_cells(store, cells, stored_cells, options.retry)
    stamps = {c.key: stamp_of(store, c.key) for c in todo}
    if todo:
        # What another run has stored since is judged by the version of its stamp, or a later one.
        again = genuine_cells(store, [*stamps])
        stored_cells = {key: cell for key, cell in stored_cells.items() if key not in stamps} | again
        todo = due_cells(store, cells, stored_cells, options.retry)
    donors = donors_of(store, todo, options.retry)
    due = {c.key for c in todo}
    for cell in cells:
        if cell.key not in due:
            stored = stored_cells[cell.key]
            summary.outcome[cell.key] = stored.outcome
            summary.reason[cell.key] = stored.reason
    if todo:
        refuse_read_only(store)
    mark_asked(store, summary.outcome)
    rates = known_rates(store) if todo else {}
    harness = harness_files() if todo else ()
    if todo:
        pool.preload(preload)
    watcher.plan(len(todo), len(cells) - len(todo), forecast_text(todo, rates, pool.width()))
    if options.retry != "always" and (note := _replaced(todo, stored_cells, store)):
        watcher.note(note)
    if bare := sum(_lacks_outputs(stored_cells[c.key], base.keep, store) for c in cells if c.key not in due):
        watcher.note(
            f"{bare} of the cells stored already {'has' if bare == 1 else 'have'} not the outputs that are to be kept: "
            "--retry always runs all cells again and keeps them"
        )
    if not todo:
        return
    where = {**environment, "threads": base.limits.threads, "device": base.device}
    sandbox = sandbox_of(base, store, options)
    made_by = hash_of(harness)
    jobs = {
        c.key: _job(c, base, store, options, where, made_by, stamps.get(c.key), donors.get(c.key), sandbox)
        for c in todo
    }
    try:
        _Execution(pool, jobs, store, summary, watcher, shorter_ones(todo)).run(longest_first(todo, rates))
    finally:
        if changed := files_changed_since(harness):
            watcher.note(
                f"{counted(len(changed), 'file')} of noisebench changed during this run ({changed[0]}): its cells have "
                f"the hash of before, {made_by[:12]}, though new code may have made some: --retry always runs them anew"
            )


@dataclass
class _Execution:
    """A run under way: cells wait, run, and end; cells of `after` first, an `alone` one with nothing beside it.

    A training waits for those that are `shorter` and that it may start from, however they end.
    """

    pool: Cells
    jobs: Mapping[str, Job]
    store: Path
    summary: Summary
    watcher: Watcher
    shorter: Mapping[str, set[str]]
    waiting: list[PlannedCell] = field(default_factory=list)
    running: dict[int, PlannedCell] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    coming: set[str] = field(default_factory=set)

    def run(self, cells: Sequence[PlannedCell]) -> None:
        """All of them, to their end. Raises `DiskFull`, OSError where the pool has died."""
        self.waiting = list(cells)
        self.coming = {cell.key for cell in cells}
        number = 0
        while self.waiting or self.running:
            while (chosen := self._next()) is not None:
                self.waiting.remove(chosen)
                number += 1
                self.running[number] = chosen
                if chosen.key not in self.busy:
                    self.watcher.start(chosen)
                self.busy.discard(chosen.key)
                job = structs.replace(self.jobs[chosen.key], id=number, blocked=self._blocked(chosen) or "")
                self.pool.submit(job)
            for message in self.pool.events(_BUSY_WAIT):
                self._hear(message)
            if self.busy and all(c.key in self.busy for c in self.running.values()):
                time.sleep(_BUSY_WAIT)

    def _next(self) -> PlannedCell | None:
        """The cell that may start now: what needs the machine to itself waits for all that does not."""
        if not self.pool.takes(alone=False):
            return None
        alone = None
        for cell in self.waiting:
            if self.coming.isdisjoint((*(cell.after or ()), *self.shorter.get(cell.key, ()))):
                if not cell.alone:
                    return cell
                alone = alone or cell
        if alone is None and not self.running and self.waiting:
            return self.waiting[0]  # they wait for each other: each is told so
        return alone if alone is not None and self.pool.takes(alone=True) else None

    def _blocked(self, cell: PlannedCell) -> str | None:
        """Why a cell cannot be run: a cell that it needs is not ok."""
        outcomes = {
            key: self.summary.outcome.get(key) or outcome_of(self.store, key) or "not run" for key in cell.after or ()
        }
        losers = {
            one.key
            for tuning in cell.tuned
            if {outcomes[variant.key] for variant in tuning.variants} != {"diverged"}
            for one in tuning.variants
            if outcomes[one.key] == "diverged"
        }
        for key, outcome in outcomes.items():
            if outcome != "ok" and key not in losers:
                reason = self.summary.reason.get(key, "")
                return f"needs cell {key[:12]}, which is {outcome}" + (f": {reason}" if reason else "")
        return None

    def _hear(self, message: Any) -> None:
        cell = self.running.get(message.get("id", -1))
        if cell is None:
            return
        key, event = cell.key, message["event"]
        if event == "item":
            self.watcher.item(cell, message["n"], message["of"])
        elif event == "progress":
            self.watcher.iteration(cell, message["n"], message["of"])
        elif event == "message":
            self.watcher.message(cell, message["message"])
        elif event == "end":
            self.ended.add(key)
            if not message["stored"]:
                (self.summary.rescored if message["rescored"] else self.summary.done).add(key)
            self._end(cell, message["outcome"], message["reason"])
        elif event == "broken":
            self.ended.add(key)
            self._end(cell, "crashed", f"not stored: {message['message']}")
        elif event == "busy":
            self.busy.add(key)
        elif event == "disk":
            raise DiskFull(message["message"])
        elif event == "gone":
            del self.running[message["id"]]
            if key in self.busy:
                self.waiting.append(cell)
                return
            self.coming.discard(key)
            if key not in self.ended:
                self._end(cell, "crashed", "not stored: the process that supervised it was killed")

    def _end(self, cell: PlannedCell, outcome: str, reason: str) -> None:
        self.summary.outcome[cell.key] = outcome
        self.summary.reason[cell.key] = reason
        self.watcher.end(cell, outcome, reason)


def known_rates(store: Path) -> Rates:
    """How long methods take an item, by the cells of a store, which need not be there."""
    return rates_of(record.cell for record in readable(store))


def donors_of(store: Path, cells: Sequence[PlannedCell], retry: str) -> dict[str, str]:
    """Planned cell → stored cell whose kept outputs it is scored from. None of them with `--retry always`."""
    return {} if retry == "always" or not cells else find_donors(store, cells)


def _job(
    cell: PlannedCell,
    suite: Suite,
    store: Path,
    options: RunOptions,
    environment: dict[str, Any],
    harness: str,
    stamp: list[int] | None,
    donor: str | None,
    sandbox: Confinement | None,
) -> Job:
    stored = genuine_cell(store, cell.key)
    damaged = stored is not None and bool(wrong_weights(stored, cell_dir(store, cell.key)))
    afresh = options.retry == "always" or damaged or _outdated(stored, cell, store)
    redo = ["ok", "skipped", *NOT_OK] if afresh else {"failed": [*NOT_OK, "skipped"], "never": []}[options.retry]
    return Job(
        cell=cell,
        store=str(store.resolve()),
        keep=suite.keep,
        device=suite.device,
        threads=suite.limits.threads,
        timeout=suite.limits.timeout,
        memory=suite.limits.memory if sandbox is None else sandbox.memory,
        environment=environment,
        harness=harness,
        redo=redo,
        afresh=afresh,
        stamp=stamp,
        donor=donor,
        sandbox=sandbox,
        blocked="",
    )
