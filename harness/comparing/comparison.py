"""Two stores, or two methods: the same inputs side by side, with intervals, and what could not be matched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from ..boards.grouping import Alignment
from ..boards.row_costs import cost_setting
from ..boards.units import Units, units_of
from ..cost.pace import of_newest_reference, processors_note, why_apart
from ..spec.paths import is_meant
from ..statistics.blas_threads import one_blas_thread
from ..statistics.exact_scores import is_exact
from ..statistics.paired_tests import Floats
from ..store.cell import Cell
from ..store.garbage_collection import no_collection
from ..store.record import Record, order_of, words_of
from ..store.results import Results
from ..store.versions import newest
from ..text.errors import UsageError, nearest, one_line
from ..text.wording import by_number, counted
from .difference import (
    DifferenceColumns,
    Differences,
    FileRow,
    InFiles,
    Moved,
    ScoreDifference,
    Test,
    Testable,
    columns_of,
    difference_of,
    file_row,
    numbers_of_all,
    tests_of,
)
from .pairing import (
    Paired,
    Pairings,
    Shelf,
    environment_differences,
    shelves,
    unit_names,
    where_text,
    why_inputs_differ,
)
from .plain_differences import PlainDifferences, plain_differences
from .set_changes import SetChange, set_changes
from .trainings import Matched, merge_trainings, used_by

T = TypeVar("T")
_AT_ONCE = 2048


@dataclass(frozen=True)
class Unmatched:
    """A cell, or a metric of it, without a partner: which side (A, B), and why."""

    side: str
    method: str
    where: str
    reason: str


@dataclass(frozen=True)
class SetDifference:
    """A set metric of one matched pair of cells: no statistics over items, but its own standard error."""

    method: str
    where: str
    change: SetChange


@dataclass(frozen=True)
class Speed:
    """`latency_rel` of one method at one setting on both sides; `note` says that they are of different processors."""

    method: str
    setting: str
    a: float
    b: float
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """What two sides have in common and what they do not."""

    name_a: str
    name_b: str
    differences: Differences
    unmatched: tuple[Unmatched, ...]
    speeds: tuple[Speed, ...]
    environments: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    sets: tuple[SetDifference, ...] = ()


def choose(records: Iterable[Record], text: str, source: str) -> Results:
    """The results of one method, named by its spec, with or without defaults, or plain name. Raises `UsageError`."""
    results = Results.of(records)
    for exact in ("display", "spec", "name"):
        names = results.each(attrgetter(f"method.{exact}"), "cell.method")
        chosen = results.take([place for place, name in enumerate(names) if name == text])
        if len(chosen.distinct("method_spec")) > 1:
            specs = sorted(set(chosen.column("method")), key=by_number)
            raise UsageError(
                f"method {one_line(text)!r} matches {len(specs)} in {one_line(source)}: name one of {', '.join(specs)}"
            )
        if chosen:
            return chosen
    meant = np.flatnonzero(results.each(lambda c: is_meant(text, c.method.spec, c.method.display), "cell.method"))
    if len(meant):
        return results.take(meant)
    known = set(results.column("method"))
    raise UsageError(f"no method {one_line(text)!r} in {one_line(source)}: {one_line(nearest(text, known))}")


def compare(
    a: Iterable[Record], b: Iterable[Record], name_a: str = "A", name_b: str = "B", *, across: bool = False
) -> Comparison:
    """Match the cells of two sides, the newest versions; with `across`, each side is one method, whatever its name."""
    with no_collection(), one_blas_thread():
        return _compared_sides(newest(a), newest(b), name_a, name_b, across)


def _compared_sides(a: Results, b: Results, name_a: str, name_b: str, across: bool) -> Comparison:
    one, other = shelves(a, b)
    spec_a = a[0].cell.method.spec if across and a else ""
    spec_b = b[0].cell.method.spec if across and b else ""
    pairings = Pairings()
    plain = plain_differences(one, Shelf(b.take([]), other.names) if across else other, pairings)
    is_plain = np.zeros(len(one.records), np.bool_)
    is_plain[plain.pairs.a] = True
    counts = np.zeros(len(one.records), np.intp)
    counts[plain.pairs.a] = plain.counts
    sets: list[SetDifference] = []
    unmatched: list[Unmatched] = []
    theirs = other.records.column("key")
    known = {theirs[place] for place in plain.pairs.b.tolist()}
    others, matched = np.flatnonzero(~is_plain), list[Matched]()
    for start in range(0, len(others), _AT_ONCE):
        pairs: list[_MetricPair | Unmatched] = []
        places: list[int] = []
        for place in others[start : start + _AT_ONCE].tolist():
            record = one.records[place]
            partners = other.partners(record.cell, spec_b)
            if not partners.records:
                pairs.append(_unmatched("A", one, record.cell, partners.reason))
            for partner in partners.records:
                known.add(partner.cell.key)
                pairs += _side_by_side(record, partner, one, other, pairings)
                if record.cell.outcome == partner.cell.outcome == "ok":
                    sets += _sets(record, partner, one, other)
            places += [place] * (len(pairs) - len(places))
        for place, row in zip(places, _matched(pairs), strict=True):
            if isinstance(row, Matched):
                matched.append(row)
                counts[place] += 1
            else:
                unmatched.append(row)
    for place, key in enumerate(theirs):
        if key not in known and not (partners := one.partners((cell := other.records[place].cell), spec_a)).records:
            unmatched.append(_unmatched("B", other, cell, partners.reason))
    speeds: tuple[Speed, ...] = ()
    if not across:
        speeds, apart = _speeds(a, b)
        unmatched += apart
    return Comparison(
        name_a,
        name_b,
        _differences(plain, matched, np.repeat(is_plain, counts)),
        tuple(unmatched),
        speeds,
        environment_differences(a, b),
        tuple(sets),
    )


def _differences(plain: PlainDifferences, matched: Sequence[Matched], is_plain: npt.NDArray[np.bool_]) -> Differences:
    """All differences with their tests; `is_plain` says in their order which of them are plain ones."""
    merged = merge_trainings(zip(np.flatnonzero(~is_plain).tolist(), matched, strict=True))
    numbers = numbers_of_all([one for _, one in merged])
    before = np.concatenate([np.flatnonzero(is_plain), np.array([place for place, _ in merged], np.intp)])
    order = np.argsort(before, kind="stable")
    places = np.argsort(order)
    rest, count = places[len(plain.pair) :].tolist(), len(plain.pair)
    tables = plain.testable(places[:count])
    tables += [
        Testable(np.array([place]), one.tested[None])
        for place, one in zip(rest, numbers, strict=True)
        if one.tested.size and np.isfinite(one.difference)
    ]
    anew = {place: one for place, (_, one) in zip(rest, merged, strict=True) if one.by_seed is not None}
    intervals, ps = tests_of(tables, len(order), anew)

    def test(place: int) -> Test:
        low, high = intervals[place].tolist()
        return None if np.isnan(low) else (low, high), float(ps[place])

    objects = [difference_of(one, of, test(place)) for (_, one), of, place in zip(merged, numbers, rest, strict=True)]

    def make(place: int) -> ScoreDifference:
        n = int(order[place])
        return plain.difference_at(n, test(place)) if n < count else objects[n - count]

    def in_order(of_plain: Iterator[T], of_objects: Iterator[T]) -> Iterator[T]:
        return (next(of_plain if n < count else of_objects) for n in order.tolist()) if objects else of_plain

    def rows() -> Iterator[FileRow]:
        return in_order(plain.file_rows(intervals[places[:count]], ps[places[:count]]), map(file_row, objects))

    def moved() -> Iterator[Moved]:
        return in_order(plain.moved_most(), (one.moved_most() for one in objects))

    of_plain = plain.columns(intervals[places[:count]], ps[places[:count]])
    columns = DifferenceColumns.joined([of_plain, columns_of(objects)]).take(order)
    return Differences(columns, make, np.arange(len(order)), InFiles(rows, moved))


def _sets(a: Record, b: Record, one: Shelf, other: Shelf) -> list[SetDifference]:
    if not (a.cell.sets or b.cell.sets):
        return []
    labels = one.label(a.cell), other.label(b.cell)
    method = labels[0] if labels[0] == labels[1] else " → ".join(labels)
    return [SetDifference(method, where_text(a.cell), change) for change in set_changes(a, b)]


def _unmatched(side: str, shelf: Shelf, cell: Cell, reason: str) -> Unmatched:
    if cell.outcome != "ok":
        reason = f"{cell.outcome}; {reason}"
    return Unmatched(side, shelf.label(cell), where_text(cell), reason)


class _MetricPair(NamedTuple):
    """A metric of a matched pair of cells; `notes` say which items have no partner."""

    a: Record
    b: Record
    labels: tuple[str, str]
    metric: str
    paired: Paired
    notes: Sequence[str]


def _side_by_side(
    a: Record, b: Record, one: Shelf, other: Shelf, pairings: Pairings
) -> Sequence[_MetricPair | Unmatched]:
    left_out: list[Unmatched] = []
    for side, shelf, record in (("A", one, a), ("B", other, b)):
        cell = record.cell
        reason = None
        if cell.outcome != "ok":
            reason = f"{cell.outcome}: {one_line(cell.reason, 120)}".removesuffix(": ")
        elif len(set(record.items)) != len(record.items):
            reason = Alignment.why_not_whole(record)
        if reason is not None:
            left_out.append(Unmatched(side, shelf.label(cell), where_text(cell), reason))
    if left_out:
        return left_out
    paired = pairings.of(a, b)
    matched = len(paired.rows[0])
    notes = [why for why in (why_inputs_differ(a, b, matched), why_inputs_differ(b, a, matched)) if why]
    if not matched:
        return [Unmatched("A", one.label(a.cell), where_text(a.cell), notes[0] if notes else "no rows")]
    labels = one.label(a.cell), other.label(b.cell)
    pairs: list[_MetricPair | Unmatched] = []
    for name in _metrics(a.cell, b.cell):
        reason = why_not_comparable(a, b, name)
        if reason is None:
            pairs.append(_MetricPair(a, b, labels, name, paired, notes))
        else:
            side = "A" if name in a.cell.metrics else "B"
            pairs.append(Unmatched(side, labels[0], f"{where_text(a.cell)} · {name}", reason))
    return pairs


def _matched(rows: Sequence[_MetricPair | Unmatched]) -> Iterator[Matched | Unmatched]:
    """The same with scores, where there are any; which of them are no finite numbers is seen of all at once."""
    pairs = [one.paired.scores(one.a, one.b, one.metric) for one in rows if isinstance(one, _MetricPair)]
    finite = iter(zip(pairs, _all_finite(pairs), strict=True))
    for one in rows:
        if isinstance(one, Unmatched):
            yield one
            continue
        sides, whole = next(finite)
        yield _with_scores(one, sides, one.paired.units, one.paired.names) if whole else _where_defined(one, sides)


def _all_finite(pairs: Sequence[tuple[Floats, Floats]]) -> list[bool]:
    """Whether all scores of each pair are finite numbers; none is empty."""
    if not pairs:
        return []
    starts = np.cumsum([0, *(len(a) for a, _ in pairs[:-1])])
    a, b = (np.isfinite(np.concatenate(side)) for side in zip(*pairs, strict=True))
    whole: list[bool] = np.logical_and.reduceat(a & b, starts).tolist()
    return whole


def _with_scores(
    pair: _MetricPair, sides: tuple[Floats, Floats], units: Units, names: tuple[str, ...], *lacking: str
) -> Matched:
    a, b = sides
    words = words_of(pair.a.cell)
    merged = (f"{units.text(words)}: {units.remark(words)}",) if units.merged else ()
    note = "; ".join((*pair.notes, *lacking, *merged))
    scores = units.average(a), units.average(b)
    seeds, used = (pair.a.cell.seed,), used_by(pair.a, pair.b)
    return Matched(pair.a, pair.b, pair.labels, pair.metric, names, scores, note, seeds, used)


def _where_defined(pair: _MetricPair, sides: tuple[Floats, Floats]) -> Matched | Unmatched:
    """A metric that is exact on items, or is not defined on some, which are left out."""
    a, name, (rows_a, rows_b) = pair.a, pair.metric, pair.paired.rows
    words, lacking = words_of(a.cell), list[str]()
    units, names = pair.paired.units, pair.paired.names
    defined = ~(np.isnan(sides[0]) | np.isnan(sides[1]))
    if not defined.all():
        lacking.append(f"{name} is not defined on {_counted(int((~defined).sum()), words)}")
        if not defined.any():
            return Unmatched("A", pair.labels[0], f"{where_text(a.cell)} · {name}", lacking[0])
        units = units_of((a, pair.b), [rows_a[defined].tolist(), rows_b[defined].tolist()])
        sides, names = (sides[0][defined], sides[1][defined]), unit_names(a, rows_a[defined], units)
    counts = [int(is_exact(side, a.cell.metrics[name].higher).sum()) for side in sides]
    if any(counts):
        mean = "" if len(sides[0]) in counts else ", which count in no mean"
        lacking.append(f"{name} is exact on {_counted(counts[0], words)} in A and {counts[1]} in B{mean}")
    return _with_scores(pair, sides, units, names, *lacking)


def _counted(n: int, words: Mapping[str, str]) -> str:
    return counted(n, words["item"], words["items"])


def why_not_comparable(a: Record, b: Record, name: str) -> str | None:
    """Why a metric cannot be compared between two cells."""
    for side, record in (("A", a), ("B", b)):
        if name not in record.cell.metrics or name not in record.scores:
            return f"{name} was not scored in {side}"
    one, other = a.cell.metrics[name], b.cell.metrics[name]
    if one.version != other.version:
        return f"{name} has other versions: {one.version} and {other.version}"
    return None if one.higher == other.higher else f"{name} has other directions"


def _metrics(a: Cell, b: Cell) -> list[str]:
    """Every metric of either cell, in the order that the metrics themselves ask for."""
    metrics = {**b.metrics, **a.metrics}
    return sorted(metrics, key=lambda name: (order_of(name, metrics[name]), name))


def _speeds(a: Results, b: Results) -> tuple[tuple[Speed, ...], list[Unmatched]]:
    """Relative latencies at one setting on both sides; those that are of two reference operations are left out."""
    sides: list[dict[tuple[str, str], tuple[float, Record]]] = []
    for results in (a, b):
        latencies: dict[tuple[str, str], tuple[float, Record]] = {}
        for record in of_newest_reference(results.where(kind="cost")):
            cost = record.cell.cost
            if cost is not None and cost.latency_rel is not None:
                latencies[record.cell.method.display, cost_setting(cost)] = cost.latency_rel, record
        sides.append(latencies)
    speeds: list[Speed] = []
    left_out: list[Unmatched] = []
    shared = sides[0].keys() & sides[1].keys()
    for method, setting in sorted(shared, key=lambda place: tuple(map(by_number, place))):
        (one, record), (other, partner) = (side[method, setting] for side in sides)
        if apart := why_apart(record, partner):
            left_out.append(Unmatched("A", method, f"cost at {setting}", apart))
        else:
            speeds.append(Speed(method, setting, one, other, processors_note((record, partner))))
    return tuple(speeds), left_out
