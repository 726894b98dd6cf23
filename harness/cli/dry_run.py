"""`noisebench run --dry-run`: which cells would run, how long they would take, and whether a cluster is reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..engine.cluster_start import Where, read_cluster, slots_there
from ..engine.forecast import expected_efficiency, forecast_text, peak_text, rates_of, room_text
from ..engine.planning_process import plan_in_child
from ..engine.run import RunOptions, donors_of, due_cells, known_rates, sandbox_of
from ..engine.shards import cells_of
from ..planning.cells import PlannedCell
from ..store.cells import open_store
from ..store.index import genuine_cells
from ..store.upkeep import readable, sizes_of
from ..suite.suite import Suite
from ..text.errors import UsageError
from ..text.terminal import TextColumn
from ..text.wording import counted
from .cell_text import cell_names, cell_values
from .options import note, print_json, print_listing

_LISTED = 50
"""Cells that are listed, those first that would run."""


@dataclass(frozen=True)
class DuePlan:
    """The cells of a plan: `due` are those that would run, `donors` has by key the stored cell by whose outputs one of
    them would only be scored."""

    cells: Sequence[PlannedCell]
    due: Sequence[PlannedCell]
    donors: Mapping[str, str]

    def states(self) -> list[str]:
        """What would be done about each cell: `run`, `re-score` or `stored` (nothing)."""
        states = {cell.key: "re-score" if cell.key in self.donors else "run" for cell in self.due}
        return [states.get(cell.key, "stored") for cell in self.cells]


def dry_run(suite: Suite, store: Path, options: RunOptions, *, as_json: bool) -> None:
    """Print what a run would do. Raises `UsageError`, at the end where it is that a cluster cannot be reached."""
    cluster = read_cluster(options.cluster) if options.cluster else None
    plan = _due_plan(suite, store, options, cluster)
    threads = suite.limits.threads
    slots: int | None = None
    unreached: UsageError | None = None
    try:
        slots = options.width(threads) if cluster is None else slots_there(cluster, threads) if plan.due else None
    except UsageError as error:
        unreached = error
    if as_json:
        pairs = zip(plan.cells, plan.states(), strict=True)
        print_json({"cells": [{**cell_values(cell), "state": state} for cell, state in pairs]})
    else:
        _print_cells(plan)
        note(_due_text(plan, _forecast(plan, store, slots, clustered=cluster is not None)))
    if unreached is not None:  # what a run would end with
        raise unreached


def _due_plan(suite: Suite, store: Path, options: RunOptions, cluster: Where | None) -> DuePlan:
    """The cells of a suite, or of the shard of it, with what the store lacks of them."""
    devices = () if cluster is not None else options.devices or None
    planned = plan_in_child(suite, devices, sandbox_of(suite, store, options))
    for text in planned["left_out"]:
        note(text)
    cells = planned["cells"]
    if store.exists():
        open_store(store)
    if options.shard is not None:
        cells = cells_of(options.shard, cells, store, lambda: known_rates(store), keep=False)
    due = due_cells(store, cells, genuine_cells(store, [cell.key for cell in cells]), options.retry)
    return DuePlan(cells, due, donors_of(store, due, options.retry))


def _print_cells(plan: DuePlan) -> None:
    """A table of the cells, in the order of the plan; of very many those first that would run."""
    pairs = zip(plan.cells, plan.states(), strict=True)
    rows = [[state, *cell_names(cell), cell.key[:12]] for cell, state in pairs]
    if hidden := max(0, len(rows) - _LISTED):
        rows = sorted(rows, key=lambda row: row[0] == "stored")[:_LISTED]
    print_listing(
        rows,
        TextColumn("state"),
        TextColumn("method", least=20, middle=True),
        TextColumn("dataset", least=10, middle=True),
        TextColumn("regime", least=10, middle=True),
        TextColumn("seed", drop=1),
        TextColumn("key", drop=2),
    )
    if hidden:
        print(f"… and {counted(hidden, 'more cell')}; --json has all")


def _forecast(plan: DuePlan, store: Path, slots: int | None, *, clustered: bool) -> str:
    """Time, memory and room that the cells would take, by those that are stored; empty where none would run."""
    if not plan.due:
        return ""
    stored = [record.cell for record in readable(store)]
    rates = rates_of(stored)
    share = expected_efficiency(plan.due, rates, slots) if clustered and slots else None
    texts = (
        forecast_text(plan.due, rates, slots) if slots else "",
        f"efficiency {share:.0%} with {slots} at once" if share else "",
        peak_text(plan.due, stored),
        room_text(len(plan.due), sizes_of(store)),
    )
    return ", ".join(filter(None, texts))


def _due_text(plan: DuePlan, forecast: str) -> str:
    rescored = f", {len(plan.donors)} to re-score" if plan.donors else ""
    counts = f"{len(plan.due) - len(plan.donors)} to run{rescored}, {len(plan.cells) - len(plan.due)} stored"
    return f"{counts}; {forecast}" if forecast else counts
