"""An item of `matrix`: a matrix that is to be recovered, and how it is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .operators import Floats, Operator


@dataclass(frozen=True, eq=False)
class Measured:
    """A matrix `truth` (p, q), NaN where it is not known, and the `operator` that measures it.

    `disturbance` (m,) is added to the measurements before any regime, 0 where nothing is: the moving things of a
    video. `psd`: symmetric and positive semidefinite, which a method is told. `rank` is told where it is given.
    `peak` is the largest value of pictures, which are measured from 0. `picture` (height, width): each column shows
    one of that size.
    """

    id: str
    truth: Floats
    operator: Operator
    psd: bool = False
    rank: int | None = None
    disturbance: Floats | None = None
    peak: float | None = None
    picture: tuple[int, int] | None = None

    @property
    def y(self) -> Floats:
        """What is measured before any regime, (m,)."""
        measured = self.operator.measure(self.truth)
        return measured if self.disturbance is None else measured + self.disturbance


@dataclass(frozen=True, eq=False)
class Measurements:
    """What a method is given: the `operator`, its noisy measurements `y` (m,), and whether the matrix is `psd`."""

    operator: Operator
    y: Floats
    psd: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrix that is wanted."""
        return self.operator.shape

    def __repr__(self) -> str:
        return f"Measurements({self.operator!r}{', psd' if self.psd else ''})"


def as_measured(name: str, truth: Any, operator: Operator, **more: Any) -> Measured:
    """An item of float64 arrays. Raises ValueError for what does not fit together, or is measured and not known."""
    matrix = np.ascontiguousarray(truth, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape != tuple(operator.shape) or not matrix.size:
        raise ValueError(f"a matrix {tuple(operator.shape)} is due, not {matrix.shape}")
    if operator.count < 1:
        raise ValueError("nothing is measured")
    item = Measured(name, matrix, operator, **more)
    if item.disturbance is not None and item.disturbance.shape != (operator.count,):
        raise ValueError(f"a disturbance of each of {operator.count} measurements is due, not {item.disturbance.shape}")
    if not np.isfinite(item.y).all():
        raise ValueError("a measurement is not finite")
    if item.psd and not np.array_equal(matrix, matrix.T):
        raise ValueError("a positive semidefinite matrix is symmetric, and this one is not")
    return item
