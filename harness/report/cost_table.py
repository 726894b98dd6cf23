"""The table of costs: every measurement, why one is missing, and which processors timed them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial

from msgspec import UNSET

from ..boards.row_costs import cost_setting
from ..boards.scaling import growths
from ..cost.pace import compute_over, is_busy, processors_note
from ..store.cell import Cost, known
from ..store.record import Record
from ..store.results import Results
from ..text.errors import one_line
from .tables import TextTable, count_text, digits_text, latency_text, memory_text, note_lines, relative_text


def cost_table(records: Results) -> TextTable:
    """Every cost that was measured; `cost_remarks` says why a value could not be.

    Columns that no record has are left out. The growth, an exponent (see `boards/scaling.py`), stands at the largest
    size.
    """
    costs = [(r, cost) for r in records if (cost := r.cell.cost) is not None]
    grown = {growth.keys[-1]: growth.text for growth in growths(records)}
    references = dict.fromkeys(name for _, cost in costs for name in compute_over(cost))
    energy, stored = any(c.energy_j for _, c in costs), any(c.weight_bytes for _, c in costs)
    columns: list[tuple[str, bool, bool, Callable[[Record, Cost], str]]] = [
        ("method", False, True, lambda r, c: r.cell.method.display),
        ("setting", False, True, lambda r, c: cost_setting(c)),
        ("setup s", True, True, lambda r, c: _seconds(c.setup_s)),
        ("first ms", True, any(c.first_ms is not UNSET for _, c in costs), lambda r, c: digits_text(known(c.first_ms))),
        ("p50 ms", True, True, lambda r, c: latency_text(c)),
        ("p90 ms", True, True, lambda r, c: latency_text(c, "p90")),
        ("min ms", True, True, lambda r, c: latency_text(c, "min")),
        ("× ref", True, True, lambda r, c: relative_text(c)),
        *((f"× {name} ref", True, True, partial(_by_reference, name)) for name in references if name != "compute"),
        ("× ref ∝ size to the power", True, bool(grown), lambda r, c: grown.get(r.cell.key, "–")),
        ("busy", True, any(is_busy(c) for _, c in costs), lambda r, c: f"{c.busy:.2g} ×" if is_busy(c) else ""),
        ("peak MiB", True, True, lambda r, c: memory_text(c)),
        ("J a call", True, energy, lambda r, c: digits_text(known(c.energy_j))),
        ("params", True, True, lambda r, c: count_text(c.params)),
        ("weights KiB", True, stored, lambda r, c: _kib(known(c.weight_bytes))),
        ("MACs", True, True, lambda r, c: count_text(c.macs)),
    ]  # fmt: skip
    present = [column for column in columns if column[2]]
    return TextTable(
        tuple(title for title, *_ in present),
        tuple(numeric for _, numeric, *_ in present),
        tuple(tuple(show(*pair) for *_, show in present) for pair in costs),
    )


def _by_reference(name: str, record: Record, cost: Cost) -> str:
    factor = compute_over(cost).get(name)
    return "–" if factor is None or cost.latency_rel is None else digits_text(cost.latency_rel * factor)


def cost_reasons(record: Record, energy: bool) -> list[str]:
    """Why a cost has no value here or there. That no counter of energy is there is said only where another has one."""
    reasons = record.cell.cost.reasons if record.cell.cost else {}
    return [f"{name} not measured: {reasons[name]}" for name in sorted(reasons) if energy or name != "energy_j"]


def cost_remarks(records: Results) -> list[str]:
    """Each reason once, with the methods that it holds for."""
    energy = any(r.cell.cost is not None and r.cell.cost.energy_j for r in records)
    methods: dict[str, list[str]] = defaultdict(list)
    for record in records:
        for reason in cost_reasons(record, energy):
            if (name := record.cell.method.display) not in methods[reason]:
                methods[reason].append(name)
    return [*filter(None, [one_line(processors_note(records))]), *note_lines(methods)]


def _seconds(value: float | None) -> str:
    return "<0.001" if value is not None and 0 < value < 5e-4 else digits_text(value)


def _kib(value: int | None) -> str:
    """Bytes in KiB, 3 digits."""
    return "–" if value is None else digits_text(value / 2**10)
