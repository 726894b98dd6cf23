"""Two stores, or two methods: the same inputs side by side, with intervals, and what could not be matched."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from ..boards.board import cost_setting
from ..boards.grouping import Alignment
from ..boards.units import units_of
from ..cost.pace import of_newest_reference, why_apart
from ..errors import UsageError, nearest, one_line
from ..garbage import no_collection
from ..spec_paths import is_meant
from ..statistics.exact_scores import compared, is_exact, means
from ..statistics.mcnemar import is_binary, mcnemar
from ..statistics.paired_tests import ALPHA, MIN_ITEMS, Floats, mean_differences, paired_difference
from ..store.record import Cell, Record, decimals_of, gate_of, order_of, words_of
from ..store.versions import newest
from ..wording import by_number, counted
from .pairing import Shelf, environment_differences, pair, protocol_text, where_text, why_inputs_differ
from .set_changes import SetChange, set_changes

HOW = (
    f"Difference: B − A, mean over the items whose input is the same by hash. In brackets: its interval. p: of a mean "
    f"difference of 0. Both are of the mean, over all rows at once (bootstrap-t over items, keyed; {ALPHA:.0%}): an "
    f"interval leaves 0 out where p is at most {ALPHA:.0%}. Below {MIN_ITEMS} items there are none. Items on which a "
    f"side is exact (an infinite score) count in no mean; inf: exact on all. Better, same, worse: items on which B is "
    f"better than, equal to or worse than A."
)
HOW_MCNEMAR = (
    "McNemar p: where every score is 0 or 1, the exact test of this row alone: of the items on which the sides differ, "
    "each would be better on half."
)


@dataclass(frozen=True)
class Difference:
    """One metric of one matched pair of cells. `a` and `b` are scores a unit (n,), in the order of `items`.

    An item is a unit where none is equal to it or of its group; a unit of several is named by its first.

    `difference` is the mean of b − a over the items that neither side has exact, in the unit of the metric, of which
    `decimals` are printed, NaN where there is no such item; `interval` is None where there is none, and `p` is 1 there.
    Both hold over all rows of a comparison at once. `limit` is the loss of the mean that a check lets pass, None where
    the metric declares none.
    """

    track: str
    method_a: str
    method_b: str
    dataset: str
    regime: str
    protocol: str
    seed: int
    metric: str
    unit: str
    higher: bool
    decimals: int
    items: tuple[str, ...]
    a: Floats
    b: Floats
    note: str
    difference: float = 0.0
    interval: tuple[float, float] | None = None
    key_a: str = ""
    key_b: str = ""
    p: float = 1.0
    limit: float | None = None

    @property
    def method(self) -> str:
        """The method, or both."""
        return self.method_a if self.method_a == self.method_b else f"{self.method_a} → {self.method_b}"

    @property
    def where(self) -> str:
        """Dataset, regime, protocol and seed."""
        return f"{self.dataset} · {self.regime} · {self.protocol} · seed {self.seed}"

    @cached_property
    def change(self) -> Floats:
        """b − a on each item, (n,)."""
        change: Floats = paired_difference(self.b[None], self.a)[0]
        return change

    @cached_property
    def kept(self) -> npt.NDArray[np.bool_]:
        """The items (n,) that means are over: those that neither side has exact.

        A side that has every item exact takes none from the other one.
        """
        return compared(np.stack([self.a, self.b]), self.higher)

    @cached_property
    def means(self) -> tuple[float, float]:
        """The means of A and of B, NaN where every item is exact on one side or the other."""
        with np.errstate(invalid="ignore"):
            a, b = means(np.stack([self.a, self.b]), self.higher)
        return float(a), float(b)

    @property
    def gains(self) -> Floats:
        """How much better B is on each item, (n,): positive is better whatever the metric."""
        return self.change if self.higher else -self.change

    @cached_property
    def counts(self) -> tuple[int, int, int]:
        """Items on which B is better, the same, worse."""
        gains = self.gains
        return int((gains > 0).sum()), int((gains == 0).sum()), int((gains < 0).sum())

    @cached_property
    def mcnemar(self) -> float | None:
        """The p of McNemar's exact test, None unless every score is 0 or 1."""
        better, _, worse = self.counts
        return float(mcnemar(better, worse)) if is_binary(self.a) and is_binary(self.b) else None

    def moved_most(self, most: int = 3) -> list[tuple[str, float]]:
        """The items that changed most, with b − a; none that did not change."""
        # Items are in the order of their names, which a stable sort keeps among equals.
        order = np.argsort(-np.abs(self.change), kind="stable")[:most]
        return [(self.items[i], float(self.change[i])) for i in order if self.change[i] != 0]


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
    """`latency_rel` of one method at one setting on both sides."""

    method: str
    setting: str
    a: float
    b: float


