"""Run the cells behind claims into a store, each once, and judge what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

from ..components.tracks import known_track
from ..engine.planning_process import plan_each_in_child
from ..engine.pool import Pool
from ..engine.run import RunOptions, Summary, Watcher, run_planned
from ..planning.cells import PlannedCell
from ..store.cell import Cell, Outcome
from ..store.cells import open_store, read_cell, read_record, refuse_read_only
from ..suite.suite import CostPlan, Suite, input_size
from .effects import Effect
from .figures import NOTHING_TRAINED, CellOf, CellResult
from .judging import cells_of, judged_row, not_available
from .numbers import Claim, ClaimRow

Place = tuple[CellOf, int]
"""What is run for a cell of a claim on a seed: cells that differ in their figure alone have one place."""


def reproduce(
    claims: Sequence[Claim | Effect],
    store: Path,
    base: Suite,
    options: RunOptions,
    watcher: Watcher,
    report: Callable[[ClaimRow], None] = lambda row: None,
    known: Mapping[str, ClaimRow] | None = None,
) -> list[ClaimRow]:
    """A row for each claim, in their order; `report` is given each as soon as its last cell has ended.

    `base` holds limits and device. All cells are planned before the first is run, so that what several claims need is
    run once. `known` has rows of effects on their first seeds, by name: of these nothing is run. What cannot be run (no
    data, no weights) is `not available` with its reason; it stops nothing else. Raises `UsageError` where the store
    itself cannot be used.
    """
    if not store.exists():
        refuse_read_only(store)
    places: dict[Place, str] = {}
    known = known or {}
    for claim in claims:
        for name, of, seed in cells_of(claim, known.get(claim.name)):
            places.setdefault(_place(of, seed), f"{claim.group}: {name}" if name else "")
    if not places:
        return [judged_row(claim, lambda of, seed: CellResult(), known.get(claim.name)) for claim in claims]
    planned = plan_each_in_child([_suite(of, seed, base, name) for (of, seed), name in places.items()])
    plans = {place: _needed(place[0], plan) for place, plan in zip(places, planned["plans"], strict=True)}
    results = _Results(claims, store, plans, report, known)
    results.tell_ended()
    if results.summary.cells:
        open_store(store)
    for track, ready in in_rounds(results.summary.cells):
        watch = _EndWatcher(watcher, results.tell_ended)
        preload, where = planned["preload"][track], planned["environment"]
        with closing(Pool(base.limits.threads, track, options.width(base.limits.threads))) as pool:
            run_planned(pool, ready, preload, where, results.summary, replace(base, track=track), store, options, watch)
    return [results.rows[number] for number in range(len(claims))]


def in_rounds(cells: Sequence[PlannedCell]) -> Iterator[tuple[str, list[PlannedCell]]]:
    """Cells of one track at a time, each with or after those that train what it needs.

    A track has a turn again where its cells need what is trained of another one, which may need what it trains itself.
    """
    waiting = list(cells)
    while waiting:
        turns = {track: _ready(waiting, track) for track in dict.fromkeys(cell.track for cell in waiting)}
        whole = [track for track in turns if len(turns[track]) == sum(cell.track == track for cell in waiting)]
        track = whole[0] if whole else max(turns, key=lambda track: len(turns[track]))
        yield track, turns[track]
        done = {cell.key for cell in turns[track]}
        waiting = [cell for cell in waiting if cell.key not in done]


def _ready(waiting: Sequence[PlannedCell], track: str) -> list[PlannedCell]:
    """The cells of a track that need nothing of those of another one; what is trained stands before what needs it."""
    waits, ready = {cell.key for cell in waiting}, []
    for cell in waiting:
        if cell.track == track and waits.isdisjoint(cell.after or ()):
            ready.append(cell)
            waits.discard(cell.key)
    return ready


def _place(of: CellOf, seed: int) -> Place:
    return replace(of, training="any" if of.training else "", cost="any" if of.cost else ""), seed


def _suite(of: CellOf, seed: int, base: Suite, name: str) -> Suite:
    """What runs a cell on a seed, and no other. `name` is what its method is called on the way, empty for none."""
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
        names={"method": {of.method: name}} if name else {},
    )


def _needed(of: CellOf, plan: list[PlannedCell] | str) -> list[PlannedCell] | str:
    """The cells of a plan that a figure is of, or why it is of none."""
    if isinstance(plan, str):
        return plan
    trainings = [cell for cell in plan if cell.kind == "train"]
    others = [cell for cell in plan if cell.kind != "train" and not of.training]
    if of.training and not trainings:
        return NOTHING_TRAINED
    if len(others) > 1:
        return f"it is {len(others)} cells: name one method, dataset and regime"
    return [*trainings, *others]


class _EndWatcher:
    """A watcher that says also when a cell has ended."""

    def __init__(self, watcher: Watcher, ended: Callable[[], None]) -> None:
        self._watcher, self._ended = watcher, ended
        self.start, self.item, self.iteration = watcher.start, watcher.item, watcher.iteration
        self.message, self.note = watcher.message, watcher.note

    def plan(self, todo: int, stored: int, forecast: str) -> None:
        self._watcher.plan(todo, stored, forecast)
        self._ended()

    def end(self, cell: PlannedCell, outcome: str, reason: str) -> None:
        self._watcher.end(cell, outcome, reason)
        self._ended()


class _Results:
    """The verdicts of a run under way: each claim is judged when all of its cells have ended.

    The cells of `summary` are those of the claims of which every cell could be planned, in the order of the claims.
    """

    def __init__(
        self,
        claims: Sequence[Claim | Effect],
        store: Path,
        plans: Mapping[Place, list[PlannedCell] | str],
        report: Callable[[ClaimRow], None],
        known: Mapping[str, ClaimRow],
    ) -> None:
        self.rows: dict[int, ClaimRow] = {}
        self._claims, self._store, self._report, self._known = claims, store, report, known
        self._plans: dict[Place, list[PlannedCell]] = {}
        self._results: dict[Place, CellResult] = {}
        self._due: dict[int, set[str]] = {}
        cells: dict[str, PlannedCell] = {}
        for number, claim in enumerate(claims):
            cells_due = cells_of(claim, known.get(claim.name))
            plans_of_cells = {(name, _place(of, seed)): plans[_place(of, seed)] for name, of, seed in cells_due}
            wrong = next(((name, plan) for (name, _), plan in plans_of_cells.items() if isinstance(plan, str)), None)
            if wrong is not None:
                self._tell(number, not_available(claim, *wrong))
                continue
            self._plans |= {place: plan for (_, place), plan in plans_of_cells.items() if not isinstance(plan, str)}
            by_key = {cell.key: cell for (_, place) in plans_of_cells for cell in self._plans[place]}
            self._due[number], cells = set(by_key), {**cells, **by_key}
        self.summary = Summary(cells=list(cells.values()))

    def tell_ended(self) -> None:
        """Judge the claims that can be judged now and could not before."""
        for number in [n for n, due in self._due.items() if due <= self.summary.outcome.keys()]:
            del self._due[number]
            claim = self._claims[number]
            self._tell(number, judged_row(claim, self._find, self._known.get(claim.name)))

    def _tell(self, number: int, row: ClaimRow) -> None:
        self.rows[number] = row
        self._report(row)

    def _find(self, of: CellOf, seed: int) -> CellResult:
        place = _place(of, seed)
        if place not in self._results:
            self._results[place] = self._looked_up(self._plans[place])
        return self._results[place]

    def _looked_up(self, plan: Sequence[PlannedCell]) -> CellResult:
        trainings = [c for c in plan if c.kind == "train"]
        others = [c for c in plan if c.kind != "train"]
        outcome, reason = None, ""
        for cell in plan:
            ended, why = (by_key.get(cell.key, "") for by_key in (self.summary.outcome, self.summary.reason))
            if ended != "ok":
                outcome, reason = cast(Outcome, ended), why if ended == "skipped" else f"{ended}: {why}"
        before = {key for one in trainings for key in one.after or ()}
        result = CellResult(
            trainings=self._ended([one for one in trainings if one.key not in before]),
            before=self._ended([one for one in trainings if one.key in before]),
            outcome=outcome,
            reason=reason,
        )
        if others and self.summary.outcome[others[0].key] == "ok":
            result = result.scored(read_record(self._store, others[0].key))
        return result

    def _ended(self, trainings: Sequence[PlannedCell]) -> list[Cell]:
        """Those that are done, and those that diverged where none failed: a failure says nothing of a recipe."""
        outcomes = {cell.key: self.summary.outcome[cell.key] for cell in trainings}
        ends = ("ok", "diverged") if {*outcomes.values()} <= {"ok", "diverged"} else ("ok",)
        return [read_cell(self._store, key) for key, outcome in outcomes.items() if outcome in ends]
