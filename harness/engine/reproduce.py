"""Run the cells behind claims into a store, and judge what came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..analysis.claims import Claim, by_setting, verdict_row
from ..errors import UsageError
from ..store.cells import read_record
from ..suite import Suite
from .run import Summary, Watcher, run


def reproduce(
    claims: Sequence[Claim], store: Path, *, base: Suite, jobs: int | None, retry: str, watcher: Watcher
) -> list[dict[str, Any]]:
    """A row for each claim, in their order: claimed, ours, difference, seconds, verdict, reason.

    `base` holds limits and device. What cannot be run (no data, no weights) is `not available` with its
    reason; it stops nothing else. Raises `UsageError` where the store itself cannot be used.
    """
    rows: dict[str, dict[str, Any]] = {}
    for group in by_setting(claims):
        dataset, regime, protocol, metric = group[0].setting
        methods = tuple(dict.fromkeys(c.method for c in group))
        suite = replace(
            base,
            suite="reproduce",
            methods=methods,
            datasets=(dataset,),
            regimes=(regime,),
            protocol=protocol,
            metrics=tuple(dict.fromkeys((*base.metrics, metric))),  # the same cells as an ordinary run
            rank_by=metric,
        )
        try:
            summary = run(suite, store, jobs=jobs, retry=retry, watcher=watcher)
        except UsageError as error:
            if not (store / "store.json").is_file() and store.exists():
                raise
            rows.update({c.name: verdict_row(c, None, None, str(error)) for c in group})
            continue
        # One dataset, one regime, one seed: the plan has a cell a method, in the order given.
        cells = dict(zip(methods, summary.cells, strict=True))
        rows.update({c.name: _row(c, cells[c.method], summary, store) for c in group})
    return [rows[c.name] for c in claims]


def _row(claim: Claim, planned: dict[str, Any], summary: Summary, store: Path) -> dict[str, Any]:
    key = planned["key"]
    outcome = summary.outcome.get(key, "crashed")
    if outcome == "ok":
        record = read_record(store, key)
        return verdict_row(claim, dict(record.cell), float(np.mean(record.scores[claim.metric])), "")
    reason = summary.reason.get(key, "")
    named = reason if outcome == "skipped" else f"{outcome}: {reason}"
    return verdict_row(claim, {"key": key, "outcome": outcome}, None, named)