@dataclass(frozen=True)
class Comparison:
    """What two sides have in common and what they do not."""

    name_a: str
    name_b: str
    differences: tuple[Difference, ...]
    unmatched: tuple[Unmatched, ...]
    speeds: tuple[Speed, ...]
    environments: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    sets: tuple[SetDifference, ...] = ()


def how(differences: Sequence[Difference]) -> str:
    """How the rows are read."""
    return f"{HOW} {HOW_MCNEMAR}" if any(d.mcnemar is not None for d in differences) else HOW


def choose(records: Sequence[Record], text: str, source: str) -> list[Record]:
    """The records of one method, named by its spec, with or without defaults, or plain name. Raises `UsageError`."""
    for exact in ("display", "spec", "name"):
        found = [r for r in records if r.cell["method"][exact] == text]
        specs = sorted({r.cell["method"]["display"] for r in found}, key=by_number)
        if len({r.cell["method"]["spec"] for r in found}) > 1:
            raise UsageError(
                f"method {one_line(text)!r} is several in {one_line(source)}: name one of {', '.join(specs)}"
            )
        if found:
            return found
    if found := [r for r in records if is_meant(text, r.cell["method"]["spec"], r.cell["method"]["display"])]:
        return found
    known = {r.cell["method"]["display"] for r in records}
    raise UsageError(f"no method {one_line(text)!r} in {one_line(source)}: {one_line(nearest(text, known))}")


def compare(
    a: Sequence[Record], b: Sequence[Record], name_a: str = "A", name_b: str = "B", *, across: bool = False
) -> Comparison:
    """Match the cells of two sides, the newest versions; with `across`, each side is one method, whatever its name."""
    with no_collection():
        return _compared_sides(newest(a), newest(b), name_a, name_b, across)


def _compared_sides(a: Sequence[Record], b: Sequence[Record], name_a: str, name_b: str, across: bool) -> Comparison:
    one, other = Shelf(a), Shelf(b)
    spec_a = a[0].cell["method"]["spec"] if across and a else ""
    spec_b = b[0].cell["method"]["spec"] if across and b else ""
    differences: list[Difference] = []
    sets: list[SetDifference] = []
    unmatched: list[Unmatched] = []
    for record in one.records:
        found = other.partners(record.cell, spec_b)
        if not found.records:
            unmatched.append(_lost("A", one, record.cell, found.reason))
        for partner in found.records:
            made, lost = _side_by_side(record, partner, one, other)
            differences += made
            unmatched += lost
            if record.cell["outcome"] == partner.cell["outcome"] == "ok":
                sets += _sets(record, partner, one, other)
    for record in other.records:
        found = one.partners(record.cell, spec_a)
        if not found.records:
            unmatched.append(_lost("B", other, record.cell, found.reason))
    speeds: tuple[Speed, ...] = ()
    if not across:
        speeds, apart = _speeds(a, b)
        unmatched += apart
    return Comparison(
        name_a,
        name_b,
        tuple(_with_statistics(differences)),
        tuple(unmatched),
        speeds,
        environment_differences(a, b),
        tuple(sets),
    )


