"""Find the same cell, and in it the same inputs, on two sides: what `compare` and `check` share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..boards.board import environment_of
from ..boards.grouping import Alignment, MethodKey, keys_of, labels, pick
from ..boards.units import Units, units_of
from ..statistics.paired_tests import Floats
from ..store.cell import Cell
from ..store.names import Names, with_others
from ..store.record import Record, words_of
from ..store.results import Results
from ..text.errors import nearest, one_line
from ..text.wording import by_number, counted

Places = npt.NDArray[np.intp]
_PAIRINGS = 1000


@dataclass(frozen=True)
class Partners:
    """The partners of a cell; without any, `kind` (absent, protocol) and `reason` say why."""

    records: tuple[Record, ...]
    kind: str = ""
    reason: str = ""


def apart(record: Record, partners: tuple[Record, ...], keys: Collection[str]) -> tuple[Record, ...]:
    """Partners of a record; where it is itself among them, without the versions that its own side (`keys`) has too."""
    key = record.cell.key
    if len(partners) == 1 or all(partner.cell.key != key for partner in partners):
        return partners
    return tuple(p for p in partners if p.cell.key == key or p.cell.key not in keys)


_JOINED = ("track", "method_spec", "regime_spec", "seed")
"""Columns in which a cell and its partners are equal."""


class Shelf:
    """The score cells of one side, found by what they are; cells that differ in metrics only are one.

    `names` are those that methods are shown under.
    """

    def __init__(self, results: Results, names: Names) -> None:
        self.names = names
        scores = results.where(kind="score")
        places, methods = keys_of(scores)
        of = [*zip(places, methods, scores.column("seed"), strict=True)]
        picked = scores if len(set(of)) == len(of) else Results.of(map(pick, scores.grouped(of).values()))
        self.records = picked.in_reading_order()
        self._labels: dict[str, str] = dict(zip(scores.column("key"), _labels(scores, methods, names), strict=True))
        self._join = JoinColumns(self.records, _JOINED)

    def label(self, cell: Cell) -> str:
        """The name or display form of the method, with the start of its source hash where two would look the same."""
        return self._labels[cell.key]

    @cached_property
    def labels(self) -> list[str]:
        """The label of each cell."""
        return [self._labels[key] for key in self.records.column("key")]

    def only_candidates(self, other: Shelf) -> Places:
        """Of each cell the place in `other` of the only one of its track, method, regime and seed; -1 where there is
        none or several."""
        return self._join.only_ones(other._join)

    @cached_property
    def _methods(self) -> dict[str, dict[str, list[int]]]:
        """Track → method → places of its cells."""
        methods: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for n, (track, spec) in enumerate(zip(*map(self.records.column, _JOINED[:2]), strict=True)):
            methods[track][spec].append(n)
        return methods

    def partners(self, cell: Cell, spec: str = "") -> Partners:
        """Cells of the method `spec` (default: that of `cell`) on track, data, regime, seed and protocol of `cell`."""
        spec = spec or cell.method.spec
        candidates = self._join.places(cell.track, spec, cell.regime.spec, cell.seed)
        # One by one: those beside it are made too, and are asked for next.
        data = [r for r in map(self.records.__getitem__, candidates.tolist()) if same_data(r.cell, cell)]
        if not data:
            return Partners((), "absent", self._absence(cell, spec))
        matching = [r for r in data if same_protocol(r.cell, cell)]
        if not matching:
            others = sorted({protocol_text(r.cell) for r in data}, key=by_number)
            return Partners((), "protocol", f"other protocol: {', '.join(others)}, not {protocol_text(cell)}")
        prints = cell.dataset.fingerprint
        exact = [r for r in matching if r.cell.dataset.fingerprint == prints]
        return Partners(tuple(exact or matching))

    def _absence(self, cell: Cell, spec: str) -> str:
        methods = self._methods.get(cell.track, {})
        if not methods and self._methods:
            return f"the track is absent: {_have(self._methods)}"
        if spec not in methods:
            return f"the method is absent: {nearest(spec, methods)}"
        data = [r for r in self.records.take(methods[spec]) if same_data(r.cell, cell)]
        if not data:
            return f"the dataset is absent: {_have(r.cell.dataset.display for r in self.records.take(methods[spec]))}"
        regime = [r for r in data if r.cell.regime.spec == cell.regime.spec]
        if not regime:
            return f"the regime is absent: {_have(r.cell.regime.display for r in data)}"
        return f"the seed is absent: {_have(str(r.cell.seed) for r in regime)}"


def shelves(one: Results, other: Results) -> tuple[Shelf, Shelf]:
    """Two sides, where the names of each serve both: a baseline in JSON has none."""
    names, others = one.names(), other.names()
    return Shelf(one, with_others(names, others)), Shelf(other, with_others(others, names))


def _labels(scores: Results, methods: Sequence[MethodKey], names: Names) -> list[str]:
    """The label of the method of each cell, with its name in place of the display form where it has one."""
    shown = labels(set(methods))
    if not names:
        return [shown[method] for method in methods]
    specs = zip(scores.column("track"), scores.column("method_spec"), scores.column("method"), methods, strict=True)
    return [
        one_line(names.get(track, {}).get("method", {}).get(spec, display)) + shown[method].removeprefix(display)
        for track, spec, display, method in specs
    ]


class JoinColumns:
    """Columns of results as one number a cell, by which cells of two sides are joined."""

    def __init__(self, results: Results, names: Sequence[str]) -> None:
        coded = [results.coded(name) for name in names]
        self._numbers = [{value: n for n, value in enumerate(dict.fromkeys(values))} for values, _ in coded]
        self._codes = [
            np.array([numbers[value] for value in values] or [0], np.int64)[codes]
            for (values, codes), numbers in zip(coded, self._numbers, strict=True)
        ]
        joined = self._joined(self._codes)
        self._order = np.argsort(joined, kind="stable")
        self._sorted = joined[self._order]

    def _joined(self, codes: Sequence[Places]) -> Places:
        """One number of several codes; -1 where one of them is."""
        joined = np.zeros_like(codes[0])
        for numbers, some in zip(self._numbers, codes, strict=True):
            joined = np.where((joined < 0) | (some < 0), -1, joined * (len(numbers) + 1) + some)
        return joined

    def places(self, *values: object) -> Places:
        """Where all columns have these values, in order."""
        joined = 0
        for numbers, value in zip(self._numbers, values, strict=True):
            if (code := numbers.get(value, -1)) < 0:
                return self._order[:0]
            joined = joined * (len(numbers) + 1) + code
        start, end = (np.searchsorted(self._sorted, joined, side) for side in ("left", "right"))
        return self._order[start:end]

    def only_ones(self, other: JoinColumns) -> Places:
        """Of each cell the place of the only one in `other` with the same values; -1 where there is none or several."""
        codes = []
        for mine, theirs, of in zip(self._numbers, other._numbers, self._codes, strict=True):
            codes.append(np.array([theirs.get(value, -1) for value in mine] or [-1], np.int64)[of])
        joined = other._joined(codes)
        starts, ends = (np.searchsorted(other._sorted, joined, side) for side in ("left", "right"))
        only, single = np.full(len(joined), -1), ends - starts == 1
        only[single] = other._order[starts[single]]
        return only


def _have(names: Iterable[str]) -> str:
    listed = sorted(set(names), key=by_number)
    more = f" and {len(listed) - 4} more" if len(listed) > 4 else ""
    return f"there {'is' if len(listed) == 1 else 'are'} {', '.join(listed[:4])}{more}"


def same_data(one: Cell, other: Cell) -> bool:
    """Whether two cells are on the same data, in the same version or another one."""
    a, b = one.dataset, other.dataset
    return a.fingerprint == b.fingerprint or a.spec == b.spec


def same_protocol(one: Cell, other: Cell) -> bool:
    """Whether two cells have one protocol, in one version."""
    a, b = one.protocol, other.protocol
    return a.spec == b.spec and a.versions == b.versions


def protocol_text(cell: Cell) -> str:
    """The protocol with its version: `uint8@1`."""
    versions = cell.protocol.versions
    return f"{cell.protocol.display}@{','.join(str(versions[v]) for v in sorted(versions))}"


def where_text(cell: Cell) -> str:
    """Dataset, regime, protocol and seed of a cell, in words."""
    return f"{cell.dataset.display} · {cell.regime.display} · {cell.protocol.display} · seed {cell.seed}"


class Paired(NamedTuple):
    """How the items of two cells go together: rows of either with the same input by hash, in the order of the items of
    the first one, the units of these rows, and the name of each unit."""

    rows: tuple[Places, Places]
    units: Units
    names: tuple[str, ...]

    def scores(self, a: Record, b: Record, metric: str) -> tuple[Floats, Floats]:
        """The scores of either side, (n,) each, in the order of the rows."""
        return a.scores[metric][self.rows[0]], b.scores[metric][self.rows[1]]


class Pairings:
    """How the items of cells go together. Those of one place hold the same lists: what these say is found once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], tuple[tuple[object, ...], Paired]] = {}

    def of(self, a: Record, b: Record) -> Paired:
        """How the items of `a` and of `b` do."""
        data_a, data_b = a.cell.dataset, b.cell.dataset
        parts = a.items, a.input_sha256, data_a, b.items, b.input_sha256, data_b
        key = (*map(id, parts), a.cell.seed, b.cell.seed)
        if key not in self._known:
            if len(self._known) >= _PAIRINGS:
                self._known.clear()
            # The parts are held, so that no other one has the number of one of theirs.
            self._known[key] = parts, _paired(a, b)
        return self._known[key][1]


