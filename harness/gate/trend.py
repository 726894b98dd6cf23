"""The trend: what each score of now was at earlier commits, and where it changed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ..comparing.pairing import Pairings, Shelf, where_text
from ..cost.pace import processors_apart, why_apart
from ..statistics.change_points import change_points
from ..statistics.paired_tests import Floats
from ..store.cell import Cell
from ..store.record import Record, cost_size, decimals_of
from ..store.results import Results
from ..store.versions import newest
from ..text.wording import counted
from .verdict import RATIO

LEVEL = 0.05
"""The chance that any series that never changed is said to have changed, over all series together."""
SPEED = "time of a call"


@dataclass(frozen=True)
class Commit:
    """One of a series of results: its short name, what was said of it, and a line for each cell that is left out."""

    name: str
    title: str
    results: Results
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrendChange:
    """A change at the commit `place` of all, for sure between `first` and `last`, of the mean `before` to `after`."""

    place: int
    first: int
    last: int
    before: float
    after: float


@dataclass(frozen=True)
class Series:
    """What a score was: `values` by place of the commit in all, as far as a commit compares with the last one.

    `method` is its label, `place` the rest of the cell; a speed is relative to the reference operation.
    """

    method: str
    place: str
    metric: str
    unit: str
    decimals: int
    values: dict[int, float]
    changes: tuple[TrendChange, ...] = ()


@dataclass(frozen=True)
class Trend:
    """All commits in their order, their titles, and a series for each score of the last one."""

    names: tuple[str, ...]
    titles: tuple[str, ...]
    series: tuple[Series, ...]

    @property
    def changed(self) -> list[Series]:
        """The series that changed by something that is printed."""
        return [one for one in self.series if one.changes]


def trend(commits: Sequence[Commit]) -> Trend:
    """The series of each score and speed of the last of several commits, with their changes."""
    results = [newest(commit.results) for commit in commits]
    series = [*_scores(results), *_speeds(results)]
    tested = max(1, sum(len(one.values) > 2 for one in series))
    return Trend(
        tuple(commit.name for commit in commits),
        tuple(commit.title for commit in commits),
        tuple(replace(one, changes=tuple(_changes(one, LEVEL / tested))) for one in series),
    )


def _changes(series: Series, level: float) -> Iterator[TrendChange]:
    """The changes that are large enough to be printed."""
    places, values = [*series.values], np.array([*series.values.values()])
    points = change_points(values, level)
    starts = [0, *(one.place for one in points), len(values)]
    means = [float(values[a:b].mean()) for a, b in pairwise(starts)]
    for one, before, after in zip(points, means, means[1:], strict=False):
        if abs(after - before) >= _least(series, before):
            yield TrendChange(places[one.place], places[one.first], places[one.last], before, after)


def _least(series: Series, before: float) -> float:
    """The smallest change that is printed: half of the last digit; of a speed a hundredth of it."""
    return abs(before) / 100 if series.unit == RATIO else 0.5 * 10**-series.decimals


def _scores(results: Sequence[Results]) -> Iterator[Series]:
    shelves, pairings = [Shelf(one, one.names()) for one in results], Pairings()
    last = shelves[-1]
    for record in last.records:
        if record.cell.outcome != "ok":
            continue
        alike = [_first(shelf.partners(record.cell).records, _is_ok) for shelf in shelves]
        for metric, part in record.cell.metrics.items():
            rows = {at: match for at, one in enumerate(alike)
                    if one is not None and (match := _row(pairings, record, one, metric)) is not None}  # fmt: skip
            kept = np.isfinite([*rows.values()]).all(axis=0) if rows else np.empty(0, bool)
            if kept.any():
                values = {at: float(row[kept].mean()) for at, row in rows.items()}
                decimals = decimals_of(metric, part)
                yield Series(last.label(record.cell), where_text(record.cell), metric, part.unit, decimals, values)


def _row(pairings: Pairings, record: Record, one: Record, metric: str) -> Floats | None:
    """The scores of the units of `record` at another commit; None where it has other items, or another metric."""
    part, theirs = record.cell.metrics[metric], one.cell.metrics.get(metric)
    paired = pairings.of(record, one)
    if theirs is None or metric not in one.scores or (theirs.version, theirs.higher) != (part.version, part.higher):
        return None
    whole = len(paired.rows[0]) == len(record.items)
    return paired.units.average(paired.scores(record, one, metric)[1]) if whole else None


def _speeds(results: Sequence[Results]) -> Iterator[Series]:
    costs = [of.where(kind="cost").in_reading_order() for of in results]
    for record in costs[-1]:
        if not _is_ok(record) or _relative(record) is None:
            continue

        def fits(one: Record, record: Record = record) -> bool:
            same = (one.cell.method.spec, _setting(one.cell)) == (record.cell.method.spec, _setting(record.cell))
            return same and _is_ok(one) and not why_apart(record, one) and not processors_apart((record, one))

        values = {at: _relative(match) for at, of in enumerate(costs) if (match := _first(of, fits)) is not None}
        known = {at: value for at, value in values.items() if value is not None}
        yield Series(record.cell.method.display, f"cost at {_setting(record.cell)}", SPEED, RATIO, 3, known)


def _relative(record: Record) -> float | None:
    return record.cell.cost.latency_rel if record.cell.cost else None


def _setting(cell: Cell) -> str:
    size = "×".join(map(str, cost_size(cell)))
    return f"{size} on {cell.cost.device}, {counted(cell.cost.threads, 'thread')}" if cell.cost else size


def _is_ok(record: Record) -> bool:
    return record.cell.outcome == "ok"


def _first(records: Sequence[Record], fits: Callable[[Record], bool]) -> Record | None:
    return next((record for record in records if fits(record)), None)
