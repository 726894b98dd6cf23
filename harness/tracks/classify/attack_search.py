"""The search for the picture near a given one of which a classifier errs most, by its logits and their gradients."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...text.errors import Invalid
from ...track.posed_case import Case

Floats = npt.NDArray[np.float64]


class Point(NamedTuple):
    """A picture, the margin of the label there, and the gradient of how unsure a classifier is of it.

    `logits` (K,) are what it says, `gradients` (K, H, W, C) those of each of them, and `unsure` minus the log odds.
    """

    x: Floats
    margin: float
    slope: Floats
    logits: Floats
    gradients: Floats
    unsure: float


Steps = Generator[Case, Any, npt.NDArray[np.float32]]
"""A search: it gives cases, is sent what is said of each, and returns a picture."""


class Search:
    """One picture under attack: x float64 (H, W, C), by what a classifier says of it."""

    def __init__(self, case: Case, label: int, *, eps: float, norm: str, steps: int) -> None:
        self._case, self._label = case, label
        self._eps, self._norm, self._steps = eps, norm, steps
        self._given = case.given.astype(np.float64)
        # A value beyond [0, 1], as noise leaves it, stays where it was or comes nearer.
        self._low, self._high = np.minimum(self._given, 0), np.maximum(self._given, 1)

    def fgsm(self) -> Steps:
        """One step of length eps from the given picture."""
        start = yield from self._look(self._given)
        return self._limited(self._eps * self._steepest(start.slope)).astype(np.float32)

    def pgd(self, rng: np.random.Generator, restarts: int) -> Steps:
        """The point of the least margin that was met, from the given picture and random changes of it."""
        best = yield from self._look(self._given)
        for _ in range(restarts):
            x = self._limited(self._random(rng))
            for _ in range(self._steps):
                at = yield from self._look(x)
                best = min(best, at, key=lambda point: point.margin)
                x = self._limited(at.x + 2.5 * self._eps / self._steps * self._steepest(at.slope) - self._given)
            last = yield from self._look(x)
            best = min(best, last, key=lambda point: point.margin)
        return best.x.astype(np.float32)

    def _look(self, x: Floats) -> Generator[Case, Any, Point]:
        """Have the classifier asked. Raises `Invalid` for what is no answer."""
        answer = yield replace(self._case, given=np.ascontiguousarray(x, dtype=np.float32))
        try:
            logits, gradients = (np.asarray(answer[name], dtype=np.float64) for name in ("logits", "gradients"))
        except (TypeError, KeyError, ValueError):
            raise Invalid("its process sent what are no gradients") from None
        classes = self._case.wanted[0]
        if logits.shape != (classes,) or gradients.shape != (classes, *x.shape):
            raise Invalid(f"its process sent gradients of shape {gradients.shape}, where {(classes, *x.shape)} is due")
        if not (np.isfinite(logits).all() and np.isfinite(gradients).all()):
            raise Invalid("its process sent gradients that are not finite")
        others = np.delete(logits, self._label)
        # Of log(1 - p) - log p of the label: the direction of cross-entropy, which vanishes where p is 1.
        weights = np.exp(others - others.max())
        toward = np.insert(weights / weights.sum(), self._label, -1.0)
        margin = float(logits[self._label] - others.max())
        unsure = float(others.max() + np.log(weights.sum()) - logits[self._label])
        return Point(x, margin, np.tensordot(toward, gradients, axes=1), logits, gradients, unsure)

    def _steepest(self, slope: Floats) -> Floats:
        """The direction of length 1 along which a linear function of that slope grows most; none where it is 0."""
        if self._norm == "linf":
            signs: Floats = np.sign(slope)
            return signs
        scaled: Floats = slope / max(float(np.abs(slope).max()), 1e-300)
        return scaled / max(float(np.linalg.norm(scaled)), 1e-300)

    def _limited(self, change: Floats) -> Floats:
        """The given picture with a change that is cut to eps and to the values of pictures."""
        if self._norm == "linf":
            change = np.clip(change, -self._eps, self._eps)
        else:
            change = change * min(1.0, self._eps / max(float(np.linalg.norm(change)), 1e-300))
        values: Floats = np.clip(self._given + change, self._low, self._high)
        return values

    def _random(self, rng: np.random.Generator) -> Floats:
        """A change drawn uniformly within eps."""
        if self._norm == "linf":
            return self._eps * np.asarray(rng.uniform(-1, 1, self._given.shape))
        length: float = self._eps * rng.uniform() ** (1 / self._given.size)
        return length * self._steepest(rng.standard_normal(self._given.shape))
