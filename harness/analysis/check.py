"""The gate: each cell of a baseline against the same inputs now. Pure; a vanished cell is a regression."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import UsageError, one_line
from ..plan import key_of
from ..store.record import Cell, Record
from .gather import Alignment, group_key, method_key
from .match import Floats, Places, Shelf, environment_differences, other_inputs, pair, protocol_text, sound
from .rules import DEFAULTS, SPEED, Limit, Rule, limits, refuse_idle
from .statistics import paired_difference

_SLACK = 1e-9
"""Rounding of a mean of float64 scores is no loss."""

OK, REGRESSION, INCOMPARABLE, UNCOUNTED = "ok", "regression", "not comparable", "not counted"


@dataclass(frozen=True)
class Finding:
    """What came of one metric of one cell, of its speed, or (metric empty) of the whole cell.

    `change` is current − baseline (speed: their ratio); `worst` the largest loss of one picture, `worst_item`.
    """

    status: str
    method: str
    dataset: str
    regime: str
    protocol: str
    seed: int | None
    metric: str
    reasons: tuple[str, ...] = ()
    unit: str = ""
    pictures: int = 0
    baseline: float | None = None
    current: float | None = None
    change: float | None = None
    worst: float | None = None
    worst_item: str = ""

    @property
    def measured(self) -> bool:
        """Whether a number stands beside a number."""
        return self.change is not None

    @property
    def place(self) -> str:
        """Method and where, in words."""
        parts = [self.method, self.dataset, self.regime, self.protocol]
        if self.seed is not None:
            parts.append(f"seed {self.seed}")
        return " · ".join(part for part in parts if part)

    @property
    def reason(self) -> str:
        """Why, in one line."""
        return "; ".join(self.reasons)


@dataclass(frozen=True)
class Verdict:
    """All findings; what differs in the environments; cells of CURRENT that the baseline does not hold."""

    findings: tuple[Finding, ...]
    environments: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = ()
    new: tuple[str, ...] = ()

    def having(self, status: str) -> tuple[Finding, ...]:
        """The findings of one status."""
        return tuple(f for f in self.findings if f.status == status)

    @property
    def compared(self) -> int:
        """How many numbers were compared."""
        return sum(f.measured for f in self.findings)

    @property
    def exit_code(self) -> int:
        """0 no regression, 1 regression, 3 nothing comparable."""
        if self.having(REGRESSION):
            return 1
        return 0 if self.compared else 3

    @property
    def summary(self) -> str:
        """The one line to remember."""
        lost = len(self.having(REGRESSION))
        said = [f"{self.compared} compared", f"{lost} regression{'' if lost == 1 else 's'}"]
        for status in (INCOMPARABLE, UNCOUNTED):
            if self.having(status):
                said.append(f"{len(self.having(status))} {status}")
        word = {0: "no regression", 1: "REGRESSION", 3: "NOTHING COMPARABLE"}[self.exit_code]
        return f"{word}: {', '.join(said)}"


def check(
    baseline: Sequence[Record],
    current: Sequence[Record],
    rules: Sequence[Rule] = DEFAULTS,
    names: tuple[str, str] = ("BASELINE", "CURRENT"),
) -> Verdict:
    """Judge `current` by `baseline`. Raises `UsageError` for a damaged side, a NaN in the baseline, an idle rule."""
    sound(baseline, names[0])
    sound(current, names[1])
    for record in baseline:
        refuse_nan(record, names[0])
    if baseline:
        refuse_idle(rules, [r.cell for r in baseline])
    mended, changed = [edited(r) for r in baseline], [edited(r) for r in current]
    trusted = [r for r, why in zip(baseline, mended, strict=True) if not why]
    genuine = [r for r, why in zip(current, changed, strict=True) if not why]
    old, new = Shelf(baseline), Shelf(current)
    one = Shelf(trusted) if any(mended) else old
    other = Shelf(genuine) if any(changed) else new
    findings: list[Finding] = []
    for record, why in zip(baseline, mended, strict=True):
        if why and (_is_score(record) or SPEED in limits(rules, record.cell, None)):
            label = old.label(record.cell) if _is_score(record) else record.cell["method"]["display"]
            findings.append(_finding(INCOMPARABLE, record.cell, label, "", f"the baseline cell was {why}"))
    before, now = _Groups(one), _Groups(other)
    for record in one.records:
        findings += _cell(record, old, new, other, rules, before, now)
    findings += _speed(trusted, genuine, rules)
    extra = sorted(
        {
            f"{new.label(r.cell)} · {r.cell['dataset']['display']} · {r.cell['regime']['display']}"
            for r in new.records
            if not old.partners(r.cell).records
        }
    )
    return Verdict(tuple(findings), environment_differences(baseline, current), tuple(extra))


def _is_score(record: Record) -> bool:
    return record.cell["kind"] == "score"


def refuse_nan(record: Record, source: str) -> None:
    """Raise `UsageError` where an ok cell holds a score that is no number and no reason is stored for it."""
    if record.cell["outcome"] != "ok":
        return
    for metric, values in record.scores.items():
        for row in np.flatnonzero(np.isnan(values)):
            if not record.notes[row]:
                raise UsageError(
                    f"{one_line(source)}: {one_line(metric, 60)} of picture {one_line(record.items[row], 80)!r} "
                    f"in cell {record.cell['key'][:12]} ({one_line(record.cell['method']['display'], 60)}) is NaN "
                    "and no reason is stored: restore the file, or delete it and make it again with --update"
                )


def edited(record: Record) -> str:
    """Why a cell cannot be what its key was made from, or an empty text."""
    cell = record.cell
    inputs = cell.get("inputs")
    if not isinstance(inputs, dict) or key_of(inputs) != cell["key"]:
        return "edited by hand: its inputs do not hash to its key"
    said: dict[str, tuple[object, object]] = {
        "kind": (inputs.get("kind"), cell["kind"]),
        "method": (_spec(inputs, "method"), cell["method"]["spec"]),
        "regime": (_spec(inputs, "regime"), cell["regime"]["spec"]),
    }
    if cell["kind"] == "score":
        versions = inputs.get("metrics")
        said |= {
            "seed": (inputs.get("seed"), cell["seed"]),
            "protocol": (_spec(inputs, "protocol"), cell["protocol"]["spec"]),
            "dataset fingerprint": (inputs.get("pictures"), cell["dataset"]["fingerprint"]),
            "metrics": (
                sorted(versions.values()) if isinstance(versions, dict) else None,
                sorted(part["version"] for part in cell["metrics"].values()),
            ),
        }
        if cell["outcome"] == "ok" and not set(cell["metrics"]) <= set(record.scores):
            return "edited by hand: a metric has no scores"
    for name, (keyed, shown) in said.items():
        if keyed != shown:
            return f"edited by hand: its {name} is not the one its key was made from"
    return ""


def _spec(inputs: Mapping[str, object], name: str) -> object:
    part = inputs.get(name)
    return part.get("spec") if isinstance(part, dict) else None


def _finding(status: str, cell: Cell, label: str, metric: str, *reasons: str) -> Finding:
    score = cell["kind"] == "score"
    return Finding(
        status,
        label,
        cell["dataset"]["display"] if score else "cost",
        cell["regime"]["display"],
        protocol_text(cell) if score else "",
        cell["seed"] if score else None,
        metric,
        tuple(one_line(reason) for reason in reasons),
    )


def _cell(
    record: Record, old: Shelf, new: Shelf, other: Shelf, rules: Sequence[Rule], before: _Groups, now: _Groups
) -> list[Finding]:
    cell, label = record.cell, old.label(record.cell)
    if cell["outcome"] != "ok":
        return [
            _finding(UNCOUNTED, cell, label, "", f"the baseline cell itself is {cell['outcome']}: {cell['reason']}")
        ]
    lacks = Alignment.lacks(record)
    if lacks:
        return [_finding(INCOMPARABLE, cell, label, "", f"the baseline cell is not whole: {lacks}")]
    asked = {name: limits(rules, cell, name) for name in cell["metrics"]}
    gated = {name: held for name, held in asked.items() if held}
    found = other.partners(cell)
    if not found.records:
        if new.partners(cell).records:
            return [_finding(INCOMPARABLE, cell, label, "", "the current cell was edited by hand")]
        if found.kind == "protocol":
            return [_finding(INCOMPARABLE, cell, label, "", found.reason)]
        return [_finding(REGRESSION, cell, label, "", f"missing: {found.reason}")]
    result: list[Finding] = []
    for partner in found.records:
        named = label if len(found.records) == 1 else f"{label} → {new.label(partner.cell)}"
        lost = partner.cell["outcome"]
        if lost != "ok":
            why = f"newly {lost}: {partner.cell['reason']}".removesuffix(": ")
            result.append(_finding(REGRESSION, cell, named, "", why))
            continue
        rows_a, rows_b = pair(record, partner)
        others = other_inputs(record, partner, len(rows_a))
        if others:
            result.append(_finding(INCOMPARABLE, cell, named, "", others))
        if not len(rows_a):
            continue
        if not gated:
            text = f"no rule for its metrics ({', '.join(sorted(cell['metrics'])) or 'none'})"
            result.append(_finding(UNCOUNTED, cell, named, "", text))
        for metric, held in gated.items():
            result.append(
                _metric(
                    record, partner, named, metric, held, record.scores[metric][rows_a], rows_a, rows_b, before, now
                )
            )
    return result


def _metric(
    record: Record, partner: Record, label: str, metric: str, held: Mapping[str, Limit], a: Floats,
    rows_a: Places, rows_b: Places, before: _Groups, now: _Groups,
) -> Finding:  # fmt: skip
    cell, part = record.cell, record.cell["metrics"][metric]
    theirs = partner.cell["metrics"].get(metric)
    if theirs is None or metric not in partner.scores:
        return _finding(REGRESSION, cell, label, metric, f"missing: {metric} was not scored")
    if theirs["version"] != part["version"] or theirs["higher"] != part["higher"]:
        text = f"other metric version: {metric} is at {theirs['version']}, the baseline has {part['version']}"
        return _finding(INCOMPARABLE, cell, label, metric, text)
    b = partner.scores[metric][rows_b]
    items = [record.items[i] for i in rows_a]
    defined = ~np.isnan(a)
    if not defined.any():
        return _finding(UNCOUNTED, cell, label, metric, f"{metric} is not defined in the baseline")
    a, b, items = a[defined], b[defined], [item for item, kept in zip(items, defined, strict=True) if kept]
    undefined = np.flatnonzero(np.isnan(b))
    if len(undefined):
        text = f"{metric} is no longer defined on {len(undefined)} pictures, such as {items[undefined[0]]}"
        return _finding(REGRESSION, cell, label, metric, text)
    change = paired_difference(b[None], a)[0]
    losses = -change if part["higher"] else change
    with np.errstate(invalid="ignore"):
        drop = float(losses.mean())
    if math.isnan(drop):
        # Perfect pictures were lost here and won there: a loss all the same.
        drop = math.inf
    place = int(np.argmax(losses))
    reasons = _broken(held, drop, float(losses[place]), items[place], float(a.mean()), part["unit"])
    if "min_above_identity" in held:
        reasons += _above_identity(partner, metric, held["min_above_identity"], now)
    if "must_stay_first" in held:
        reasons += _stays_first(record, partner, metric, held["must_stay_first"], before, now)
    plain = _finding(REGRESSION if reasons else OK, cell, label, metric, *reasons)
    return replace(
        plain,
        unit=part["unit"],
        pictures=len(items),
        baseline=float(a.mean()),
        current=float(b.mean()),
        change=-drop if part["higher"] else drop,
        worst=float(losses[place]),
        worst_item=items[place] if losses[place] > 0 else "",
    )


def _broken(held: Mapping[str, Limit], drop: float, worst: float, item: str, mean: float, unit: str) -> list[str]:
    reasons: list[str] = []
    space = f" {unit}" if unit else ""
    limit = held.get("max_drop")
    if limit and drop > limit.value + _SLACK:
        reasons.append(f"the mean dropped by {drop:.4g}{space}, more than {limit.value:g} ({limit.where})")
    limit = held.get("max_relative")
    share = drop / abs(mean) if mean and math.isfinite(mean) else math.inf if drop > _SLACK else 0.0
    if limit and share > limit.value + _SLACK:
        reasons.append(f"the mean dropped by {share:.3%}, more than {limit.value:.3%} ({limit.where})")
    limit = held.get("max_drop_picture")
    if limit and worst > limit.value + _SLACK:
        reasons.append(f"picture {item} dropped by {worst:.4g}{space}, more than {limit.value:g} ({limit.where})")
    return reasons


class _Groups:
    """Mean scores of the ok cells that may stand side by side on one side."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._groups: dict[tuple[object, ...], list[Record]] = {}
        for record in shelf.records:
            if record.cell["outcome"] == "ok" and not Alignment.lacks(record):
                self._groups.setdefault((group_key(record.cell), record.cell["seed"]), []).append(record)

    def of(self, cell: Cell) -> list[Record]:
        """The cells beside `cell`, itself included."""
        return self._groups.get((group_key(cell), cell["seed"]), [])

    def lead(self, cell: Cell, metric: str) -> tuple[float, str]:
        """By how much the best other method is ahead, and its label; oracles take no part."""
        mine = next((r for r in self.of(cell) if method_key(r.cell) == method_key(cell)), None)
        own = _mean(mine, metric) if mine else math.nan
        ahead, best = -math.inf, ""
        for record in self.of(cell):
            oracle = (record.cell["method"]["flags"] or {}).get("oracle")
            # The same method from another source is no rival: it is the past of this one.
            if oracle or record.cell["method"]["spec"] == cell["method"]["spec"]:
                continue
            gap = _gap(_mean(record, metric), own)
            if gap > ahead:
                ahead, best = gap, self._shelf.label(record.cell)
        return ahead, best


