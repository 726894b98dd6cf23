"""An item of `functions`: where a function is sampled, where its values are wanted, and what they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """A function on points: `x` (N, d) with values `y` (N,), and held-out points `at` (M, d) with `truth` (M,)."""

    id: str
    x: Floats
    y: Floats
    at: Floats
    truth: Floats


@dataclass(frozen=True)
class SampledPoints:
    """What a method is given: points `x` (N, d) with noisy values `y` (N,), and points `at` (M, d) to be valued."""

    x: Floats
    y: Floats
    at: Floats


def as_target(name: str, x: Any, y: Any, at: Any, truth: Any) -> Target:
    """A target of float64 arrays; points (N,) are points (N, 1). Raises ValueError for shapes that do not fit."""
    arrays = [np.ascontiguousarray(a, dtype=np.float64) for a in (x, y, at, truth)]
    points, values, wanted, truths = (a[:, None] if a.ndim == 1 and i % 2 == 0 else a for i, a in enumerate(arrays))
    same = points.ndim == wanted.ndim == 2 and points.shape[1] == wanted.shape[1]
    if not same or values.shape != points.shape[:1] or truths.shape != wanted.shape[:1] or not len(truths):
        shapes = ", ".join(str(a.shape) for a in arrays)
        raise ValueError(f"points (N, d), values (N,), points (M, d), values (M,) are due, not {shapes}")
    if not all(np.isfinite(a).all() for a in arrays):
        raise ValueError("a point or a value is not finite")
    return Target(name, points, values, wanted, truths)
