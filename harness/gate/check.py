"""The gate: each cell of a baseline against the same inputs now. Pure; a vanished cell is a regression."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..boards.grouping import Alignment
from ..boards.units import Units, units_of
from ..comparing.pairing import Places, Shelf, apart, environment_differences, pair, why_inputs_differ
from ..comparing.set_changes import set_changes
from ..garbage import no_collection
from ..statistics.exact_scores import compared, is_exact
from ..statistics.paired_tests import Floats, paired_difference
from ..store.record import Record, cell_order, decimals_of, words_of
from ..store.seals import refuse_nan, why_each_edited
from ..store.versions import newest
from ..wording import by_number, counted
from .limits import Groups, limits_broken, set_limits_broken, why_not_above_baseline, why_not_first
from .rules import Limit, Rule, limits, refuse_idle, speed_limited, spoken
from .speed import speed_findings
from .verdict import INCOMPARABLE, OK, REGRESSION, UNCOUNTED, Finding, Verdict, finding


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


def check(
    baseline: Sequence[Record],
    current: Sequence[Record],
    rules: Sequence[Rule] = (),
    names: tuple[str, str] = ("BASELINE", "CURRENT"),
) -> Verdict:
    """Judge `current` by `baseline`, by `rules` and where they say nothing by what each metric declares.

    Of a method that was edited the newest version on either side is judged. Raises `UsageError` for a NaN in the
    baseline, an idle rule.
    """
    with no_collection():
        before, now = (
            [side[i] for i in cell_order([r.cell for r in side])] for side in map(newest, (baseline, current))
        )
        return _judged(before, now, rules, names)


def _judged(
    baseline: Sequence[Record], current: Sequence[Record], rules: Sequence[Rule], names: tuple[str, str]
) -> Verdict:
    for record in baseline:
        refuse_nan(record, names[0])
    if baseline:
        refuse_idle(rules, [r.cell for r in baseline])
    mended, changed = why_each_edited(baseline), why_each_edited(current)
    trusted = [r for r, why in zip(baseline, mended, strict=True) if not why]
    genuine = [r for r, why in zip(current, changed, strict=True) if not why]
    old, new = Shelf(baseline), Shelf(current)
    one = Shelf(trusted) if any(mended) else old
    other = Shelf(genuine) if any(changed) else new
    findings: list[Finding] = []
    for record, why in zip(baseline, mended, strict=True):
        scored = record.cell["kind"] == "score"
        if why and (scored or speed_limited(rules, record.cell)):
            label = old.label(record.cell) if scored else record.cell["method"]["display"]
            findings.append(finding(INCOMPARABLE, record.cell, label, "", f"the baseline cell was {why}"))
    sides = _Sides(old, new, other, Groups(one), Groups(other), rules, frozenset(r.cell["key"] for r in one.records))
    for record in one.records:
        findings += _cell(record, sides)
    findings += speed_findings(trusted, genuine, rules)
    extra = sorted(
        {
            f"{new.label(r.cell)} · {r.cell['dataset']['display']} · {r.cell['regime']['display']}"
            for r in new.records
            if not old.partners(r.cell).records
        },
        key=by_number,
    )
    # All of a first baseline is new: nothing of it differs from anything.
    environments = environment_differences(baseline, current) if baseline and current else ()
    asked = max((record.asked for record in current), default="")
    whole = not any(mended) and not any(changed)
    return Verdict(tuple(findings), environments, tuple(extra), whole, asked)


def _cell(record: Record, sides: _Sides) -> list[Finding]:
    cell, label = record.cell, sides.old.label(record.cell)
    if cell["outcome"] != "ok":
        text = f"the baseline cell itself is {cell['outcome']}: {cell['reason']}"
        return [finding(UNCOUNTED, cell, label, "", text)]
    why = Alignment.why_not_whole(record)
    if why is not None:
        return [finding(INCOMPARABLE, cell, label, "", f"the baseline cell is not whole: {why}")]
    found = sides.genuine.partners(cell)
    if not found.records:
        if sides.new.partners(cell).records:
            return [finding(INCOMPARABLE, cell, label, "", "the current cell was edited by hand")]
        if found.kind == "protocol":
            return [finding(INCOMPARABLE, cell, label, "", found.reason)]
        return [finding(REGRESSION, cell, label, "", f"missing: {found.reason}")]
    partners = apart(record, found.records, sides.keys)
    result: list[Finding] = []
    many = len(partners)
    for partner in partners:
        named = label if many == 1 else f"{label} → {sides.new.label(partner.cell)}"
        for one in _pair(record, partner, named, sides):
            told = many > 1 and one.status == REGRESSION
            hint = f"one of {many} versions in the store: run into a new --store to judge the last one alone"
            timed = one if one.seconds is not None else replace(one, seconds=partner.cell["seconds"])
            result.append(replace(timed, reasons=(*one.reasons, hint)) if told else timed)
    return result


def _pair(record: Record, partner: Record, label: str, sides: _Sides) -> list[Finding]:
    """A cell of the baseline and one of its partners: a finding a metric that has a rule."""
    cell, outcome = record.cell, partner.cell["outcome"]
    if outcome != "ok":
        why = f"newly {outcome}: {partner.cell['reason']}".removesuffix(": ")
        return [finding(REGRESSION, cell, label, "", why)]
    rows = pair(record, partner)
    differ = why_inputs_differ(record, partner, len(rows[0]))
    result = [finding(INCOMPARABLE, cell, label, "", differ)] if differ is not None else []
    if not len(rows[0]):
        return result
    asked = {name: limits(sides.rules, cell, name) for name in cell["metrics"]}
    gated = {name: held for name, held in asked.items() if held}
    sets = _sets(record, partner, label, sides)
    if not gated and not sets:
        text = f"no rule for its metrics ({', '.join(sorted(cell['metrics'])) or 'none'})"
        result.append(finding(UNCOUNTED, cell, label, "", text))
    units = units_of((record, partner), [side.tolist() for side in rows])
    measured = [_metric(record, partner, label, name, held, rows, units, sides) for name, held in gated.items()]
    return [*result, *measured, *sets]


def _sets(record: Record, partner: Record, label: str, sides: _Sides) -> list[Finding]:
    """The set metrics of the baseline, each against the same one now."""
    cell, found = record.cell, []
    parts = cell.get("sets") or {}
    for one in set_changes(record, partner):
        if one.metric not in parts:
            continue
        if one.reason:
            lacking = UNCOUNTED if parts[one.metric]["value"] is None else INCOMPARABLE
            found.append(finding(REGRESSION if one.lost else lacking, cell, label, one.metric, one.reason))
            continue
        reasons = set_limits_broken(one, spoken(sides.rules, cell, one.metric))
        plain = finding(REGRESSION if reasons else OK, cell, label, one.metric, *reasons)
        found.append(replace(plain, items=one.n, baseline=one.a, current=one.b, change=one.change))
    return found


def _metric(
    record: Record, partner: Record, label: str, metric: str, held: Mapping[str, Limit], rows: tuple[Places, Places],
    units: Units, sides: _Sides,
) -> Finding:  # fmt: skip
    """What came of a metric; `units` are those of all the rows."""
    cell, part, words = record.cell, record.cell["metrics"][metric], words_of(record.cell)
    theirs = partner.cell["metrics"].get(metric)
    if theirs is None or metric not in partner.scores:
        return finding(REGRESSION, cell, label, metric, f"missing: {metric} was not scored")
    if theirs["version"] != part["version"] or theirs["higher"] != part["higher"]:
        text = f"other metric version: {metric} is at {theirs['version']}, the baseline has {part['version']}"
        return finding(INCOMPARABLE, cell, label, metric, text)
    a, b = record.scores[metric][rows[0]], partner.scores[metric][rows[1]]
    left = rows[0]
    with np.errstate(invalid="ignore"):
        change = b - a
    finite = bool(np.isfinite(change).all())
    if not finite:
        defined = ~np.isnan(a)
        if not defined.any():
            return finding(UNCOUNTED, cell, label, metric, f"{metric} is not defined in the baseline")
        if not defined.all():
            left, units = left[defined], units_of((record, partner), [side[defined].tolist() for side in rows])
            a, b = a[defined], b[defined]
        undefined = np.flatnonzero(np.isnan(b))
        if len(undefined):
            lost = counted(len(undefined), words["item"], words["items"])
            text = f"{metric} is no longer defined on {lost}, such as {record.items[left[undefined[0]]]}"
            return finding(REGRESSION, cell, label, metric, text)
        change = paired_difference(b[None], a)[0]
    losses = -change if part["higher"] else change
    averaged, lost = [units.average(values) for values in (losses, a, b)], ""
    if not finite:
        exact_a, exact_b = (is_exact(values, part["higher"]) for values in (a, b))
        if gone := int((exact_a & ~exact_b).sum()):
            no_longer = counted(gone, words["item"], words["items"])
            lost = f"no longer exact on {no_longer} (exact on {exact_a.sum()} before and {exact_b.sum()} now)"
        kept = compared(np.stack(averaged[1:]), part["higher"])
        averaged = [values[kept] for values in averaged]
    with np.errstate(invalid="ignore"):
        drop, before, now = map(_mean, averaged)
    place = int(losses.argmax())
    item, most = record.items[left[place]], float(losses[place])
    worst = f"{words['item']} {item}", most
    # What was lost and won without bounds at once, or leaves no item to average, is a loss all the same.
    judged = math.inf if math.isnan(drop) else drop
    reasons: list[str | None] = [*limits_broken(held, judged, worst, before, part, lost)]
    if "min_above_baseline" in held:
        reasons.append(why_not_above_baseline(partner, metric, held["min_above_baseline"], sides.now))
    if "must_stay_first" in held:
        reasons.append(why_not_first(record, partner, metric, held["must_stay_first"], sides.before, sides.now))
    broken = [reason for reason in reasons if reason is not None]
    return finding(
        REGRESSION if broken else OK,
        cell,
        label,
        metric,
        *broken,
        unit=part["unit"],
        higher=part["higher"],
        decimals=decimals_of(metric, part),
        items=len(left),
        baseline=before,
        current=now,
        change=-drop if part["higher"] else drop,
        worst=most,
        worst_item=item if most > 0 else "",
        seconds=partner.cell["seconds"],
    )


def _mean(values: Floats) -> float:
    """The mean of (n,), NaN of none: as `values.mean()`, in half the time; a check takes three for each number."""
    return float(np.add.reduce(values)) / len(values) if len(values) else math.nan
