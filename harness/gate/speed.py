"""The speed gate: relative latency now against that of the baseline, and against that of a rival."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..comparing.pairing import apart
from ..cost.pace import Pace, by_references, judged_by_cpu, of_newest_reference, pace, processors_apart, why_apart
from ..store.record import Record, cost_size
from ..store.results import Results
from ..suite.rules import RIVAL, SPEED, Rule
from ..text.errors import UsageError, one_line
from ..text.wording import counted
from .limits import SLACK
from .rules import Limit, fits, limits, rivals
from .verdict import INCOMPARABLE, OK, REGRESSION, UNCOUNTED, UNDECIDED, GateFinding, finding


def speed_findings(baseline: Results, current: Results, rules: Sequence[Rule]) -> list[GateFinding]:
    """Cost cells of the baseline that no longer work, or that are slower than a rule allows.

    Raises `UsageError` where the rival that a rule names was measured at no setting of a method.
    """
    result: list[GateFinding] = []
    if not (before := _costs(baseline)):
        return result
    costs = of_newest_reference(_costs(current))
    keys = set(baseline.column("key"))
    by_setting: dict[tuple[str, str], list[Record]] = {}
    for record in costs:
        by_setting.setdefault((record.cell.method.spec, _setting(record)), []).append(record)
    alike = [tuple(by_setting.get((record.cell.method.spec, _setting(record)), ())) for record in before]
    paired = [(record, apart(record, candidates, keys)) for record, candidates in zip(before, alike, strict=True)]
    everything = [*before, *costs]
    _refuse_incomparable(paired, everything, costs, rules)
    for record, partners in paired:
        limit = limits(rules, record.cell, None).get(SPEED)
        if limit is not None:
            result += _against_baseline(record, partners, limit)
        for name, where in _asked(rules, record, everything).items():
            result += _against_rival(record, partners, before, costs, name, where)
        if limit is None and record.cell.outcome == "ok":
            failed = [partner for partner in partners if partner.cell.outcome != "ok"]
            result += [_finding(REGRESSION, one, "", _why_unmeasured(one), now=one) for one in failed]
    return result


def _costs(results: Results) -> Results:
    return results.where(kind="cost").in_reading_order()


def _against_baseline(record: Record, partners: Sequence[Record], limit: Limit) -> list[GateFinding]:
    latency = _latency(record)
    if latency is None or not partners:
        return [_unmeasured(record, SPEED, None)]
    result = []
    for partner in partners:
        theirs = _latency(partner)
        if theirs is None:
            result.append(_unmeasured(record, SPEED, partner))
            continue
        if why := why_apart(record, partner):
            result.append(_finding(INCOMPARABLE, record, SPEED, why, now=partner))
            continue
        speed_limit = _SpeedLimit(SPEED, limit, "the baseline's relative", f", more than {limit.value:g}")
        result.append(_judged(record, record, partner, speed_limit, _ratio(record, partner, latency, theirs)))
    return result


def _asked(rules: Sequence[Rule], record: Record, everything: Sequence[Record]) -> dict[str, str]:
    """Rivals of the method of a cost, and where each is asked for; a rule for all methods asks nothing of the rival."""
    return {
        name: where
        for name, where in rivals(rules, record.cell).items()
        if not fits(name, record.cell.method) or _others(record, everything, name)
    }


def _refuse_incomparable(
    paired: Iterable[tuple[Record, Sequence[Record]]],
    everything: Sequence[Record],
    costs: Sequence[Record],
    rules: Sequence[Rule],
) -> None:
    """Raise `UsageError` for a rule whose rival was measured at none of the settings at which a method was."""
    asked: dict[tuple[str, str, str], list[tuple[Record, bool]]] = defaultdict(list)
    for record, partners in paired:
        measured = _is_measured((record, *partners))
        for name, where in _asked(rules, record, everything).items():
            asked[where, name, record.cell.method.display].append((record, measured))
    for (where, name, method), measurements in asked.items():
        due = [record for record, measured in measurements if measured] or [record for record, _ in measurements]
        others = [other for record in due for other in _others(record, costs, name)]
        if not _is_measured(others):
            settings = " or ".join(dict.fromkeys(map(_setting, due)))
            raise UsageError(
                f"{where}: {RIVAL} needs an ok cost cell of {one_line(name, 80)!r} in CURRENT at {settings}, to "
                f"compare {method} with: {_why(others[0]) if others else 'add it to the methods'}"
            )


def _against_rival(
    record: Record, partners: Sequence[Record], before: Sequence[Record], costs: Sequence[Record], name: str, where: str
) -> list[GateFinding]:
    if not _is_measured((record, *partners)):
        return [_unmeasured(record, RIVAL, None)]
    measured, shown = _others(record, costs, name), repr(one_line(name, 80))
    others = [(other, latency) for other in measured if (latency := _latency(other)) is not None]
    if not others:
        absent = f"no cost cell at {_setting(record)}"
        old = _others(record, before, name)
        if not _is_measured(old):
            why = _why(old[0]) if old else absent
            return [_finding(UNCOUNTED, record, RIVAL, f"the baseline has no latency of {shown}: {why}")]
        why = _why_unmeasured(measured[0]) if measured else f"missing: {absent}"
        return [_finding(REGRESSION, record, RIVAL, f"{shown}: {why}")]
    result = [] if partners else [_unmeasured(record, RIVAL, None)]
    for partner in partners:
        own_latency = _latency(partner)
        if own_latency is None:
            result.append(_unmeasured(record, RIVAL, partner))
            continue
        for rival, latency in others:
            if why := why_apart(rival, partner):
                result.append(_finding(INCOMPARABLE, record, RIVAL, why, now=partner))
                continue
            speed_limit = _SpeedLimit(RIVAL, Limit(1.0, where), "the relative", f" of {rival.cell.method.display}")
            result.append(_judged(record, rival, partner, speed_limit, _ratio(rival, partner, latency, own_latency)))
    return result


def _others(record: Record, costs: Iterable[Record], name: str) -> list[Record]:
    """Those of `costs` at the setting of a record that are of another method, one that a rule means by `name`."""
    spec, setting = record.cell.method.spec, _setting(record)
    return [
        other
        for other in costs
        if fits(name, other.cell.method) and other.cell.method.spec != spec and _setting(other) == setting
    ]


def _unmeasured(record: Record, metric: str, now: Record | None) -> GateFinding:
    """That CURRENT has no latency, which counts where the baseline has one."""
    if _latency(record) is None:
        return _finding(UNCOUNTED, record, metric, f"the baseline has no latency: {_why(record)}", now=now)
    why = _why_unmeasured(now) if now else f"missing: no cost cell at {_setting(record)}"
    return _finding(REGRESSION, record, metric, why, now=now)


def _finding(status: str, record: Record, metric: str, *reasons: str, now: Record | None = None) -> GateFinding:
    """A finding on a cost of the baseline; `now` is that of CURRENT, where there is one."""
    plain = finding(status, record.cell, record.cell.method.display, metric, *reasons)
    return plain._replace(setting=_setting(record), seconds=now.cell.seconds if now else None)


class _SpeedLimit(NamedTuple):
    """The limit of a ratio of speeds, and the words that stand before and after what was compared."""

    rule: str
    limit: Limit
    before: str
    after: str


class _Ratio(NamedTuple):
    """One relative time over another: `quantity` was compared, and where a machine was `busy`, what the ratio is at
    most on idle ones, and how many times longer the reference took."""

    quantity: str
    before: float
    now: float
    most: float
    busy: float = 0.0


def _ratio(a: Record, b: Record, latency_a: float, latency_b: float) -> _Ratio:
    """The time of `b` over that of `a`, each relative to its reference.

    By the clock; where a machine was too busy for that, by CPU time, and of a call that waits for something else than
    the processor by the least that the clock can mean.
    """
    one, other = (pace(record.cell.cost) for record in (a, b))
    waited = [p.reference for p in (one, other) if p is not None and p.waited]
    # A measurement is as fast as itself.
    if not waited or _times(a) == _times(b):
        return _Ratio("latency", latency_a, latency_b, latency_b / latency_a)
    most = _most(other, latency_b) / (one.least if one else latency_a)
    if one is not None and other is not None and judged_by_cpu(one, other):
        return _Ratio("CPU time", one.cpu, other.cpu, most, max(waited))
    return _Ratio("latency", _most(one, latency_a), other.latency if other else latency_b, most, max(waited))


def _times(record: Record) -> tuple[object, ...]:
    cost = record.cell.cost
    return (cost.latency_ms, cost.latency_cpu_ms, cost.reference_ms) if cost is not None else ()


def _most(known: Pace | None, latency: float) -> float:
    return known.most if known else latency


def _judged(record: Record, other: Record, partner: Record, speed_limit: _SpeedLimit, ratio: _Ratio) -> GateFinding:
    """What the ratio of `partner` to `other` says; on two processors its range, as each reference operation has it."""
    if not (processors := processors_apart((other, partner))):
        return _measured(record, partner, speed_limit, ratio)
    apart = f"timed on different processors ({processors})"
    factors = by_references(other.cell.cost, partner.cell.cost).values()
    if not factors:
        why = f"{apart}, and not beside the reference operations that tell these apart: measure both again on one"
        return _finding(UNDECIDED, record, speed_limit.rule, why, now=partner)
    limit, least, most = speed_limit.limit, ratio.now / ratio.before * min(factors), ratio.most * max(factors)
    shown = f"{apart}: {least:.3g} to {most:.3g} × by the reference operations"
    status, judged, reason = UNDECIDED, most, f"{shown}, limit {limit.value:g} ({limit.where}): measure both on one"
    if least > limit.value + SLACK:
        slow = f"at least {least:.3g} × {speed_limit.before} {ratio.quantity}{speed_limit.after} ({limit.where})"
        status, judged, reason = REGRESSION, least, f"{slow}, {shown}"
    elif most <= limit.value + SLACK:
        status, reason = OK, shown
    plain = _finding(status, record, speed_limit.rule, reason, now=partner)
    if status == UNDECIDED:
        return plain
    return plain._replace(baseline=ratio.before, current=ratio.before * judged, change=judged)


def _measured(record: Record, partner: Record, speed_limit: _SpeedLimit, ratio: _Ratio) -> GateFinding:
    """That a ratio breaks its limit or does not; `undecided` where a busy machine does not let it be known."""
    limit, value = speed_limit.limit, ratio.now / ratio.before
    if value > limit.value + SLACK:
        slow = f"{value:.3g} × {speed_limit.before} {ratio.quantity}{speed_limit.after} ({limit.where})"
        plain = _finding(REGRESSION, record, speed_limit.rule, slow, now=partner)
        return plain._replace(baseline=ratio.before, current=ratio.now, change=value)
    if ratio.most <= limit.value + SLACK:
        reasons = [f"on a busy machine: at most {ratio.most:.3g} × by the clock"] if ratio.busy else []
        plain = _finding(OK, record, speed_limit.rule, *reasons, now=partner)
        return plain._replace(baseline=ratio.before, current=ratio.before * ratio.most, change=ratio.most)
    undecided = (
        f"the machine was busy (the reference operation took {ratio.busy:.3g} × its idle time), so wall-clock time "
        f"cannot be judged: {value:.3g} × by {ratio.quantity}, up to {ratio.most:.3g} × by the clock, limit "
        f"{limit.value:g} ({limit.where}): measure on an idle machine"
    )
    return _finding(UNDECIDED, record, speed_limit.rule, undecided, now=partner)


def _setting(record: Record) -> str:
    """Size, device and threads: from the inputs of the key, because a cell that failed holds no cost."""
    inputs = record.cell.inputs
    size = "×".join(map(str, cost_size(record.cell)))
    threads = inputs.get("threads", 1)
    return f"{size}, {inputs.get('device', 'cpu')}, {counted(threads, 'thread')}"


def _latency(record: Record) -> float | None:
    cost = record.cell.cost
    value = cost.latency_rel if cost is not None and record.cell.outcome == "ok" else None
    return value if isinstance(value, int | float) and value > 0 and math.isfinite(value) else None


def _is_measured(records: Iterable[Record]) -> bool:
    """Whether any of these costs has a latency."""
    return any(_latency(record) is not None for record in records)


def _why_unmeasured(record: Record) -> str:
    return f"no longer measured: {_why(record)}"


def _why(record: Record) -> str:
    if record.cell.outcome != "ok" or record.cell.cost is None:
        return f"{record.cell.outcome}: {record.cell.reason}".removesuffix(": ")
    return str((record.cell.cost.reasons or {}).get("latency_rel", "no reason is stored"))
