"""What seeds and items say of an effect: its interval, whether that decides a statement, and how many seeds would."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from typing_extensions import TypedDict

from ..statistics.crossed_ranking import crossed_parts
from ..statistics.paired_tests import MIN_ITEMS
from .comparisons import CompoundStatement, Inequality, Statement
from .expression import Values

Floats = npt.NDArray[np.float64]
Answer = Literal["reproduced", "differs", "undecided"]

SIDE = 0.025
"""How often a verdict is wrong on either side, at most."""
MOST_MORE = 100
"""Seeds that are planned ahead, at most."""
_ORDER: Mapping[Answer, int] = {"differs": -1, "undecided": 0, "reproduced": 1}
_PRIOR = 4.0
"""Variance of the effect that the sequential rule is best for, in variances of a seed."""


class Rows(TypedDict):
    """The scores of a cell, of each seed those of each item; cells with equal `items`, a hash of them, are paired."""

    items: str
    scores: list[list[float]]


@dataclass(frozen=True)
class SampledDifference:
    """A difference as it was seen: its mean, and the variance of one seed and of all items, with what these rest on.

    `items` is 0 where seeds alone were seen. `residual` is the part of the variance that has both.
    """

    mean: float
    by_seed: float
    by_item: float = 0.0
    residual: float = 0.0
    items: int = 0

    def errors(self, seeds: int) -> list[tuple[float, float]]:
        """Standard errors of the mean on so many seeds with their degrees of freedom: of seeds alone, and of items too.

        The degrees of the second are Satterthwaite's. These are too many where the variance of few seeds looks small by
        chance, so that the wider interval of both is taken.
        """
        of_seeds = self.by_seed / seeds
        errors = [(math.sqrt(of_seeds), seeds - 1.0)]
        if self.by_item:
            rest = self.residual / seeds
            parts = of_seeds**2 / (seeds - 1) + (self.by_item + rest) ** 2 / (self.items - 1)
            parts += rest**2 / ((seeds - 1) * (self.items - 1))
            variance = of_seeds + self.by_item
            errors.append((math.sqrt(variance), variance**2 / parts))
        return errors


@dataclass(frozen=True)
class JudgedStatement:
    """What a statement comes to, by the comparison that decides it: the difference, its interval, and a two-sided p.

    `p` is that of no effect on the claimed side, 0 where nothing varies over the seeds.
    """

    answer: Answer
    comparison: str
    effect: float
    low: float
    high: float
    p: float
    towards: float
    """The difference in standard errors; positive on the claimed side."""
    more_seeds: int | None = 0
    """How many more seeds would decide it; None where that is more than are planned ahead."""


def judge_effect(
    statement: Statement, values: Sequence[Values], rows: Mapping[str, Rows], sequential: bool = False
) -> JudgedStatement:
    """Judge a statement on the values of each seed, and on `rows` of the cells that have some.

    `sequential`: by bounds that hold at each number of seeds at once, so that seeds may be added until they decide.
    """
    samples = _samples(statement, values, rows)
    count = len(values)

    def at(seeds: int) -> JudgedStatement:
        return _judge(statement, samples, seeds, sequential, SIDE, SIDE)

    now = at(count)
    if now.answer != "undecided" or math.isnan(now.low):
        return now
    too_few, enough = count, count + MOST_MORE + 1
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (middle, enough) if at(middle).answer == "undecided" else (too_few, middle)
    more = enough - count if enough <= count + MOST_MORE else None
    return replace(now, more_seeds=more)


def sample_of(differences: Floats) -> SampledDifference:
    """What a table of differences (seeds, items), or of one value a seed (seeds, 1), says of their mean.

    Seeds and items are taken as drawn at random and crossed: an analysis of variance without replication, as in studies
    of several readers of the same cases (Dorfman, Berbaum and Metz, 1992; Hillis, 2007).
    """
    seeds, items = differences.shape
    mean = float(differences.mean())
    by_seed, by_item = differences.mean(axis=1), differences.mean(axis=0)
    if items == 1:
        return SampledDifference(mean, float(by_seed.var(ddof=1)))
    _, rest = crossed_parts(differences)
    residual = float((rest**2).sum()) / ((seeds - 1) * (items - 1)) / items
    of_seed, of_item = float(by_seed.var(ddof=1)), float(by_item.var(ddof=1)) / items
    return SampledDifference(mean, max(of_seed, residual), max(of_item - residual / seeds, 0.0), residual, items)


def sequential_bound(seeds: int, alpha: float) -> float:
    """How many standard errors a mean of normal values is off at any number of seeds, with the probability `alpha`.

    The t test of a normal prior on the effect in standard deviations: an anytime-valid confidence sequence by Ville's
    inequality (Lai, 1976; Wang and Ramdas, Sequential Analysis 43, 2024). Infinite for few seeds.
    """
    more = 1.0 + _PRIOR * seeds
    bayes_factor = (math.sqrt(more) / alpha) ** (2.0 / seeds)
    return (
        math.sqrt((seeds - 1) * (bayes_factor - 1.0) / (1.0 - bayes_factor / more)) if bayes_factor < more else math.inf
    )


def _in_errors(mean: float, error: float) -> float:
    """A mean in standard errors; infinite on its side where seeds differ in nothing."""
    return mean / error if error else math.copysign(math.inf, mean) if mean else 0.0


def _sequential_p(seeds: int, t: float) -> float:
    more = 1.0 + _PRIOR * seeds
    square = t * t / (seeds - 1)
    if math.isinf(square):
        return min(1.0, math.sqrt(more) * math.pow(more, -seeds / 2.0))
    return min(1.0, math.sqrt(more) * math.pow((1.0 + square / more) / (1.0 + square), seeds / 2.0))


def _samples(
    statement: Statement, values: Sequence[Values], rows: Mapping[str, Rows]
) -> dict[Inequality, SampledDifference | list[float]]:
    """The sample of each comparison; its differences where they are all alike, or not all finite."""
    if isinstance(statement, CompoundStatement):
        return {one: of for part in statement.parts for one, of in _samples(part, values, rows).items()}
    differences = statement.differences(values)
    if len(set(map(repr, differences))) == 1 or not all(map(math.isfinite, differences)):
        return {statement: differences}
    return {statement: sample_of(_with_items(statement, np.array(differences), values, rows))}


def _with_items(one: Inequality, differences: Floats, values: Sequence[Values], rows: Mapping[str, Rows]) -> Floats:
    """The differences by seed and item, where all cells that have items have the same, and enough; else (seeds, 1)."""
    paired = {name: rows[name] for name in one.names if name in rows}
    table = differences[:, None]
    if len({of["items"] for of in paired.values()}) != 1 or len(next(iter(paired.values()))["scores"][0]) < MIN_ITEMS:
        return table
    means = {name: math.fsum(of[name] for of in values) / len(values) for name in values[0]}
    for name, of in paired.items():
        scores = np.array(of["scores"])
        # Of a difference that is no sum of its cells, what an item adds is taken as linear about the means.
        step = 1e-4 * (abs(means[name]) or 1.0)
        ends = [one.difference({**means, name: means[name] + sign * step}, values) for sign in (1, -1)]
        table = table + (ends[0] - ends[1]) / (2.0 * step) * (scores - scores.mean(axis=1, keepdims=True))
    return table if np.isfinite(table).all() else differences[:, None]


def _judge(
    statement: Statement,
    samples: Mapping[Inequality, SampledDifference | list[float]],
    seeds: int,
    sequential: bool,
    for_it: float,
    against: float,
) -> JudgedStatement:
    """Judge as if the samples were of so many seeds; `for_it` and `against` are how often either side may be wrong.

    Where all must hold, each has the whole probability to be taken for one that does, and a share of it to be taken for
    one that does not (Bonferroni). Where one is enough it is the other way around.
    """
    if isinstance(statement, Inequality):
        of = samples[statement]
        if not isinstance(of, SampledDifference):
            return _without_spread(statement, of)
        return judge_sample(statement, of, seeds, sequential, for_it, against)
    findings = []
    for part in statement.parts:
        share = part.leaves / statement.leaves
        sides = (for_it, against * share) if statement.every else (for_it * share, against)
        finding = _judge(part, samples, seeds, sequential, *sides)
        findings.append(finding if statement.every else replace(finding, p=min(1.0, finding.p / share)))
    deciding = (min if statement.every else max)(findings, key=lambda one: (_ORDER[one.answer], one.towards))
    return replace(deciding, p=(max if statement.every else min)(one.p for one in findings))


def _without_spread(one: Inequality, differences: Sequence[float]) -> JudgedStatement:
    """By the sign where all seeds have one value; a mean is not known where some are infinite, or have none."""
    value = differences[0]
    if len(set(map(repr, differences))) > 1:
        return JudgedStatement("undecided", one.text, math.nan, math.nan, math.nan, 1.0, 0.0, None)
    answer: Answer = "reproduced" if one.holds(value) else "differs"
    return JudgedStatement(answer, one.text, value, value, value, float(answer == "differs"), math.inf * _ORDER[answer])


def judge_sample(
    one: Inequality,
    of: SampledDifference,
    seeds: int,
    sequential: bool = False,
    for_it: float = SIDE,
    against: float = SIDE,
) -> JudgedStatement:
    """Judge a comparison as if its sample were of so many seeds; either side may be wrong so often."""
    from scipy.special import stdtr, stdtrit

    errors = of.errors(seeds)
    towards = of.mean if one.greater else -of.mean

    def bound(alpha: float) -> float:
        wider = max(error * float(stdtrit(degrees, 1.0 - alpha)) for error, degrees in errors)
        # Items are no more than they were: what more looks cost is that of seeds alone.
        usual = float(stdtrit(seeds - 1.0, 1.0 - alpha))
        return wider * sequential_bound(seeds, 2.0 * alpha) / usual if sequential else wider

    below, above = bound(for_it), bound(against)
    answer: Answer = "reproduced" if towards > below else "differs" if towards < -above else "undecided"
    low, high = (below, above) if one.greater else (above, below)
    p = 1.0
    if towards > 0 and sequential:
        usual = float(stdtrit(seeds - 1.0, 1.0 - SIDE))
        alike = (error * float(stdtrit(degrees, 1.0 - SIDE)) / usual for error, degrees in errors)
        p = max(_sequential_p(seeds, _in_errors(towards, error)) for error in alike)
    elif towards > 0:
        p = max(2.0 * float(stdtr(degrees, -_in_errors(towards, error))) for error, degrees in errors)
    return JudgedStatement(
        answer, one.text, of.mean, of.mean - low, of.mean + high, p, _in_errors(towards, errors[-1][0])
    )
