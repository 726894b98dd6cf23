"""Several attacks one after the other, each where those before failed: with and without gradients."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import numpy.typing as npt

from ...track.posed_case import Case
from .attack_search import Floats, Point, Search, Steps
from .boundary_search import Box, nearest_of_another_class

Gain = Callable[[Point], tuple[float, Floats]]
"""What an attack makes large at a point, and its gradient there."""
_Looks = Generator[Case, Any, Point]
_FIRST, _DECREASE, _LEAST = 0.22, 0.03, 0.06
"""Shares of the steps until the size of a step is looked at, by how much that grows shorter, and the least."""
_ENOUGH = 0.75
"""The share of steps that must gain something, or the size is halved."""
_MOMENTUM = 0.75
_SQUARE = 0.8
"""The share of the picture that a square has at first."""
_HALVINGS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
"""Shares of the tries after which squares have half the area."""


class EnsembleSearch(Search):
    """One picture under an ensemble of attacks, until one of them succeeds."""

    def __init__(self, case: Case, label: int, *, eps: float, norm: str, steps: int, targets: int, tries: int) -> None:
        super().__init__(case, label, eps=eps, norm=norm, steps=steps)
        self._targets, self._tries = targets, tries

    def ensemble(self, rng: np.random.Generator) -> Steps:
        """The first point of another class, or that of the least margin that was met."""
        best = yield from self._look(self._given)
        order = [int(one) for one in np.argsort(-best.logits, kind="stable") if one != self._label]
        gains: list[Gain] = [_unsure]
        if len(order) > 1:
            gains += [self._towards(target) for target in order[: self._targets]]
        for gain in gains:
            if best.margin < 0:
                break
            best = yield from self._ascend(best, self._limited(self._random(rng)), gain)
        for target in order[: self._targets]:
            if best.margin < 0:
                break
            best = yield from self._cross(best, target)
        if self._norm == "linf":
            best = yield from self._squares(best, rng)
        return best.x.astype(np.float32)

    def _towards(self, target: int) -> Gain:
        """The targeted difference of logits ratio (Croce and Hein, 2020)."""

        def gain(point: Point) -> tuple[float, Floats]:
            z, slopes = point.logits, point.gradients
            order = np.argsort(-z, kind="stable")
            lower = order[2:4]
            spread = float(z[order[0]] - z[lower].mean()) + 1e-12
            lead = float(z[target] - z[self._label])
            of_lead = slopes[target] - slopes[self._label]
            of_spread = slopes[order[0]] - slopes[lower].mean(axis=0)
            gradient: Floats = (of_lead * spread - lead * of_spread) / spread**2
            return lead / spread, gradient

        return gain

    def _ascend(self, best: Point, start: Floats, gain: Gain) -> _Looks:
        """The better of `best` and what APGD finds from `start`, whose steps are halved as they gain too little."""
        step, steps = 2 * self._eps, self._steps
        at = yield from self._look(start)
        value, slope = gain(at)
        top, top_value, top_slope, before = at, value, slope, at.x
        best = min(best, at, key=lambda point: point.margin)
        wait, waited, gained = max(1, round(_FIRST * steps)), 0, 0
        top_before, halved = value, True
        for number in range(steps):
            if best.margin < 0:
                return best
            far = self._limited(at.x + step * self._steepest(slope) - self._given)
            share = _MOMENTUM if number else 1.0
            x = self._limited(at.x + share * (far - at.x) + (1 - share) * (at.x - before) - self._given)
            before, last = at.x, value
            at = yield from self._look(x)
            value, slope = gain(at)
            best = min(best, at, key=lambda point: point.margin)
            if value > top_value:
                top, top_value, top_slope = at, value, slope
            gained, waited = gained + (value > last), waited + 1
            if waited == wait:
                halved = gained <= _ENOUGH * wait or (not halved and top_before >= top_value)
                if halved:
                    step, at, value, slope = step / 2, top, top_value, top_slope
                top_before, waited, gained = top_value, 0, 0
                wait = max(wait - max(1, round(_DECREASE * steps)), max(1, round(_LEAST * steps)))
        return best

    def _cross(self, best: Point, target: int) -> _Looks:
        """The better of `best` and the nearest point of another class that FAB finds, where it is within eps."""
        box = Box(self._norm, self._low, self._high)
        nearest = yield from nearest_of_another_class(self._look, self._given, self._label, target, box, self._steps)
        if nearest is None or box.length(nearest.x - self._given) > self._eps:
            return best
        return min(best, nearest, key=lambda point: point.margin)

    def _squares(self, best: Point, rng: np.random.Generator) -> _Looks:
        """The better of `best` and what a random search over squares finds, by margins alone (Andriushchenko, 2020)."""
        if best.margin < 0 or not self._tries:
            return best
        height, width, channels = self._given.shape
        stripes = self._eps * rng.choice([-1.0, 1.0], (1, width, channels))
        at = yield from self._look(self._limited(np.broadcast_to(stripes, self._given.shape)))
        for number in range(self._tries):
            best = min(best, at, key=lambda point: point.margin)
            if best.margin < 0:
                break
            area = _SQUARE / 2 ** sum(number >= share * self._tries for share in _HALVINGS)
            side = max(1, min(height, width, round(float(np.sqrt(area * height * width)))))
            row, column = (int(rng.integers(0, length - side + 1)) for length in (height, width))
            change = at.x - self._given
            change[row : row + side, column : column + side] = self._eps * rng.choice([-1.0, 1.0], channels)
            tried = yield from self._look(self._limited(change))
            at = min(at, tried, key=lambda point: point.margin)
        return min(best, at, key=lambda point: point.margin)


def _unsure(point: Point) -> tuple[float, npt.NDArray[np.float64]]:
    """Minus the log odds of the label, which grow as the cross-entropy does, and their gradient."""
    return point.unsure, point.slope
