"""Acyclic weights by following a path: less and less of a score, against a barrier that grows near a cycle.

Bello et al. 2022 (DAGMA); the stages, their restarts and the steps back are those of Saboksayr et al. 2024 (CoLiDE).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.tracks.graph import Score, level_of, score_of

BARRIERS = (1.0, 0.9, 0.8, 0.7)
"""s of −log det(s I − W∘W) + d log s, stage by stage; the weight of the score is a tenth of that before."""
CHECK, TOLERANCE = 1000, 1e-6
"""Steps between two looks at the objective, and the relative change at which a stage ends."""
FIRST, SECOND = 0.99, 0.999
"""Adam's means of gradients and of their squares."""
OUTSIDE = -1e-6
"""The inverse of s I − W∘W has no entry below 0 where the barrier is finite."""
LEAST = 1e-6
"""No level of noise is below this share of the smallest standard deviation of a variable."""


@dataclass(frozen=True)
class PathSchedule:
    """How long and how fast: the penalty `lam` of |W|, Adam's `rate`, steps of the first stages and of the last one."""

    lam: float
    rate: float
    warm: int
    last: int


@dataclass(frozen=True)
class _PathProgress:
    """Reports the progress of the whole path, from a step within a stage."""

    tell: Callable[[int, int], None]
    before: int
    of: int

    def __call__(self, step: int) -> None:
        self.tell(self.before + step, self.of)


def follow_path(samples: Any, score: Score, course: PathSchedule, tell: Callable[[int, int], None]) -> tuple[Any, Any]:
    """Samples (N, d) → weights (d, d) and noise levels (d,), float64.

    Raises `Skip` for a variable of one value.
    """
    centred = samples - samples.mean(axis=0)
    cov = centred.T @ centred / len(centred)
    deviations = np.sqrt(np.diagonal(cov))
    if deviations.min() <= 0:
        raise nb.Skip(f"variable {int(np.argmin(deviations))} has one value alone")
    levels = {"ev": np.full_like(deviations, deviations.min()), "nv": deviations, "ls": np.ones_like(deviations)}[score]
    weights, mu, done = np.zeros_like(cov), 1.0, 0
    of = (len(BARRIERS) - 1) * course.warm + course.last
    for stage, barrier in enumerate(BARRIERS):
        most = course.last if stage == len(BARRIERS) - 1 else course.warm
        progress = _PathProgress(tell, done, of)
        rate, end = course.rate, None
        while end is None:
            end = _stage(weights, levels, cov, score, course.lam, mu, barrier, rate, most, progress)
            # Outside of the barrier's domain: once more, slower and with more room.
            rate, barrier = rate / 2, barrier + 0.1
        weights, levels = end
        mu, done = mu / 10, done + most
    return weights, levels


def _stage(
    weights: Any, levels: Any, cov: Any, score: Score, lam: float, mu: float, barrier: float, rate: float, most: int,
    tell: Callable[[int], None],
) -> tuple[Any, Any] | None:  # fmt: skip
    """Adam on mu (score + lam |W|) + barrier, the levels at their best after each step; None outside of the domain."""
    from scipy.linalg.lapack import dgetrf, dgetri

    size = len(cov)
    eye, w, levels = np.eye(size), weights.copy(), levels.copy()
    room = barrier * eye
    least = LEAST * float(np.sqrt(np.diagonal(cov).min()))
    mean, square, step = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    i_minus_w = eye - w
    rest = cov @ i_minus_w
    gradient, spare = np.empty_like(w), np.empty_like(w)

    def inverse() -> Any:
        """(s I − W∘W)⁻ᵀ: LAPACK takes rows for columns."""
        np.multiply(w, w, out=spare)
        lu, pivots, _ = dgetrf(np.subtract(room, spare).T, overwrite_a=True)
        inverted, singular = dgetri(lu, pivots, overwrite_lu=True)
        return inverted if singular == 0 else np.full_like(w, -np.inf)

    def look() -> tuple[Any, Any]:
        np.subtract(eye, w, out=i_minus_w)
        np.matmul(cov, i_minus_w, out=rest)
        variances = np.einsum("ij,ij->j", i_minus_w, rest)
        return variances, np.maximum(level_of(score, np.maximum(variances, 0)), least)

    before = 1e16
    for t in range(1, most + 1):
        back = inverse()
        while back.min() < OUTSIDE:
            if t == 1 or barrier <= 0.9:
                return None
            w += rate * step
            rate /= 2
            if rate <= 1e-16:
                return w, levels
            w -= rate * step
            _, levels = look()
            back = inverse()
        # mu (lam sign(W) − C (I − W) / levels) + 2 W ∘ (s I − W∘W)⁻ᵀ
        np.sign(w, out=gradient)
        gradient *= mu * lam
        np.divide(rest, levels / mu, out=spare)
        gradient -= spare
        np.multiply(w, back, out=spare)
        spare *= 2
        gradient += spare
        mean *= FIRST
        np.multiply(gradient, 1 - FIRST, out=spare)
        mean += spare
        square *= SECOND
        np.multiply(gradient, gradient, out=spare)
        spare *= 1 - SECOND
        square += spare
        np.sqrt(square, out=step)
        step /= np.sqrt(1 - SECOND**t)
        step += 1e-8
        np.divide(mean, step, out=step)
        step /= 1 - FIRST**t
        np.multiply(step, rate, out=spare)
        w -= spare
        variances, levels = look()
        if t % CHECK == 0 or t == most:
            tell(t)
            whole = mu * (score_of(score, np.maximum(variances, 0), levels) + lam * float(np.abs(w).sum()))
            whole += size * np.log(barrier) - float(np.linalg.slogdet(room - w * w)[1])
            if abs((before - whole) / before) <= TOLERANCE:
                break
            before = whole
    return w, levels