def _sets(a: Record, b: Record, one: Shelf, other: Shelf) -> list[SetDifference]:
    labels = one.label(a.cell), other.label(b.cell)
    method = labels[0] if labels[0] == labels[1] else " → ".join(labels)
    return [SetDifference(method, where_text(a.cell), change) for change in set_changes(a, b)]


def _lost(side: str, shelf: Shelf, cell: Cell, reason: str) -> Unmatched:
    if cell["outcome"] != "ok":
        reason = f"{cell['outcome']}; {reason}"
    return Unmatched(side, shelf.label(cell), where_text(cell), reason)


def _side_by_side(a: Record, b: Record, one: Shelf, other: Shelf) -> tuple[list[Difference], list[Unmatched]]:
    left_out: list[Unmatched] = []
    for side, shelf, record in (("A", one, a), ("B", other, b)):
        cell = record.cell
        reason = None
        if cell["outcome"] != "ok":
            reason = f"{cell['outcome']}: {one_line(cell['reason'], 120)}".removesuffix(": ")
        elif len(set(record.items)) != len(record.items):
            reason = Alignment.why_not_whole(record)
        if reason is not None:
            left_out.append(Unmatched(side, shelf.label(cell), where_text(cell), reason))
    if left_out:
        return [], left_out
    rows_a, rows_b = pair(a, b)
    notes = [why for why in (why_inputs_differ(a, b, len(rows_a)), why_inputs_differ(b, a, len(rows_b))) if why]
    if not len(rows_a):
        return [], [Unmatched("A", one.label(a.cell), where_text(a.cell), notes[0] if notes else "no rows")]
    words = words_of(a.cell)
    whole = units_of((a, b), [rows_a.tolist(), rows_b.tolist()])
    found: list[Difference] = []
    for name in _metrics(a.cell, b.cell):
        reason = why_not_comparable(a, b, name)
        label = f"{where_text(a.cell)} · {name}"
        if reason is not None:
            left_out.append(Unmatched("A" if name in a.cell["metrics"] else "B", one.label(a.cell), label, reason))
            continue
        part = a.cell["metrics"][name]
        va, vb = a.scores[name][rows_a], b.scores[name][rows_b]
        matched, units, lacking = rows_a, whole, list[str]()
        with np.errstate(invalid="ignore"):
            finite = np.isfinite(vb - va).all()
        if not finite:
            defined = ~(np.isnan(va) | np.isnan(vb))
            if not defined.all():
                lacking.append(f"{name} is not defined on {_counted(int((~defined).sum()), words)}")
            if not defined.any():
                left_out.append(Unmatched("A", one.label(a.cell), label, lacking[0]))
                continue
            if not defined.all():
                matched, units = rows_a[defined], units_of((a, b), [rows_a[defined].tolist(), rows_b[defined].tolist()])
                va, vb = va[defined], vb[defined]
            counts = [int(is_exact(side, part["higher"]).sum()) for side in (va, vb)]
            if any(counts):
                perfect = _counted(counts[0], words)
                mean = "" if len(va) in counts else ", which count in no mean"
                lacking.append(f"{name} is exact on {perfect} in A and {counts[1]} in B{mean}")
        merged = [f"{units.text(words)}: {units.remark(words)}"] if units.merged else []
        found.append(
            Difference(
                a.cell["track"], one.label(a.cell), other.label(b.cell), a.cell["dataset"]["display"],
                a.cell["regime"]["display"], protocol_text(a.cell), a.cell["seed"], name, part["unit"],
                part["higher"], decimals_of(name, part),
                _shared(tuple(a.items[row] for row in matched[units.firsts()])), units.average(va),
                units.average(vb), "; ".join([*notes, *lacking, *merged]),
                key_a=a.cell["key"], key_b=b.cell["key"], limit=gate_of(name, part).get("max_drop"),
            )
        )  # fmt: skip
    return found, left_out