def _paired(a: Record, b: Record) -> Paired:
    rows = _same_inputs(a.items, a.input_sha256, b.items, b.input_sha256)
    units = units_of((a, b), [side.tolist() for side in rows])
    return Paired(rows, units, unit_names(a, rows[0], units))


def unit_names(record: Record, rows: Places, units: Units) -> tuple[str, ...]:
    """The name of each unit of some rows: that of its first item."""
    firsts = rows[units.firsts()] if units.merged else rows
    return tuple(record.items[row] for row in firsts.tolist())


def _same_inputs(
    items_a: Sequence[str], inputs_a: Sequence[str], items_b: Sequence[str], inputs_b: Sequence[str]
) -> tuple[Places, Places]:
    if items_a == items_b and inputs_a == inputs_b:
        same = np.array(sorted(range(len(items_a)), key=items_a.__getitem__), dtype=np.intp)
        return same, same
    waiting: dict[str, list[int]] = defaultdict(list)
    for row in sorted(range(len(items_b)), key=items_b.__getitem__, reverse=True):
        waiting[inputs_b[row]].append(row)
    rows_a, rows_b = [], []
    for row in sorted(range(len(items_a)), key=items_a.__getitem__):
        if waiting.get(inputs_a[row]):
            rows_a.append(row)
            rows_b.append(waiting[inputs_a[row]].pop())
    return np.array(rows_a, dtype=np.intp), np.array(rows_b, dtype=np.intp)


def why_inputs_differ(a: Record, b: Record, matched: int) -> str | None:
    """Why items of `a` have no partner in `b`; None where all have one."""
    missing = len(a.items) - matched
    if not missing:
        return None
    items = words_of(a.cell)["items"]
    whole = "none" if not matched else str(missing)
    if a.cell.dataset.fingerprint != b.cell.dataset.fingerprint:
        prints = " → ".join(r.cell.dataset.fingerprint[:12] for r in (a, b))
        cause = f"the dataset has other {items} ({prints})"
    elif a.cell.regime.versions != b.cell.regime.versions:
        cause = "the regime has another version"
    else:
        cause = Alignment.why_not_whole(b) or f"the regime gave other inputs for the same {items}"
    verb = "is there" if not matched else "is not there" if missing == 1 else "are not there"
    return f"other inputs: {whole} of its {counted(len(a.items), 'input')} {verb}: {cause}"


def environment_differences(a: Results, b: Results) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """Name and versions on either side of everything of the environment that differs."""
    one, other = environment_of(a), environment_of(b)
    return tuple(
        (name, one.get(name, ()), other.get(name, ()))
        for name in sorted(one.keys() | other.keys())
        if one.get(name, ()) != other.get(name, ())
    )
