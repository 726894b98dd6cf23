"""The effect of a claim against the budget of its trainings, with its 95 % interval: a panel a claim."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...claims.published import JudgedClaim
from .drawing import Plot, fit, new_figure, place, plain_number, save, styled
from .looks import COLOURS, GREY
from .sheets import HOUSE

_WIDTH, _HEIGHT = HOUSE.width / 2, 1.9
"""Inches of a panel."""
_TOP, _FOOT = 0.3, 0.62


def draw_budgets(claims: Sequence[JudgedClaim]) -> Plot | None:
    """A panel for each claim that has an effect at several budgets, two side by side; None where there is none."""
    shown = [one for one in claims if len(one.budgets) > 1]
    if not shown:
        return None
    lines = math.ceil(len(shown) / 2)
    with styled():
        figure = new_figure(_WIDTH * min(len(shown), 2), _HEIGHT * lines)
        for number, one in enumerate(shown):
            x, bottom = _WIDTH * (number % 2), _HEIGHT * (lines - 1 - number // 2)
            axes = place(figure, x + 0.8, bottom + _FOOT, _WIDTH - 0.9, _HEIGHT - _FOOT - _TOP)
            _draw(axes, one)
            height = (bottom + _HEIGHT - 0.15) / (_HEIGHT * lines)
            heading = fit(one.name, _WIDTH - 0.1)
            figure.text((x + _WIDTH / 2) / figure.get_size_inches()[0], height, heading, ha="center", va="center")
        caption = "Effect against the budget of training, with its 95 % interval over seeds; at 0 the sides are equal."
        return save(figure, "budgets", caption)


def _draw(axes: Any, claim: JudgedClaim) -> None:
    """The effect at each budget, equal factors equally far apart; below each its factor and its steps."""
    xs = [math.log(one.budget) for one in claim.budgets]
    effects = [one.effect for one in claim.budgets]
    away = [[y - one.low for y, one in zip(effects, claim.budgets, strict=True)],
            [one.high - y for y, one in zip(effects, claim.budgets, strict=True)]]  # fmt: skip
    axes.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    axes.errorbar(xs, effects, away, color=COLOURS[0], marker="o", capsize=3)
    largest = claim.budgets[-1].budget
    factors = [f"{one.budget} ×" for one in claim.budgets]
    steps = [f"\n{claim.steps * one.budget // largest:,}" if claim.steps else "" for one in claim.budgets]
    axes.set_xticks(xs, [factor + count for factor, count in zip(factors, steps, strict=True)])
    axes.margins(x=0.15)
    axes.yaxis.set_major_formatter(plain_number)
    axes.set_xlabel("budget, and steps of training" if claim.steps else "budget")
    axes.set_ylabel(fit(claim.comparison, _HEIGHT - 0.3))
