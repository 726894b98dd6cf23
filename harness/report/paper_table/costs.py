"""What a method costs, beside its scores in the table of a paper: heads, numbers, and at what input it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ...boards.board import Board
from ...boards.cost_charts import cost_value
from ...boards.row_costs import cost_setting
from ...boards.rows import Row
from ...boards.together import Places
from ...store.cell import Cost
from ...suite.study import COSTS, TIMES
from ...text.errors import UsageError, nearest, one_line
from .table import Line, Mean

NOT_MEASURED = "no cost was measured"


@dataclass(frozen=True)
class _Printed:
    """How papers print a cost: its head, and what its value is divided by. `stored` is what a record calls it."""

    head: str
    stored: str
    size: float = 1.0


_PRINTED = {
    "latency": _Printed("Latency (ms)", "latency_ms"),
    "latency_rel": _Printed("Latency (× ref)", "latency_rel"),
    "memory": _Printed("Memory (MiB)", "peak_memory_bytes"),
    "params": _Printed("Params (M)", "params", 1e6),
    "weights": _Printed("Weights (KiB)", "weight_bytes"),
    "macs": _Printed("MACs (G)", "macs", 1e9),
}


def refuse_costs(boards: Sequence[Board], names: Sequence[str]) -> None:
    """Raises `UsageError` for a cost that is not known or is named twice, and where no board has any."""
    for name in names:
        if name not in COSTS:
            raise UsageError(f"--table-costs {one_line(name)!r}: unknown: {nearest(name, COSTS)}")
    if len(set(names)) < len(names):
        raise UsageError("--table-costs: a cost is named twice")
    if names and boards and all(row.cost is None for board in boards for row in board.rows):
        raise UsageError(f"--table-costs: {NOT_MEASURED}: add cost: {{sizes: [256x256]}} to the suite")


def costs_of(places: Places, names: Sequence[str]) -> tuple[tuple[Mean, ...], str]:
    """Each cost of a method, by the first board that has its cost, and the setting that it was measured at."""
    first = next((row for row in places.values() if row.cost is not None), None)
    if first is None:
        return tuple(Mean(None, note=_why_none(None, name)) for name in names), ""
    variants = [row for row in places.values() if row.label != first.label]
    return tuple(_cost(first, variants, name) for name in names), cost_setting(first.cost)


def _cost(row: Row, variants: Sequence[Row], name: str) -> Mean:
    value = cost_value(row.cost, name)
    if value is None:
        return Mean(None, note=_why_none(row.cost, name))
    notes = []
    if any(cost_value(other.cost, name) != value for other in variants):
        notes.append(f"of {row.label}")
    if "busy" in row.flags and name in TIMES:
        notes.append("measured on a busy machine: the time is too long")
    return Mean(value, note="; ".join(notes))


def _why_none(cost: Cost | None, name: str) -> str:
    if cost is None:
        return NOT_MEASURED
    stored = _PRINTED[name].stored
    return "measured as 0" if getattr(cost, stored) == 0 else cost.reasons.get(stored, "not measured")


def cost_head(name: str) -> str:
    """What stands over a cost: `Params (M)`."""
    return _PRINTED[name].head


def cost_text(value: float, name: str) -> str:
    """A cost in the unit of its head with three significant digits, without an exponent: `0.852`, `1250`."""
    return f"{Decimal(f'{value / _PRINTED[name].size:.2e}'):f}"


def cost_remark(lines: Sequence[Line]) -> list[str]:
    """At what input the costs of a table were measured; with the methods of each where that differs."""
    methods: dict[str, list[str]] = {}
    for line in lines:
        if line.setting:
            methods.setdefault(line.setting, []).append(line.label)
    if not methods:
        return []
    several = len(methods) > 1
    parts = [f"{setting} ({', '.join(labels)})" if several else setting for setting, labels in methods.items()]
    return [f"Cost of an input of {'; of '.join(parts)}."]
