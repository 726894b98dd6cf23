"""Cells that have no place on a board: which, what came of them, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..store.record import Record, item_count, place_text
from ..store.results import Results
from ..text.errors import one_line
from ..text.wording import by_number
from .signature import versioned


@dataclass(frozen=True)
class Failure:
    """A cell without a place on the board: which, what came of it, and why."""

    label: str
    where: str
    seed: int | None
    outcome: str
    reason: str
    last_line: str
    items: str
    key: str
    track: str
    dataset: str
    regime: str
    protocol: str
    spec: str


def failure_of(record: Record, label: str, where: str) -> Failure:
    """A cell that is not ok, as the board lists it."""
    cell = record.cell
    lines = [line for line in cell.traceback.splitlines() if line.strip()]
    scored = cell.kind == "score"
    return Failure(
        label=label,
        where=where,
        seed=cell.seed if scored else None,
        outcome=cell.outcome,
        reason=one_line(cell.reason),
        last_line=one_line(lines[-1]) if lines else "",
        items=f"{len(record.items)} of {item_count(cell)}" if scored else "",
        key=cell.key,
        track=cell.track,
        dataset=place_text(cell),
        regime=cell.regime.display,
        protocol=versioned(cell.protocol) if scored else "",
        spec=cell.method.spec,
    )


def failed_costs(records: Iterable[Record]) -> list[Failure]:
    """The cost cells that did not come to an end, each with its size, sorted by method and size."""
    failed = [r for r in Results.of(records).where(kind="cost") if r.cell.outcome != "ok"]
    failures = [failure_of(r, r.cell.method.display, place_text(r.cell)) for r in failed]
    return sorted(failures, key=lambda f: (by_number(f.label), by_number(f.where), f.key))
