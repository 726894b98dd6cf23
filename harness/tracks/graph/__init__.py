"""Track `graph`: samples of a linear causal graph in, its weighted edges out. Below: what its components need."""

from .dag import LinearDag, measured_dag, weighted_dag
from .edges import is_acyclic, topological_order
from .scores import Score, covariance, level_of, residual_variances, score_of

__all__ = [
    "LinearDag",
    "Score",
    "covariance",
    "is_acyclic",
    "level_of",
    "measured_dag",
    "residual_variances",
    "score_of",
    "topological_order",
    "weighted_dag",
]
