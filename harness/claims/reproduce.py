"""Run the cells behind claims into a store, and judge what came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..engine.run import RunOptions, Summary, Watcher, run
from ..errors import UsageError
from ..planned_cell import PlannedCell
from ..store.cells import ClosedStore, read_record
from ..suite import Suite
from ..track import known_track
from .effects import CellOf, Effect, effect_row
from .numbers import Claim, ClaimRow, by_setting, verdict_row


def reproduce(
    claims: Sequence[Claim], store: Path, base: Suite, options: RunOptions, watcher: Watcher
) -> list[ClaimRow]:
    """A row for each claim, in their order: claimed, ours, difference, seconds, verdict, reason.

    `base` holds limits and device. What cannot be run (no data, no weights) is `not available` with its
    reason; it stops nothing else. Raises `UsageError` where the store itself cannot be used.
    """
    rows: dict[str, ClaimRow] = {}
    for group in by_setting(claims):
        track, dataset, regime, protocol, metric = group[0].setting
        methods = tuple(dict.fromkeys(c.method for c in group))
        suite = replace(
            base,
            suite="reproduce",
            track=track,
            methods=methods,
            datasets=(dataset,),
            regimes=(regime,),
            protocol=protocol,
            metrics=_metrics(track, metric),
            rank_by=metric,
        )
        try:
            summary = run(suite, store, options, watcher)
        except ClosedStore:
            raise
        except UsageError as error:
            if not (store / "store.json").is_file() and store.exists():
                raise
            rows.update({c.name: verdict_row(c, None, None, str(error)) for c in group})
            continue
        # One dataset, one regime, one seed: the plan has a cell a method, in the order given.
        cells = dict(zip(methods, summary.cells, strict=True))
        rows.update({c.name: _row(c, cells[c.method], summary, store) for c in group})
    return [rows[c.name] for c in claims]


def reproduce_effects(
    effects: Sequence[Effect], store: Path, base: Suite, options: RunOptions, watcher: Watcher
) -> list[ClaimRow]:
    """A row for each effect: the means of its cells on each seed, seconds, verdict, reason.

    What cannot be run is `not available` with its reason. Raises `UsageError` where the store cannot be used.
    """
    rows = []
    for effect in effects:
        means: dict[str, list[float]] = {}
        seconds, reason = 0.0, ""
        for name, cell in effect.cells.items():
            try:
                means[name], took = _means(cell, effect.seeds, store, base, options, watcher)
            except ClosedStore:
                raise
            except UsageError as error:
                if not (store / "store.json").is_file() and store.exists():
                    raise
                reason = str(error)
                break
            seconds += took
        values = [] if reason else [dict(zip(means, v, strict=True)) for v in zip(*means.values(), strict=True)]
        rows.append(effect_row(effect, values, None if reason else seconds, reason))
    return rows


def _means(
    cell: CellOf, seeds: tuple[int, ...], store: Path, base: Suite, options: RunOptions, watcher: Watcher
) -> tuple[list[float], float]:
    """Mean of the metric on each seed, and seconds. Raises `UsageError` where a cell is not ok."""
    suite = replace(
        base,
        suite="reproduce",
        track=cell.track,
        methods=(cell.method,),
        datasets=(cell.dataset,),
        regimes=(cell.regime,),
        protocol=cell.protocol,
        metrics=_metrics(cell.track, cell.metric),
        seeds=seeds,
        rank_by=cell.metric,
    )
    summary = run(suite, store, options, watcher)
    by_seed = {planned["seed"]: planned["key"] for planned in summary.cells}
    means, seconds = [], 0.0
    for seed in seeds:
        key = by_seed[seed]
        outcome = summary.outcome.get(key, "crashed")
        if outcome != "ok":
            raise UsageError(f"{cell.method} is {outcome}: {summary.reason.get(key, '')}")
        record = read_record(store, key)
        means.append(float(np.mean(record.scores[cell.metric])))
        seconds += float(record.cell["seconds"] or 0.0)
    return means, seconds


def _metrics(track: str, metric: str) -> tuple[str, ...]:
    """That metric beside the usual ones: the same cells as those of an ordinary run."""
    known = known_track(track)
    return tuple(dict.fromkeys((*(known.defaults.metrics if known is not None else ()), metric)))


def _row(claim: Claim, planned: PlannedCell, summary: Summary, store: Path) -> ClaimRow:
    key = planned["key"]
    outcome = summary.outcome.get(key, "crashed")
    if outcome == "ok":
        record = read_record(store, key)
        return verdict_row(claim, record.cell, float(np.mean(record.scores[claim.metric])), "")
    reason = summary.reason.get(key, "")
    named = reason if outcome == "skipped" else f"{outcome}: {reason}"
    return verdict_row(claim, {"key": key, "outcome": outcome, "seconds": None}, None, named)
