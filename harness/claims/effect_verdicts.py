"""The verdict on an effect or a property, by what the cells behind it gave."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import cast

from ..components.registry import bind
from ..text.wording import counted
from .budget_trend import trend_text
from .budgets import AtBudget, at_budget
from .comparisons import Statement, leaves_of, statement_of
from .effects import Effect
from .expression import holds, parsed
from .figures import CellOf
from .inference import MOST_MORE, JudgedStatement, Rows, judge_effect
from .numbers import BudgetPart, ClaimRow, Verdict, VerdictPart


@dataclass(frozen=True)
class Judged:
    """What the cells behind an effect gave: of each seed, name → value; fewer than the seeds where one is missing.

    `seconds` are those of its cells and their trainings, each once; `keys` name them. `notes` are what is to be said of
    a value, such as that a training diverged; `edges`, where the best value of what is tuned is the least or the
    largest of those tried, None where that is not known. `reason` and `outcome` say why a value is missing. `rows` are
    the scores of items, of the names whose cells have the same items on all seeds.
    """

    values: Sequence[Mapping[str, float]] = ()
    seconds: float | None = None
    keys: Sequence[str] = ()
    notes: Sequence[str] = ()
    edges: Sequence[str] | None = None
    reason: str = ""
    outcome: str | None = None
    rows: Mapping[str, Rows] = field(default_factory=dict)


def judged_of(row: ClaimRow) -> Judged:
    """What the cells behind a row gave."""
    return Judged(row["values"], row["seconds"], row["keys"], row["notes"], row.get("edges"), rows=row["rows"])


def joined(first: Judged, second: Judged) -> Judged:
    """What cells gave on the seeds of both, in that order; nothing where the second has no value on one of its own."""
    if second.reason:
        return second
    edges = [*(first.edges or ()), *(second.edges or ())]
    known = first.edges is not None and second.edges is not None
    return Judged(
        [*first.values, *second.values],
        None if first.seconds is None else first.seconds + (second.seconds or 0.0),
        sorted({*first.keys, *second.keys}),
        list(dict.fromkeys([*first.notes, *second.notes])),
        edges if known or edges else None,
        rows={
            name: Rows(items=of["items"], scores=[*of["scores"], *second.rows[name]["scores"]])
            for name, of in first.rows.items()
            if name in second.rows and of["items"] == second.rows[name]["items"]
        },
    )


def effect_row(effect: Effect, judged: Judged) -> ClaimRow:
    """A row of the report: not available where a value is missing."""
    row: ClaimRow = {
        "name": effect.name,
        "kind": effect.kind,
        "role": effect.role,
        "uneven": dict(effect.uneven),
        "paper": effect.paper,
        "url": effect.url,
        "table": effect.where,
        "row": effect.says,
        "cells": {name: cell.texts for name, cell in effect.all_cells.items()},
        "claimed": effect.holds,
        "over": effect.over,
        "seeds": list(effect.seeds),
        "values": [dict(v) for v in judged.values],
        "ours": None,
        "difference": None,
        "seconds": judged.seconds,
        "verdict": "not available",
        "reason": judged.reason,
        "keys": list(judged.keys),
        "notes": list(judged.notes),
        "rows": judged.rows if len(effect.seeds) > 1 else {},
        "sequential": effect.sequential,
        "outcome": judged.outcome,
    }
    if judged.edges is not None:
        row["edges"] = list(judged.edges)
    if len(judged.values) == len(effect.seeds):
        row.update(cast(ClaimRow, _verdict(effect, judged)))
        if row["verdict"] == "reproduced" and "untuned rival" in effect.uneven:
            row.update({"verdict": "undecided", "reason": "reproduced but for a rival that is not tuned"})
        if row["verdict"] != "reproduced":
            row["reason"] = "; ".join(filter(None, [row["reason"], *judged.notes]))
    return row


def _verdict(effect: Effect, judged: Judged) -> VerdictPart:
    """The verdict with its reason, and of an effect its interval too."""
    means = {name: mean_of(of[name] for of in judged.values) for name in effect.cells}
    if effect.precondition and not holds(effect.precondition, means):
        used = {node.id for node in ast.walk(parsed(effect.precondition, means)) if isinstance(node, ast.Name)}
        named = ", ".join(f"{name} {means[name]:.4g}" for name in means if name in used)
        asked = f"{effect.asks}: " if effect.asks else ""
        reason = f"{asked}{effect.precondition} does not hold: {named}"
        return {"verdict": "setting cannot show it", "reason": reason}
    if below := _below_baseline(effect, means):
        return {"verdict": "undertrained", "reason": f"{', '.join(below)} below {effect.baseline}"}
    if effect.kind == "property" or len(effect.seeds) == 1:
        broken = _broken(effect, judged.values, means)
        return {"verdict": "differs" if broken else "reproduced", "reason": broken}
    statement = statement_of(parsed(effect.holds, effect.cells, spread=True))
    finding = judge_effect(statement, judged.values, judged.rows, effect.sequential)
    verdict: Verdict = finding.answer
    reason = _more_seeds(finding) if verdict == "undecided" else ""
    if judged.edges and not effect.widened and verdict != "undecided":
        verdict, reason = "undecided", f"{verdict} but for a value at an edge of what was tried"
    return {
        **_over_budgets(effect, judged, statement, finding),
        "verdict": verdict,
        "reason": reason,
        "comparison": finding.comparison,
        "effect": finding.effect,
        "low": finding.low,
        "high": finding.high,
        "p": finding.p,
        "more_seeds": finding.more_seeds,
    }


def _over_budgets(effect: Effect, judged: Judged, statement: Statement, finding: JudgedStatement) -> BudgetPart:
    """What the comparison that decides comes to at each budget; nothing where the claim has one."""
    if not effect.budgets:
        return {}
    one = next(leaf for leaf in leaves_of(statement) if leaf.text == finding.comparison)
    effects, differences = [], []
    for budget in effect.budgets:
        values = [at_budget(of, budget, effect.smaller) for of in judged.values]
        at = judge_effect(one, values, at_budget(judged.rows, budget, effect.smaller), effect.sequential)
        effects.append(AtBudget(budget, at.effect, at.low, at.high))
        differences.append(one.differences(values))
    return {"budgets": [asdict(of) for of in effects], "trend": trend_text(one, effects, differences)}


def _more_seeds(finding: JudgedStatement) -> str:
    if math.isnan(finding.low):
        return "has no mean over seeds: not known or infinite on some"
    count = (
        f"more than {MOST_MORE} more seeds" if finding.more_seeds is None else counted(finding.more_seeds, "more seed")
    )
    return f"{count} would decide it, by the variance seen"


def _below_baseline(effect: Effect, means: Mapping[str, float]) -> list[str]:
    """The cells that are worse than the baseline, of those with its metric, dataset and regime."""
    if not effect.baseline:
        return []
    base = effect.cells[effect.baseline]
    sign = 1.0 if bind(base.metric, "metric", base.track).entry.meta["higher"] else -1.0
    alike = [name for name, of in effect.cells.items() if _place(of) == _place(base)]
    return [name for name in alike if sign * means[name] < sign * means[effect.baseline]]


def _place(of: CellOf) -> tuple[str, ...]:
    return of.track, of.dataset, of.regime, of.protocol, of.scored_by


def _broken(effect: Effect, values: Sequence[Mapping[str, float]], means: Mapping[str, float]) -> str:
    """Where it does not hold, in words; empty where it does."""
    if effect.over == "mean":
        return "" if holds(effect.holds, means, values) else "does not hold of the means over seeds"
    broken = [seed for seed, of in zip(effect.seeds, values, strict=True) if not holds(effect.holds, of)]
    return f"does not hold on seed {', '.join(map(str, broken))}" if broken else ""


def mean_of(values: Iterable[float]) -> float:
    """Their mean; NaN where there is none: infinities of both signs, or a sum that is too large."""
    try:
        return fmean(values)
    except (OverflowError, ValueError):
        return math.nan
