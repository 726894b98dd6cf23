"""What the rows of a board cost: the costs that can be compared, each at the setting that most rows have. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from msgspec import structs

from ..cost.pace import is_busy, of_newest_reference, processors_note, reference_of
from ..store.cell import Cost
from ..store.record import Record
from ..store.results import Results
from ..text.errors import one_line
from ..text.wording import by_number, counted
from .rows import Row
from .scaling import channels_of


def cost_records(records: Iterable[Record]) -> Results:
    """The measured cost cells, sorted by method and size; relative latencies are all of the newest reference met."""
    costs = Results.of(records).where(kind="cost", outcome="ok")
    measured = of_newest_reference(r for r in costs if r.cell.cost)
    last = max(map(reference_of, measured), default=1)
    comparable = [r if reference_of(r) == last else _without_relative(r) for r in measured]

    def place(record: Record) -> tuple[Any, ...]:
        cost = record.cell.cost
        numbers = math.prod(cost.size) if cost else 0
        return by_number(record.cell.method.display), numbers, cost_setting(cost), record.cell.key

    return Results.of(sorted(comparable, key=place))


def _without_relative(record: Record) -> Record:
    cost = record.cell.cost
    if cost is None:
        return record
    why = "timed beside an older reference operation than others here: run it again"
    changed = structs.replace(cost, latency_rel=None, reasons={**cost.reasons, "latency_rel": why})
    return replace(record, cell=structs.replace(record.cell, cost=changed))


def cost_setting(cost: Cost | None) -> str:
    """Input size, device and threads of a cost, in words."""
    if cost is None:
        return ""
    threads = counted(cost.threads, "thread")
    return f"{'×'.join(map(str, cost.size))}, {cost.device}, {threads}"


def with_costs(rows: list[Row], costs: Mapping[str, Results], channels: Collection[int]) -> tuple[list[Row], str, str]:
    """Rows with their costs, all of the one setting that most rows have; that setting, and a note on processors.

    Of several it is that of a picture with as many channels as those of the board, then the smallest.
    """
    if not costs:
        return rows, "", ""
    costs_of_rows: list[dict[str, Record]] = []
    others: set[str] = set()
    for row in rows:
        cost_of_setting: dict[str, Record] = {}
        for record in costs.get(row.spec, ()):
            cost = record.cell.cost
            if cost is not None and record.cell.method.source_sha256 == row.source_sha256:
                cost_of_setting.setdefault(cost_setting(cost), record)
                if channels_of(cost.size, record.cell.track) not in channels:
                    others.add(cost_setting(cost))
        costs_of_rows.append(cost_of_setting)
    count = Counter(setting for cost_of_setting in costs_of_rows for setting in cost_of_setting)
    if not count:
        return rows, "", ""
    setting = min(count, key=lambda s: (-count[s], s in others, by_number(s)))
    chosen = [of_row.get(setting) for of_row in costs_of_rows]
    costing = [_costing(row, one.cell.cost if one else None) for row, one in zip(rows, chosen, strict=True)]
    return costing, setting, one_line(processors_note(filter(None, chosen)))


def _costing(row: Row, cost: Cost | None) -> Row:
    if cost is None or not is_busy(cost):
        return structs.replace(row, cost=cost)
    note = "busy: the machine did other work while the cost was measured, and its ms are too long"
    return structs.replace(row, cost=cost, flags=(*row.flags, "busy"), notes=(*row.notes, note))