def _mean(record: Record, metric: str) -> float:
    part = record.cell["metrics"].get(metric)
    if part is None or metric not in record.scores:
        return math.nan
    with np.errstate(invalid="ignore"):
        mean = float(np.mean(record.scores[metric]))
    return mean if part["higher"] else -mean


def _gap(a: float, b: float) -> float:
    return 0.0 if a == b else a - b


def _above_identity(partner: Record, metric: str, limit: Limit, now: _Groups) -> list[str]:
    noisy = [r for r in now.of(partner.cell) if r.cell["method"]["name"] == "identity"]
    if not noisy:
        raise UsageError(
            f"{limit.where}: min_above_identity needs an ok cell of `identity` in CURRENT on "
            f"{one_line(partner.cell['dataset']['display'], 80)} · {one_line(partner.cell['regime']['display'], 80)}: "
            "add it to the methods"
        )
    gain = _gap(_mean(partner, metric), _mean(noisy[0], metric))
    if gain >= limit.value - _SLACK:
        return []
    return [f"{gain:.4g} above identity, less than {limit.value:g} ({limit.where})"]


def _stays_first(
    record: Record, partner: Record, metric: str, limit: Limit, before: _Groups, now: _Groups
) -> list[str]:
    was, _ = before.lead(record.cell, metric)
    if was > _SLACK:
        return []
    ahead, best = now.lead(partner.cell, metric)
    if ahead <= _SLACK:
        return []
    return [f"no longer first: {best} is ahead by {ahead:.4g} ({limit.where})"]


