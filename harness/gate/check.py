"""The gate: each cell of a baseline against the same inputs now. Pure; a vanished cell is a regression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..boards.grouping import Alignment
from ..comparing.pairing import Pairings, Shelf, apart, environment_differences, shelves, why_inputs_differ
from ..comparing.set_changes import set_changes
from ..store.cell import Cell
from ..store.garbage_collection import no_collection
from ..store.record import Record, words_of
from ..store.results import Results, in_order
from ..store.seals import refuse_nan, why_each_edited
from ..store.versions import newest
from ..suite.rules import Rule
from ..text.wording import by_number, counted
from .limits import Groups, set_limits_broken
from .plain_findings import plain_findings
from .rules import refuse_idle, speed_limited, spoken, with_specs
from .score_findings import MetricPair, Sides, judged_scores, numbers_of_all
from .speed import speed_findings
from .verdict import INCOMPARABLE, OK, REGRESSION, UNCOUNTED, Findings, GateFinding, Verdict, finding, joined

_AT_ONCE = 2048


class _PairFinding(NamedTuple):
    """What is to be said of a pair of cells; `hint` is for a regression."""

    partner: Record
    judged: GateFinding | MetricPair
    hint: str


def check(
    baseline: Iterable[Record],
    current: Iterable[Record],
    rules: Sequence[Rule] = (),
    names: tuple[str, str] = ("BASELINE", "CURRENT"),
    *,
    strict_speed: bool = False,
    strict: bool = False,
) -> Verdict:
    """Judge `current` by `baseline`, by `rules` and where they say nothing by what each metric declares.

    Of a method that was edited the newest version on either side is judged. `strict_speed`: a speed that stays
    undecided, as a machine was busy or is another one, does not pass. `strict`: nor does a cell of the baseline that is
    not comparable, or was not `ok` there. Raises `UsageError` for a NaN in the baseline, an idle rule.
    """
    with no_collection():
        before, now = newest(baseline), newest(current)
        for side in (before, now) if rules else ():
            rules = with_specs(rules, side.names())
        verdict = _judged(before, now, rules, names)
        return replace(verdict, strict_speed=strict_speed, strict=strict)


def _judged(baseline: Results, current: Results, rules: Sequence[Rule], names: tuple[str, str]) -> Verdict:
    refuse_nan(baseline, names[0])
    if baseline and rules:
        refuse_idle(rules, _each_kind(baseline))
    mended, changed = why_each_edited(baseline), why_each_edited(current)
    trusted = baseline.take([n for n, why in enumerate(mended) if not why])
    genuine = current.take([n for n, why in enumerate(changed) if not why])
    old, new = shelves(baseline, current)
    one = Shelf(trusted, old.names) if any(mended) else old
    other = Shelf(genuine, new.names) if any(changed) else new
    keys = frozenset(one.records.column("key"))
    sides = Sides(old, new, other, Groups(one), Groups(other), rules, keys, Pairings())
    edited = [*_edited(baseline, mended, old, rules)]
    scored, known = _score_findings(one, other, sides)
    environments = environment_differences(baseline, current) if baseline and current else ()
    # All of a first baseline is new: nothing of it differs from anything.
    extra = {
        f"{new.label(r.cell)} · {r.cell.dataset.display} · {r.cell.regime.display}"
        for place, key in enumerate(new.records.column("key"))
        if key not in known and not old.partners((r := new.records[place]).cell).records
    }
    asked = max(current.column("asked"), default="")
    whole = not any(mended) and not any(changed)
    findings = joined([Findings.of(edited), scored, Findings.of(speed_findings(trusted, genuine, rules))])
    return Verdict(findings, environments, tuple(sorted(extra, key=by_number)), whole, asked)


def _each_kind(results: Results) -> list[Cell]:
    """A cell of each combination of what a rule may name."""
    cells = results.each(lambda cell: cell, "kind", "cell.method", "cell.dataset", "cell.regime", "cell.metrics",
                         "cell.sets")  # fmt: skip
    return [*{id(cell): cell for cell in cells}.values()]


def _edited(
    baseline: Results, mended: Sequence[str | None], old: Shelf, rules: Sequence[Rule]
) -> Iterator[GateFinding]:
    """Findings on the cells of the baseline that were edited by hand."""
    edited = [(baseline[n].cell, why) for n, why in enumerate(mended) if why]
    for cell, why in in_order(edited, [cell for cell, _ in edited]):
        scored = cell.kind == "score"
        if scored or speed_limited(rules, cell):
            label = old.label(cell) if scored else cell.method.display
            yield finding(INCOMPARABLE, cell, label, "", f"the baseline cell was {why}")


def _score_findings(one: Shelf, other: Shelf, sides: Sides) -> tuple[Findings, set[str]]:
    """The findings on all score cells, in their order, and the keys of their partners."""
    plain = plain_findings(one, other, sides)
    theirs = other.records.column("key")
    known = {theirs[place] for place in plain.pairs.b.tolist()}
    counts = np.zeros(len(one.records), np.int64)
    counts[plain.pairs.a] = plain.counts
    is_plain = np.zeros(len(one.records), np.bool_)
    is_plain[plain.pairs.a] = True
    rest, others = np.flatnonzero(~is_plain), list[GateFinding]()
    for start in range(0, len(rest), _AT_ONCE):
        pairs: list[GateFinding | _PairFinding] = []
        for place in rest[start : start + _AT_ONCE].tolist():
            of_cell = _cell(one.records[place], sides)
            counts[place] = len(of_cell)
            pairs += of_cell
        known.update(judged.partner.cell.key for judged in pairs if isinstance(judged, _PairFinding))
        others += _findings(pairs, sides)
    both = joined([Findings(plain.columns(), plain.finding, np.arange(len(plain.pair))), Findings.of(others)])
    # Plain ones come first there: each finding to its cell.
    order = np.repeat(is_plain, counts)
    places = np.empty(len(order), np.int64)
    places[order], places[~order] = np.arange(order.sum()), np.arange(order.sum(), len(order))
    return both.take(places), known


def _cell(record: Record, sides: Sides) -> Sequence[GateFinding | _PairFinding]:
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


def _pair(record: Record, partner: Record, label: str, sides: Sides) -> Sequence[GateFinding | MetricPair]:
    """A cell of the baseline and one of its partners: one a metric that has a rule."""
    cell, outcome = record.cell, partner.cell.outcome
    if outcome != "ok":
        why = f"newly {outcome}: {partner.cell.reason}".removesuffix(": ")
        return [finding(REGRESSION, cell, label, "", why)]
    paired = sides.pairings.of(record, partner)
    rows = paired.rows
    differ = why_inputs_differ(record, partner, len(rows[0]))
    result: list[GateFinding | MetricPair] = []
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
            result.append(MetricPair(record, partner, label, name, active, paired))
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


def _sets(record: Record, partner: Record, label: str, sides: Sides) -> list[GateFinding]:
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


def _findings(pairs: Sequence[GateFinding | _PairFinding], sides: Sides) -> Iterator[GateFinding]:
    """The findings, in their order; the numbers of all scores are computed at once."""
    numbers = iter(
        numbers_of_all(
            [one.judged for one in pairs if isinstance(one, _PairFinding) and isinstance(one.judged, MetricPair)]
        )
    )
    for one in pairs:
        if isinstance(one, GateFinding):
            yield one
            continue
        judged = judged_scores(one.judged, next(numbers), sides) if isinstance(one.judged, MetricPair) else one.judged
        if judged.seconds is None:
            judged = judged._replace(seconds=one.partner.cell.seconds)
        yield (
            judged._replace(reasons=(*judged.reasons, one.hint)) if one.hint and judged.status == REGRESSION else judged
        )
