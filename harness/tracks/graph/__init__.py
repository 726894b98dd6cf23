"""Track `graph`: samples of a linear causal graph in, its weighted edges out. Below: what its components need."""

from .dag import LinearDag, measured_dag, nonlinear_dag, weighted_dag
from .edges import is_acyclic, topological_order
from .mechanisms import Mechanism
from .scores import Score, covariance, level_of, residual_variances, score_of

__all__ = [
    "LinearDag",
    "Mechanism",
    "Score",
    "covariance",
    "is_acyclic",
    "level_of",
    "measured_dag",
    "nonlinear_dag",
    "residual_variances",
    "score_of",
    "topological_order",
    "weighted_dag",
]
