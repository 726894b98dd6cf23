"""How a method is called: samples in, weights of edges out, and noise levels where it gives them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...components.calls import kind_of
from ...text.errors import Invalid
from ...track.posed_case import Case
from ...track.runner import ArrayRunner, refuse_not_finite
from .dag import Floats
from .scores import covariance, residual_variances


class GraphLearner(ArrayRunner):
    """A method `f(samples, info, **params)`, or a class with `learn(samples, info)`.

    Of samples (N, d) it gives weights (d, d), or these and noise levels (d,). Both directions set: an edge without one.
    """

    verb = "learn"

    def prepare(self, given: Floats) -> Floats:
        """A private copy of the samples."""
        return given.copy()

    def accept(self, output: Any, case: Case) -> Floats:
        """Weights (d, d) and behind them the noise levels, float64 (d + 1, d).

        Levels that a method does not give are the standard deviations of what its weights leave of the samples. Raises
        `Invalid` for another shape or type, NaN or Inf, an edge from a variable to itself, and a level below 0.
        """
        size = case.wanted[1]
        both = isinstance(output, tuple) and len(output) == 2
        weights = _checked(output[0] if both else output, (size, size), "weights")
        if np.diagonal(weights).any():
            raise Invalid(f"returned an edge from variable {int(np.diagonal(weights).nonzero()[0][0])} to itself")
        if both:
            levels = _checked(output[1], (size,), "noise levels")
            if (levels < 0).any():
                raise Invalid("returned a noise level below 0")
        else:
            levels = np.sqrt(residual_variances(weights, covariance(case.given)))
        return np.vstack([weights, levels])

    def untouched(self, prepared: Floats, given: Floats) -> bool:
        """Whether the method left the samples as they were."""
        return bool((prepared == given).all())


def _checked(output: Any, shape: tuple[int, ...], name: str) -> Floats:
    if hasattr(output, "detach"):
        output = output.detach().cpu().numpy()
    if not isinstance(output, np.ndarray) or output.dtype.kind not in "bfiu":
        raise Invalid(f"returned {kind_of(output)} where {name}, an array of numbers {shape}, were due")
    if output.shape != shape:
        raise Invalid(f"returned {name} of shape {output.shape} where {shape} was due")
    values = np.ascontiguousarray(output, dtype=np.float64)
    refuse_not_finite(values)
    return values
