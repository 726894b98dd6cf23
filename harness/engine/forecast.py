"""How long cells will take, and how much memory and room, by what cells of the same methods took before."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..planning.cells import PlannedCell
from ..store.cell import Cell
from ..text.errors import one_line

Rates = dict[str, float]
"""Seconds an item, by kind, track and method: its spec, or its name alone where no cell has the spec."""


def rates_of(stored: Iterable[Cell]) -> Rates:
    """The mean seconds an item of each method, of the stored cells that ended well."""
    seconds: dict[str, float] = defaultdict(float)
    items: dict[str, int] = defaultdict(int)
    for cell in stored:
        if cell.outcome == "ok" and cell.seconds and not cell.rescored:
            for name in _names(cell):
                seconds[name] += cell.seconds
                items[name] += _items(cell)
    return {name: seconds[name] / items[name] for name in sorted(seconds)}


def expected_seconds(cell: PlannedCell, rates: Rates) -> float | None:
    """What a cell is expected to take, None where no cell of its method was stored."""
    rate = next((rates[name] for name in _names(cell) if name in rates), None)
    return None if rate is None else rate * _items(cell)


def longest_first(cells: Sequence[PlannedCell], rates: Rates) -> list[PlannedCell]:
    """The cells, those that will take longest first; those of which nothing is known before them, in their order."""
    return sorted(cells, key=lambda cell: -(expected_seconds(cell, rates) or math.inf))


def forecast_text(cells: Sequence[PlannedCell], rates: Rates, jobs: int) -> str:
    """In words, how long cells will take so many at once; empty where nothing is known of any.

    A cell for which all others wait, however many there are at once, is named.
    """
    known = [(seconds, cell) for cell in cells if (seconds := expected_seconds(cell, rates)) is not None]
    if not known:
        return ""
    longest, straggler = max(known, key=lambda one: one[0])
    shared = sum(seconds for seconds, _ in known) / len(known) * len(cells) / jobs
    coverage = "" if len(known) == len(cells) else f", by the stored times of {len(known):,} of {len(cells):,}"
    alone = ""
    if longest > shared and len(cells) > 1:
        where = f" on {one_line(straggler.dataset.display, 60)}" if straggler.kind == "score" else ""
        alone = f", as long as {one_line(straggler.method.display, 60)} takes{where}"
    return f"about {span_text(max(shared, longest))}{alone}{coverage}"


def peak_text(cells: Sequence[PlannedCell], stored: Iterable[Cell]) -> str:
    """In words, the largest memory of a call or a training of these methods; empty where none was measured."""
    specs = {cell.method.spec for cell in cells}
    peaks = [peak for cell in stored if cell.method.spec in specs for peak in _peaks(cell)]
    return f"a call takes up to {size_text(max(peaks))} of memory" if peaks else ""


def _peaks(cell: Cell) -> list[int]:
    """The peaks of memory that a cell has measured, bytes."""
    training, cost = cell.training, cell.cost
    measured = (cost.peak_memory_bytes if cost else None, training.cost.peak_memory_bytes if training else None)
    return [peak for peak in measured if peak is not None]


def room_text(cells: int, sizes: Sequence[int]) -> str:
    """In words, the room that so many cells will take on the disk, by bytes of stored ones; empty where none is."""
    return f"{size_text(round(sum(sizes) / len(sizes) * cells))} on the disk" if cells and sizes else ""


def expected_efficiency(cells: Sequence[PlannedCell], rates: Rates, slots: int) -> float | None:
    """The share of their time that so many slots are at work, longest cells first; None where nothing is known of any.

    A cell of which nothing is known counts as a usual one. That some need others is left out.
    """
    known = [expected_seconds(cell, rates) for cell in cells]
    usual = [seconds for seconds in known if seconds is not None]
    if not usual:
        return None
    mean = sum(usual) / len(usual)
    spans = sorted((mean if seconds is None else seconds for seconds in known), reverse=True)
    ends = [0.0] * slots
    for span in spans:
        heapq.heapreplace(ends, ends[0] + span)
    return sum(spans) / (slots * max(ends))


def span_text(seconds: float) -> str:
    """A span of time in the unit that suits it, such as `40 s`, `12 min` or `3.5 h`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size_text(count: float) -> str:
    """Bytes in the unit that suits them, such as `12 KiB` or `2.1 GiB`."""
    for unit, suffix in ((2**30, "GiB"), (2**20, "MiB")):
        if count >= unit:
            return f"{count / unit:.1f} {suffix}"
    return f"{count / 2**10:.0f} KiB"


def _names(cell: Cell | PlannedCell) -> tuple[str, str]:
    place = f"{cell.kind} {cell.track}"
    return f"{place} {cell.method.spec}", f"{place} {cell.method.name}"


def _items(cell: Cell | PlannedCell) -> int:
    return (cell.dataset.items or 1) if cell.kind == "score" else 1