def _speed(baseline: Sequence[Record], current: Sequence[Record], rules: Sequence[Rule]) -> list[Finding]:
    """Cost cells under a speed rule: relative latency now over that of the baseline."""
    result: list[Finding] = []
    there: dict[tuple[str, str], list[Record]] = {}
    for record in current:
        if not _is_score(record):
            there.setdefault((record.cell["method"]["spec"], _setting(record)), []).append(record)
    for record in baseline:
        cell, label = record.cell, record.cell["method"]["display"]
        limit = limits(rules, cell, None).get(SPEED)
        if limit is None or _is_score(record):
            continue
        own = _latency(record)
        if own is None:
            result.append(_finding(UNCOUNTED, cell, label, SPEED, f"the baseline has no latency: {_why(record)}"))
            continue
        partners = there.get((cell["method"]["spec"], _setting(record)), [])
        if not partners:
            result.append(_finding(REGRESSION, cell, label, SPEED, f"missing: no cost cell at {_setting(record)}"))
        for partner in partners:
            theirs = _latency(partner)
            if theirs is None:
                result.append(_finding(REGRESSION, cell, label, SPEED, f"no longer measured: {_why(partner)}"))
                continue
            ratio = theirs / own
            slow = ratio > limit.value + _SLACK
            why = [f"{ratio:.3g} × the baseline's relative latency, more than {limit.value:g} ({limit.where})"]
            plain = _finding(REGRESSION if slow else OK, cell, label, SPEED, *(why if slow else ()))
            where = f"cost at {_setting(record)}"
            result.append(replace(plain, unit="×", baseline=own, current=theirs, change=ratio, dataset=where))
    return result


def _setting(record: Record) -> str:
    """Size, device and threads: from the inputs of the key, because a cell that failed holds no cost."""
    inputs, cost = record.cell["inputs"], record.cell["cost"]
    size = "×".join(map(str, inputs.get("size") or (cost["size"] if cost else ())))
    threads = inputs.get("threads", 1)
    return f"{size}, {inputs.get('device', 'cpu')}, {threads} thread{'' if threads == 1 else 's'}"


def _latency(record: Record) -> float | None:
    cost = record.cell["cost"]
    value = cost["latency_rel"] if cost is not None and record.cell["outcome"] == "ok" else None
    return value if isinstance(value, int | float) and value > 0 and math.isfinite(value) else None


def _why(record: Record) -> str:
    cost = record.cell["cost"]
    if record.cell["outcome"] != "ok" or cost is None:
        return f"{record.cell['outcome']}: {record.cell['reason']}"
    return str((cost["reasons"] or {}).get("latency_rel", "no reason is stored"))
