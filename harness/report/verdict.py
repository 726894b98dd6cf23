"""What `check` found, for people and machines: lines, Markdown for a job summary, JUnit XML, plain values."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import numpy.typing as npt

from ..gate.verdict import INCOMPARABLE, OK, RATIO, REGRESSION, UNCOUNTED, UNDECIDED, Findings, GateFinding, Verdict
from ..text.errors import one_line
from ..text.json_values import plain
from ..text.notation import Notation, notation_of
from ..text.wording import by_number, counted
from .escape import markdown
from .tables import TextTable, to_markdown

MOST = 20
"""Findings of a kind that the terminal lists, where there are many; XML and JSON hold all."""
_ASKED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
MOST_WRITTEN = 200
"""The same of the Markdown: a job summary has an end."""
_TITLES = {REGRESSION: "Regressions", UNDECIDED: "Undecided", INCOMPARABLE: "Not comparable", UNCOUNTED: "Not counted"}


def notation_in(findings: Sequence[GateFinding]) -> Notation:
    """How the scores of findings of one metric are written."""
    scores = [score for f in findings for score in (f.baseline, f.current)]
    return notation_of(scores, min((f.decimals for f in findings), default=4))


def exact(value: float | None, finding: GateFinding, notation: Notation) -> str:
    """A score of a finding with the digits that a gate needs: more than on a board, and 4 decimals at least."""
    if value is None:
        return "–"
    if finding.unit == RATIO:
        return f"{value:.4g}"
    return notation.text(value, max(1, 4 - finding.decimals))


def change_text(finding: GateFinding, notation: Notation) -> str:
    """The change with its sign, or the ratio of a speed."""
    if finding.change is None:
        return "–"
    if finding.unit == RATIO:
        return f"{finding.change:.3g}{RATIO}"
    return _signed(finding.change, finding, notation)


def _signed(value: float, finding: GateFinding, notation: Notation) -> str:
    text = exact(value, finding, notation)
    return f"+{text}" if value > 0 else text


def finding_line(finding: GateFinding) -> str:
    """One line of a terminal."""
    name = f"{finding.place} · {finding.metric}" if finding.metric else finding.place
    if finding.measured:
        notation = notation_in([finding])
        before, after = exact(finding.baseline, finding, notation), exact(finding.current, finding, notation)
        name += f": {before} → {after} ({change_text(finding, notation)})"
        if finding.status == REGRESSION and finding.worst_item:
            name += f", worst {finding.item} {worst_text(finding, notation)}"
    return one_line(f"{name}: {finding.reason}" if finding.reasons else name, 1_000)


def worst_text(finding: GateFinding, notation: Notation) -> str:
    """The item that lost most, with its change."""
    if not finding.worst_item or finding.worst is None:
        return "–"
    change = _signed(-finding.worst if finding.higher else finding.worst, finding, notation)
    return f"{finding.worst_item} ({change})"


def verdict_lines(verdict: Verdict) -> list[str]:
    """What the terminal shows: regressions, then what was not compared and why, then the summary."""
    out: list[str] = []
    for status in (REGRESSION, UNDECIDED, INCOMPARABLE, UNCOUNTED):
        groups, hidden = worst(verdict.having(status), MOST)
        out += [f"{status.upper()}  {_line_of(group)}" for group in groups]
        if hidden:
            more = counted(hidden, "more regression") if status == REGRESSION else f"{hidden:,} more {status}"
            out.append(f"… and {more}; --json or --to DIR has all")
    fine = verdict.having(OK)
    moved = fine.where(~fine.columns.speed & (fine.columns.change != 0))
    gains = largest(moved, np.abs(moved.columns.change), 5)
    out += [f"changed, within the rules  {finding_line(f)}" for f in gains]
    if verdict.new:
        out.append(one_line(f"not in the baseline: {counted(len(verdict.new), 'cell')}, such as {verdict.new[0]}"))
    out += environment_lines(verdict.environments)
    return [*out, verdict.summary]


def worst(findings: Findings, most: int) -> tuple[list[list[GateFinding]], int]:
    """All findings, each a group; of more than `most` the worst, and how many are hidden.

    Where there are many, those that have no number and one reason are one group and come first, then the largest
    losses.
    """
    if len(findings) <= most:
        return [[f] for f in findings], 0
    alike: dict[str, list[GateFinding]] = {}
    for f in findings.where(~findings.columns.measured):
        alike.setdefault(f.reason, []).append(f)
    measured = findings.where(findings.columns.measured)
    numbers = largest(measured, measured.columns.share, most)
    groups = [*sorted(alike.values(), key=lambda group: -len(group)), *([f] for f in numbers)][:most]
    return groups, len(findings) - sum(map(len, groups))


def largest(findings: Findings, sizes: npt.NDArray[np.float64], most: int) -> list[GateFinding]:
    """The `most` of the largest `sizes`, those of one size by place and metric; a size that is no number is the
    largest. Only those that may be among them are made."""
    sizes = np.where(np.isnan(sizes), np.inf, sizes)
    least = np.partition(sizes, -most)[-most] if len(sizes) > most else -np.inf
    chosen = np.flatnonzero(sizes >= least)
    near = [(-size, by_number(f.place), f.metric, n, f)
            for n, (f, size) in enumerate(zip(findings.take(chosen), sizes[chosen].tolist(), strict=True))]  # fmt: skip
    return [f for *_, f in sorted(near, key=lambda one: one[:4])[:most]]


def _line_of(group: Sequence[GateFinding]) -> str:
    first = group[0]
    if len(group) == 1:
        return finding_line(first)
    return one_line(f"{first.place} and {counted(len(group) - 1, 'more cell')}: {first.reason}", 1_000)


def environment_lines(differences: Sequence[tuple[str, tuple[str, ...], tuple[str, ...]]]) -> list[str]:
    """One line for each part of the environment that differs."""
    return [
        one_line(f"environment differs: {name} {' or '.join(a) or 'absent'} → {' or '.join(b) or 'absent'}")
        for name, a, b in differences
    ]


def _table(findings: Sequence[GateFinding]) -> TextTable:
    by_metric: dict[str, list[GateFinding]] = defaultdict(list)
    for f in findings:
        by_metric[f.metric].append(f)
    notations = {metric: notation_in(those) for metric, those in by_metric.items()}
    return TextTable(
        ("method", "dataset", "regime", "protocol", "seed", "metric", "items", "baseline", "current", "change",
         "worst item", "result"),
        (False, False, False, False, True, False, True, True, True, True, False, False),
        tuple(
            (
                f.method, f.dataset, f.regime, f.protocol, "" if f.seed is None else str(f.seed), f.metric or "–",
                str(f.items) if f.items else "–", exact(f.baseline, f, notations[f.metric]),
                exact(f.current, f, notations[f.metric]), change_text(f, notations[f.metric]),
                worst_text(f, notations[f.metric]),
                f"{f.status}: {f.reason}" if f.reasons else f.status,
            )
            for f in findings
        ),
    )  # fmt: skip


def _cut_table(findings: Findings) -> list[str]:
    shown = [group[0] for group in worst(findings, MOST_WRITTEN)[0]]
    hidden = len(findings) - len(shown)
    more = [f"… and {hidden:,} more: check.xml has all.", ""] if hidden else []
    return [*to_markdown(_table(shown)), "", *more]


def verdict_markdown(verdict: Verdict) -> str:
    """A job summary: the summary, regressions first, the rest folded away."""
    sign = {0: "✅", 1: "❌", 3: "⚠️"}[verdict.exit_code]
    out = [f"# {sign} noisebench check", "", markdown(verdict.summary), ""]
    for status, title in _TITLES.items():
        if verdict.having(status):
            out += [f"## {title}", "", *_cut_table(verdict.having(status))]
    if verdict.having(OK):
        fine = verdict.having(OK)
        out += ["<details>", f"<summary>{len(fine):,} within the rules</summary>", ""]
        out += [*_cut_table(fine), "</details>", ""]
    out += [f"- {markdown(line)}" for line in environment_lines(verdict.environments)]
    if verdict.new:
        out += [f"- not in the baseline: {markdown(', '.join(verdict.new[:10]))}"]
    return "\n".join([*out, ""])


def verdict_junit(verdict: Verdict) -> str:
    """JUnit XML: a test case a finding; what was not compared is skipped, and nothing compared is an error.

    What is undecided or not comparable is skipped too, or a failure where the verdict is strict.
    The time of a test case is what its cell took in CURRENT, 0 where nothing ran; the total counts each cell once.
    """
    failed, empty = 0, verdict.exit_code == 3
    cases: list[str] = []
    seconds: dict[str, float] = {}
    for f in verdict.findings:
        seconds[f.place] = f.seconds or 0.0
        name = f"{f.dataset} · {f.regime} · {f.protocol} · {f.seed} · {f.metric or 'cell'}"
        case = f"  <testcase classname={_attribute(f.method)} name={_attribute(name)}"
        case += f' time="{_seconds(f.seconds)}"'
        if verdict.is_red(f):
            failed += 1
            text, why = escape(finding_line(f)), f.reason if f.status == REGRESSION else f"{f.status}: {f.reason}"
            cases += [f"{case}>", f"   <failure message={_attribute(why)}>{text}</failure>", "  </testcase>"]
        elif f.status == OK:
            cases.append(f"{case}/>")
        else:
            cases += [f"{case}>", f"   <skipped message={_attribute(f'{f.status}: {f.reason}')}/>", "  </testcase>"]
    skipped = len(verdict.findings) - failed - len(verdict.having(OK))
    counts = f'tests="{len(verdict.findings) + empty}" failures="{failed}" errors="{int(empty)}" skipped="{skipped}"'
    counts += f' time="{_seconds(math.fsum(seconds.values()))}"'
    asked = _ASKED.match(verdict.asked)
    stamp = f' timestamp="{asked[0]}"' if asked else ""
    out = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="noisebench check" {counts}>']
    out += [f' <testsuite name="noisebench check" {counts}{stamp}>', *cases]
    if empty:
        out += ['  <testcase classname="noisebench" name="something was compared" time="0.000">']
        out += [f"   <error message={_attribute(verdict.summary)}/>", "  </testcase>"]
    return "\n".join([*out, " </testsuite>", "</testsuites>", ""])


def _seconds(value: float | None) -> str:
    return f"{max(0.0, value or 0.0):.3f}"


def _attribute(text: str) -> str:
    return quoteattr(one_line(text, 1_000))


def _finding_values(f: GateFinding) -> dict[str, Any]:
    return {
        "status": f.status, "method": f.method, "dataset": f.dataset, "regime": f.regime, "protocol": f.protocol,
        "seed": f.seed, "metric": f.metric, "reasons": f.reasons, "unit": f.unit, "decimals": f.decimals,
        "items": f.items, "baseline": f.baseline, "current": f.current, "change": f.change, "worst": f.worst,
        "worst_item": f.worst_item, "seconds": f.seconds,
    }  # fmt: skip


def verdict_values(verdict: Verdict) -> dict[str, Any]:
    """Everything, for JSON; infinite numbers are text."""
    document = {
        "exit_code": verdict.exit_code,
        "summary": verdict.summary,
        "compared": verdict.compared,
        "regressions": len(verdict.having(REGRESSION)),
        "undecided": len(verdict.having(UNDECIDED)),
        "not_comparable": len(verdict.having(INCOMPARABLE)),
        "not_counted": len(verdict.having(UNCOUNTED)),
        "findings": [_finding_values(f) for f in verdict.findings],
        "environment": [{"name": n, "baseline": list(a), "current": list(b)} for n, a, b in verdict.environments],
        "not_in_baseline": list(verdict.new),
    }
    return {name: plain(value) for name, value in document.items()}
