"""The gate: each cell of a baseline against the same inputs now. Pure; a vanished cell is a regression."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ..boards.grouping import Alignment
from ..boards.units import units_of
from ..comparing.pairing import Paired, Pairings, Shelf, apart, environment_differences, why_inputs_differ
from ..comparing.score_tables import score_tables
from ..comparing.set_changes import set_changes
from ..statistics.exact_scores import compared, is_exact
from ..statistics.paired_tests import Floats, paired_difference
from ..store.cell import Cell
from ..store.garbage_collection import no_collection
from ..store.record import Record, words_of
from ..store.results import Results, in_order
from ..store.seals import refuse_nan, why_each_edited
from ..store.versions import newest
from ..suite.rules import Rule
from ..text.errors import one_line
from ..text.wording import by_number, counted
from .limits import Groups, limits_broken, set_limits_broken, why_not_above_baseline, why_not_first
from .rules import Limit, limits, refuse_idle, speed_limited, spoken
from .speed import speed_findings
from .verdict import INCOMPARABLE, OK, REGRESSION, UNCOUNTED, GateFinding, Verdict, finding

_AT_ONCE = 2048


@dataclass(frozen=True)
class _Sides:
    """Both sides as they are, and as they are without the cells that were edited by hand; the `keys` of the old one."""

    old: Shelf
    new: Shelf
    genuine: Shelf
    before: Groups
    now: Groups
    rules: Sequence[Rule]
    keys: frozenset[str]
    pairings: Pairings
    gated: dict[tuple[int, ...], dict[str, dict[str, Limit]]] = field(default_factory=dict)

    def limits_of(self, cell: Cell) -> dict[str, dict[str, Limit]]:
        """What holds for each metric of a cell, where something does: found once for cells that share their parts."""
        parts = ("metrics", "method", "dataset", "regime") if self.rules else ("metrics",)
        key = tuple(id(getattr(cell, part)) for part in parts)
        if key not in self.gated:
            asked = {name: limits(self.rules, cell, name) for name in cell.metrics}
            self.gated[key] = {name: active for name, active in asked.items() if active}
        return self.gated[key]


class _MetricPair(NamedTuple):
    """A metric of a pair of cells, before any number: what holds for it, and how their items go together."""

    record: Record
    partner: Record
    label: str
    metric: str
    limits: Mapping[str, Limit]
    paired: Paired

    @property
    def sides(self) -> tuple[Floats, Floats]:
        """The scores of either side."""
        return self.paired.scores(self.record, self.partner, self.metric)


class _MetricChange(NamedTuple):
    """What the scores of a metric say: the loss of the mean, both means, the largest loss of an item and its row, the
    number of items; `gone` says which exact items were lost."""

    drop: float
    before: float
    now: float
    most: float
    row: int
    items: int
    gone: str = ""


class _PairFinding(NamedTuple):
    """What is to be said of a pair of cells; `hint` is for a regression."""

    partner: Record
    judged: GateFinding | _MetricPair
    hint: str


def check(
    baseline: Iterable[Record],
    current: Iterable[Record],
    rules: Sequence[Rule] = (),
    names: tuple[str, str] = ("BASELINE", "CURRENT"),
    *,
    strict_speed: bool = False,
) -> Verdict:
    """Judge `current` by `baseline`, by `rules` and where they say nothing by what each metric declares.

    Of a method that was edited the newest version on either side is judged. `strict_speed`: a speed that stays
    undecided, as a machine was busy or is another one, does not pass. Raises `UsageError` for a NaN in the baseline, an
    idle rule.
    """
    with no_collection():
        return replace(_judged(newest(baseline), newest(current), rules, names), strict_speed=strict_speed)


def _judged(baseline: Results, current: Results, rules: Sequence[Rule], names: tuple[str, str]) -> Verdict:
    refuse_nan(baseline, names[0])
    if baseline:
        refuse_idle(rules, [r.cell for r in baseline])
    mended, changed = why_each_edited(baseline), why_each_edited(current)
    trusted = baseline.take([n for n, why in enumerate(mended) if not why])
    genuine = current.take([n for n, why in enumerate(changed) if not why])
    old, new = Shelf(baseline), Shelf(current)
    one = Shelf(trusted) if any(mended) else old
    other = Shelf(genuine) if any(changed) else new
    findings: list[GateFinding] = []
    edited = [(record.cell, why) for record, why in zip(baseline, mended, strict=True) if why]
    for cell, why in in_order(edited, [cell for cell, _ in edited]):
        scored = cell.kind == "score"
        if scored or speed_limited(rules, cell):
            label = old.label(cell) if scored else cell.method.display
            findings.append(finding(INCOMPARABLE, cell, label, "", f"the baseline cell was {why}"))
    keys = frozenset(one.records.column("key"))
    sides = _Sides(old, new, other, Groups(one), Groups(other), rules, keys, Pairings())
    known: set[int] = set()
    for start in range(0, len(one.records), _AT_ONCE):
        pairs = [judged for record in one.records[start : start + _AT_ONCE] for judged in _cell(record, sides)]
        known.update(id(judged.partner) for judged in pairs if isinstance(judged, _PairFinding))
        findings += _findings(pairs, sides)
    findings += speed_findings(trusted, genuine, rules)
    extra = sorted(
        {
            f"{new.label(r.cell)} · {r.cell.dataset.display} · {r.cell.regime.display}"
            for r in new.records
            if id(r) not in known and not old.partners(r.cell).records
        },
        key=by_number,
    )
    # All of a first baseline is new: nothing of it differs from anything.
    environments = environment_differences(baseline, current) if baseline and current else ()
    asked = max(current.column("asked"), default="")
    whole = not any(mended) and not any(changed)
    return Verdict(tuple(findings), environments, tuple(extra), whole, asked)


def _cell(record: Record, sides: _Sides) -> Sequence[GateFinding | _PairFinding]:
    cell, label = record.cell, sides.old.label(record.cell)
    if cell.outcome != "ok":
        text = f"the baseline cell itself is {cell.outcome}: {cell.reason}"
        return [finding(UNCOUNTED, cell, label, "", text)]
    why = Alignment.why_not_whole(record)
    if why is not None:
        return [finding(INCOMPARABLE, cell, label, "", f"the baseline cell is not whole: {why}")]
    candidates = sides.genuine.partners(cell)
    if not candidates.records:
        if sides.new.partners(cell).records:
            return [finding(INCOMPARABLE, cell, label, "", "the current cell was edited by hand")]
        if candidates.kind == "protocol":
            return [finding(INCOMPARABLE, cell, label, "", candidates.reason)]
        return [finding(REGRESSION, cell, label, "", f"missing: {candidates.reason}")]
    partners = apart(record, candidates.records, sides.keys)
    many = len(partners)
    hint = f"one of {many} versions in the store: run into a new --store to judge the last one alone"
    return [
        _PairFinding(partner, judged, hint if many > 1 else "")
        for partner in partners
        for judged in _pair(
            record, partner, label if many == 1 else f"{label} → {sides.new.label(partner.cell)}", sides
        )
    ]


def _pair(record: Record, partner: Record, label: str, sides: _Sides) -> Sequence[GateFinding | _MetricPair]:
    """A cell of the baseline and one of its partners: one a metric that has a rule."""
    cell, outcome = record.cell, partner.cell.outcome
    if outcome != "ok":
        why = f"newly {outcome}: {partner.cell.reason}".removesuffix(": ")
        return [finding(REGRESSION, cell, label, "", why)]
    paired = sides.pairings.of(record, partner)
    rows = paired.rows
    differ = why_inputs_differ(record, partner, len(rows[0]))
    result: list[GateFinding | _MetricPair] = []
    if differ is not None:
        result.append(finding(INCOMPARABLE, cell, label, "", differ))
    elif more := len(partner.items) - len(rows[1]):
        words = words_of(cell)
        surplus, them = counted(more, words["item"], words["items"]), "it" if more == 1 else "them"
        text = f"{surplus} more than the baseline has: `check --update` adds {them} to it"
        result.append(finding(UNCOUNTED, cell, label, "", text))
    if not len(rows[0]):
        return result
    gated = sides.limits_of(cell)
    sets = _sets(record, partner, label, sides)
    if not gated and not sets:
        text = f"no rule for its metrics ({', '.join(sorted(cell.metrics)) or 'none'})"
        result.append(finding(UNCOUNTED, cell, label, "", text))
    for name, active in gated.items():
        why_not = _why_not_comparable(record, partner, name)
        if why_not is None:
            result.append(_MetricPair(record, partner, label, name, active, paired))
        else:
            result.append(finding(why_not[0], cell, label, name, why_not[1]))
    return [*result, *sets]


def _why_not_comparable(record: Record, partner: Record, metric: str) -> tuple[str, str] | None:
    """The status of a metric that cannot be held against that of the baseline, and why."""
    part, theirs = record.cell.metrics[metric], partner.cell.metrics.get(metric)
    if theirs is None or metric not in partner.scores:
        return REGRESSION, f"missing: {metric} was not scored"
    if theirs.version != part.version or theirs.higher != part.higher:
        text = f"other metric version: {metric} is at {theirs.version}, the baseline has {part.version}"
        return INCOMPARABLE, text
    return None


def _sets(record: Record, partner: Record, label: str, sides: _Sides) -> list[GateFinding]:
    """The set metrics of the baseline, each against the same one now."""
    cell, findings = record.cell, []
    parts = cell.sets or {}
    for one in set_changes(record, partner):
        if one.metric not in parts:
            continue
        if one.reason:
            lacking = UNCOUNTED if parts[one.metric].value is None else INCOMPARABLE
            findings.append(finding(REGRESSION if one.absent else lacking, cell, label, one.metric, one.reason))
            continue
        reasons = set_limits_broken(one, spoken(sides.rules, cell, one.metric))
        plain = finding(REGRESSION if reasons else OK, cell, label, one.metric, *reasons)
        findings.append(plain._replace(items=one.n, baseline=one.a, current=one.b, change=one.change))
    return findings


def _findings(pairs: Sequence[GateFinding | _PairFinding], sides: _Sides) -> Iterator[GateFinding]:
    """The findings, in their order; the numbers of all scores are computed at once."""
    numbers = iter(
        _numbers([one.judged for one in pairs if isinstance(one, _PairFinding) and isinstance(one.judged, _MetricPair)])
    )
    for one in pairs:
        if isinstance(one, GateFinding):
            yield one
            continue
        judged = _judged_scores(one.judged, next(numbers), sides) if isinstance(one.judged, _MetricPair) else one.judged
        if judged.seconds is None:
            judged = judged._replace(seconds=one.partner.cell.seconds)
        yield (
            judged._replace(reasons=(*judged.reasons, one.hint)) if one.hint and judged.status == REGRESSION else judged
        )


def _numbers(scores: Sequence[_MetricPair]) -> list[_MetricChange | GateFinding]:
    """What each says. Those of equally many finite scores, each a unit by itself, are rows of one table."""
    results: list[_MetricChange | GateFinding | None] = [None] * len(scores)
    kinds = {
        place: (len(one.paired.names), one.record.cell.metrics[one.metric].higher)
        for place, one in enumerate(scores)
        if not one.paired.units.merged
    }
    for places, a, b, higher in score_tables(kinds, lambda place: scores[place].sides):
        for place, numbers in zip(places, _numbers_of_many(a, b, higher), strict=True):
            results[place] = numbers
    return [_numbers_of(scores[place]) if one is None else one for place, one in enumerate(results)]


def _numbers_of_many(a: Floats, b: Floats, higher: bool) -> Iterator[_MetricChange | None]:
    """The same of each row of (P, n) scores on either side; None where a difference is no finite number."""
    items = a.shape[1]
    with np.errstate(invalid="ignore"):
        losses = -(b - a) if higher else b - a
        means = [(np.add.reduce(of, axis=1) / items).tolist() for of in (losses, a, b)]
    rows = losses.argmax(axis=1)
    most = losses[np.arange(len(a)), rows].tolist()
    finite: list[bool] = np.logical_and.reduce(np.isfinite(losses), axis=1).tolist()
    for whole, drop, before, now, worst, row in zip(finite, *means, most, rows.tolist(), strict=True):
        yield _MetricChange(drop, before, now, worst, row, items) if whole else None


def _numbers_of(scores: _MetricPair) -> _MetricChange | GateFinding:
    """What one metric says, where items are one unit, exact or without a score."""
    record, partner, label, metric, _, (rows, units, _) = scores
    cell, part, words = record.cell, record.cell.metrics[metric], words_of(record.cell)
    a, b = scores.sides
    with np.errstate(invalid="ignore"):
        change = b - a
    finite = bool(np.isfinite(change).all())
    places, defined = np.arange(len(a)), ~np.isnan(a)
    if not defined.any():
        return finding(UNCOUNTED, cell, label, metric, f"{metric} is not defined in the baseline")
    if not defined.all():
        units = units_of((record, partner), [side[defined].tolist() for side in rows])
        places, a, b = places[defined], a[defined], b[defined]
    undefined = np.flatnonzero(np.isnan(b))
    if len(undefined):
        gone = counted(len(undefined), words["item"], words["items"])
        item = record.items[rows[0][places[undefined[0]]]]
        return finding(REGRESSION, cell, label, metric, f"{metric} is no longer defined on {gone}, such as {item}")
    if not finite:
        change = paired_difference(b[None], a)[0]
    losses = -change if part.higher else change
    averaged, gone = [units.average(values) for values in (losses, a, b)], ""
    exact_a, exact_b = (is_exact(values, part.higher) for values in (a, b))
    if count := int((exact_a & ~exact_b).sum()):
        no_longer = counted(count, words["item"], words["items"])
        gone = f"no longer exact on {no_longer} (exact on {exact_a.sum()} before and {exact_b.sum()} now)"
    kept = compared(np.stack(averaged[1:]), part.higher)
    with np.errstate(invalid="ignore"):
        drop, before, now = (float(of[kept].mean()) if kept.any() else math.nan for of in averaged)
    place = int(losses.argmax())
    return _MetricChange(drop, before, now, float(losses[place]), int(places[place]), len(a), gone)


def _judged_scores(scores: _MetricPair, numbers: _MetricChange | GateFinding, sides: _Sides) -> GateFinding:
    if isinstance(numbers, GateFinding):
        return numbers
    record, partner, label, metric, active = scores[:5]
    cell, part = record.cell, record.cell.metrics[metric]
    item = record.items[scores.paired.rows[0][numbers.row]]
    # What was lost and won without bounds at once, or leaves no item to average, is a loss all the same.
    judged = math.inf if math.isnan(numbers.drop) else numbers.drop
    worst = f"{words_of(cell)['item']} {item}", numbers.most
    reasons: list[str | None] = [*limits_broken(active, judged, worst, numbers.before, part, numbers.gone)]
    if "min_above_baseline" in active:
        reasons.append(why_not_above_baseline(partner, metric, active["min_above_baseline"], sides.now))
    if "must_stay_first" in active:
        reasons.append(why_not_first(record, partner, metric, active["must_stay_first"], sides.before, sides.now))
    broken = [reason for reason in reasons if reason is not None]
    return GateFinding(
        REGRESSION if broken else OK,
        cell,
        label,
        metric,
        tuple(map(one_line, broken)),
        numbers.items,
        numbers.before,
        numbers.now,
        -numbers.drop if part.higher else numbers.drop,
        numbers.most,
        item if numbers.most > 0 else "",
        partner.cell.seconds,
    )
