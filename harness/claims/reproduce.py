"""Run the cells behind claims into a store, each once, and judge what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from ..engine.planning import plan_each_in_child
from ..engine.run import RunOptions, Summary, Watcher, run_planned
from ..planned_cell import PlannedCell
from ..store.cells import open_store, read_cell, read_record, refuse_read_only
from ..store.record import Cell, Outcome
from ..suite import CostPlan, Suite, input_size
from ..track import known_track
from .effects import Effect
from .figures import CellOf, Found
from .judging import cells_of, judged_row
from .numbers import Claim, ClaimRow

Place = tuple[CellOf, int]
"""What is run for a cell of a claim on a seed: cells that differ in their figure alone have one place."""


def reproduce(
    claims: Sequence[Claim | Effect],
    store: Path,
    base: Suite,
    options: RunOptions,
    watcher: Watcher,
    told: Callable[[ClaimRow], None] = lambda row: None,
) -> list[ClaimRow]:
    """A row for each claim, in their order; each is `told` as soon as its last cell has ended.

    `base` holds limits and device. All cells are planned before the first is run, so that what several claims need is
    run once. What cannot be run (no data, no weights) is `not available` with its reason; it stops nothing else. Raises
    `UsageError` where the store itself cannot be used.
    """
    if not store.exists():
        refuse_read_only(store)
    places = list(dict.fromkeys(_place(of, seed) for claim in claims for of, seed in cells_of(claim)))
    planned = plan_each_in_child([_suite(of, seed, base) for of, seed in places])
    plans = dict(zip(places, planned["plans"], strict=True))
    cells = {cell["key"]: cell for plan in plans.values() if not isinstance(plan, str) for cell in plan}
    summary = Summary(cells=list(cells.values()))
    results = _Results(claims, store, plans, summary, told)
    if cells:
        open_store(store)
    for track, preload in planned["preload"].items():
        own = [cell for cell in summary.cells if cell["track"] == track]
        watch = _Watch(watcher, results.tell_ended)
        run_planned(own, preload, planned["environment"], summary, base, store, options, watch)
    results.tell_ended()
    return [results.rows[place] for place in range(len(claims))]


def _place(of: CellOf, seed: int) -> Place:
    return replace(of, training="any" if of.training else "", cost="any" if of.cost else ""), seed


def _suite(of: CellOf, seed: int, base: Suite) -> Suite:
    """What runs a cell on a seed, and no other."""
    track = known_track(of.track)
    usual = track.defaults if track is not None else None
    size = input_size(of.size) if of.size else usual.size if usual is not None else ()
    # A metric beside the usual ones: the same cells as those of an ordinary run.
    metrics = (*(usual.metrics if usual is not None else ()), *filter(None, (of.metric,)))
    return replace(
        base,
        suite="reproduce",
        track=of.track,
        methods=(of.method,),
        datasets=tuple(filter(None, (of.dataset,))),
        regimes=(of.regime or (usual.regime if usual is not None else ""),),
        protocol=of.protocol,
        metrics=tuple(dict.fromkeys(metrics)),
        seeds=(seed,),
        cost=CostPlan((size,)) if of.cost else CostPlan(),
    )


class _Watch:
    """A watcher that says also when a cell has ended."""

    def __init__(self, watcher: Watcher, ended: Callable[[], None]) -> None:
        self._watcher, self._ended = watcher, ended
        self.start, self.item, self.said = watcher.start, watcher.item, watcher.said

    def plan(self, todo: int, stored: int) -> None:
        self._watcher.plan(todo, stored)
        self._ended()

    def end(self, cell: PlannedCell, outcome: str, reason: str) -> None:
        self._watcher.end(cell, outcome, reason)
        self._ended()


class _Results:
    """The verdicts of a run under way: each claim is judged when all of its cells have ended."""

    def __init__(
        self,
        claims: Sequence[Claim | Effect],
        store: Path,
        plans: dict[Place, list[PlannedCell] | str],
        summary: Summary,
        told: Callable[[ClaimRow], None],
    ) -> None:
        self.rows: dict[int, ClaimRow] = {}
        self._claims, self._store, self._plans, self._summary, self._told = claims, store, plans, summary, told
        self._found: dict[Place, Found] = {}
        self._due = {
            number: {
                cell["key"]
                for of, seed in cells_of(claim)
                if not isinstance(plan := plans[_place(of, seed)], str)
                for cell in plan
            }
            for number, claim in enumerate(claims)
        }

    def tell_ended(self) -> None:
        """Judge the claims that can be judged now and could not before."""
        for number in [n for n, due in self._due.items() if due <= self._summary.outcome.keys()]:
            del self._due[number]
            self.rows[number] = judged_row(self._claims[number], self._find)
            self._told(self.rows[number])

    def _find(self, of: CellOf, seed: int) -> Found:
        place = _place(of, seed)
        if place not in self._found:
            self._found[place] = self._looked_up(of, self._plans[place])
        return self._found[place]

    def _looked_up(self, of: CellOf, plan: list[PlannedCell] | str) -> Found:
        if isinstance(plan, str):
            return Found(reason=plan)
        trainings = [c for c in plan if c["kind"] == "train"]
        others = [c for c in plan if c["kind"] != "train" and not of.training]
        if len(others) > 1:
            return Found(reason=f"it is {len(others)} cells: name one method, dataset and regime")
        outcome, reason = None, ""
        for cell in [*trainings, *others]:
            ended, why = (told.get(cell["key"], "") for told in (self._summary.outcome, self._summary.reason))
            if ended != "ok":
                outcome, reason = cast(Outcome, ended), why if ended == "skipped" else f"{ended}: {why}"
        ended_trainings = [c for planned in trainings if (c := self._ended(planned)) is not None]
        found = Found(trainings=ended_trainings, outcome=outcome, reason=reason)
        if others and self._summary.outcome[others[0]["key"]] == "ok":
            record = read_record(self._store, others[0]["key"])
            means = {metric: float(np.mean(values)) for metric, values in record.scores.items()}
            found = replace(found, cell=record.cell, means=means)
        return found

    def _ended(self, planned: PlannedCell) -> Cell | None:
        """A training that has an end to speak of: done, or diverged."""
        done = self._summary.outcome[planned["key"]] in ("ok", "diverged")
        return read_cell(self._store, planned["key"]) if done else None