@lru_cache(maxsize=16)
def _shared(items: tuple[str, ...]) -> tuple[str, ...]:
    """Equal items as one object, of which many differences hold one."""
    return items


def _counted(n: int, words: Mapping[str, str]) -> str:
    return counted(n, words["item"], words["items"])


def why_not_comparable(a: Record, b: Record, name: str) -> str | None:
    """Why a metric cannot be compared between two cells."""
    for side, record in (("A", a), ("B", b)):
        if name not in record.cell["metrics"] or name not in record.scores:
            return f"{name} was not scored in {side}"
    one, other = a.cell["metrics"][name], b.cell["metrics"][name]
    if one["version"] != other["version"]:
        return f"{name} has other versions: {one['version']} and {other['version']}"
    return None if one["higher"] == other["higher"] else f"{name} has other directions"


def _metrics(a: Cell, b: Cell) -> list[str]:
    """Every metric of either cell, in the order that the metrics themselves ask for."""
    metrics = {**b["metrics"], **a["metrics"]}
    return sorted(metrics, key=lambda name: (order_of(name, metrics[name]), name))


def _with_statistics(differences: list[Difference]) -> list[Difference]:
    """Means, intervals and p values: all rows are one family, and those with equally many items share the resamples.

    The differences are replaced where they are, so that of very many no two of each are held.
    """
    changes = [_compared(one) for one in differences]
    with np.errstate(invalid="ignore"):
        means = [float(change.mean()) if change.size else math.nan for change in changes]
    found = [(mean, one.interval, one.p) for one, mean in zip(differences, means, strict=True)]
    sizes: dict[int, list[int]] = defaultdict(list)
    for place, change in enumerate(changes):
        if change.size and np.isfinite(change).all():
            sizes[len(change)].append(place)
    places = [own for _, own in sorted(sizes.items())]
    judged = mean_differences([np.stack([changes[i] for i in own]) for own in places], "compare")
    for own, made in zip(places, judged, strict=True):
        for i, (low, high), p in zip(own, made.interval.tolist(), made.p.tolist(), strict=True):
            found[i] = found[i][0], None if np.isnan(low) else (low, high), p
    for place, (mean, interval, p) in enumerate(found):
        differences[place] = replace(differences[place], difference=mean, interval=interval, p=p)
    return differences


def _compared(one: Difference) -> Floats:
    """b − a on the items that the mean is over."""
    change = paired_difference(one.b, one.a)
    return change if np.isfinite(one.a).all() and np.isfinite(one.b).all() else change[one.kept]


def _speeds(a: Sequence[Record], b: Sequence[Record]) -> tuple[tuple[Speed, ...], list[Unmatched]]:
    """Relative latencies at one setting on both sides; those that are of two reference operations are left out."""
    sides: list[dict[tuple[str, str], tuple[float, Record]]] = []
    for records in (a, b):
        found: dict[tuple[str, str], tuple[float, Record]] = {}
        for record in of_newest_reference(r for r in records if r.cell["kind"] == "cost"):
            cost = record.cell["cost"]
            if cost is not None and cost["latency_rel"] is not None:
                found[record.cell["method"]["display"], cost_setting(cost)] = cost["latency_rel"], record
        sides.append(found)
    speeds: list[Speed] = []
    left_out: list[Unmatched] = []
    shared = sides[0].keys() & sides[1].keys()
    for method, setting in sorted(shared, key=lambda place: tuple(map(by_number, place))):
        (one, record), (other, partner) = (side[method, setting] for side in sides)
        if apart := why_apart(record, partner):
            left_out.append(Unmatched("A", method, f"cost at {setting}", apart))
        else:
            speeds.append(Speed(method, setting, one, other))
    return tuple(speeds), left_out
