"""What an effect does as the budget of its trainings grows, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .budgets import AtBudget
from .comparisons import Inequality
from .inference import judge_sample, sample_of


def trend_text(comparison: Inequality, effects: Sequence[AtBudget], differences: Sequence[Sequence[float]]) -> str:
    """The effect against the budget in words: how it moves, and where it would be 0, as far as a line supports that.

    `differences` are those of each budget on each seed.

    The line is of the effect over the logarithm of the budget, one a seed; its slope must not be 0 by Student's t, and
    it must pass through the interval at each budget. It is followed no further than it was seen.
    """
    words = ", ".join(f"{one.effect:.4g} [{one.low:.4g}, {one.high:.4g}] at {one.budget} x" for one in effects)
    logs = np.log([one.budget for one in effects])
    table = np.array(differences)
    if len(effects) < 3 or table.shape[1] < 2 or not np.isfinite(table).all():
        return words
    slopes, starts = np.polyfit(logs, table, 1)
    slope, start = float(slopes.mean()), float(starts.mean())
    line = start + slope * logs
    fits = all(one.low <= at <= one.high for one, at in zip(effects, line, strict=True))
    of_slope = judge_sample(comparison, sample_of(slopes[:, None]), table.shape[1])
    if not fits or of_slope.low <= 0 <= of_slope.high:
        return f"{words}: no trend that its spread supports"
    ratio = effects[1].budget / effects[0].budget
    moves = "shrinks" if line[-1] * slope < 0 else "grows"
    words += f": it {moves} by {abs(slope) * math.log(ratio):.3g} with each {ratio:.3g} times the steps"
    zero = -start / slope
    if moves == "shrinks" and zero <= 2 * logs[-1] - logs[0]:
        words += f"; at this rate it is 0 at {math.exp(zero):.2g} x"
    return words
