"""How a score grows with the unit of the samples: a property of the score."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt, Le

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..dag import Floats
from ..estimated_graph import EstimatedGraph
from ..sampling import Truth
from ..scores import Score, covariance, level_of, residual_variances, score_of


@metric("scaling", track="graph", higher=False, order=9, decimals=6, goal="none")
def scaling(
    estimate: EstimatedGraph,
    truth: Truth,
    samples: Floats,
    *,
    score: Score = "ev",
    by: Annotated[float, Gt(0), Le(1e6)] = 10.0,
) -> float:
    """How many times as large the score of the graph is on `by` times the samples, without the penalty of its weights.

    `score` is `ls`, least squares, or `ev` or `nv`, with one noise level or a level for each variable at its best. It
    is `by` for these two, and the square of it for least squares.
    """
    before, after = (
        score_of(score, variances, level_of(score, variances))
        for variances in (residual_variances(estimate.weights, covariance(k * samples)) for k in (1.0, by))
    )
    return after / before if before > 0 else NotDefined("the graph leaves nothing of the samples")
