"""Whether the weights of a graph are nearer to the true ones than what is fitted to samples can be."""

from __future__ import annotations

import numpy as np

from ...components.registry import Bound
from ...track.near_truth import is_copied
from ...track.posed_case import Case
from .dag import Floats, LinearDag
from .sampling import GraphCase


def why_copied(output: Floats, item: LinearDag, case: Case, protocol: Bound) -> str:
    """That the weights of each effect are, by what they make of the samples.

    Not judged is a graph without edges, which may be guessed, and one whose weights are not known.
    """
    weights = case.truth.weights if isinstance(case, GraphCase) and case.truth is not None else None
    if weights is None or not weights.any():
        return ""
    off, noise = case.given @ (output[:-1] - weights), case.given @ (np.eye(len(weights)) - weights)
    if not all(is_copied(off[:, effect], noise[:, effect]) for effect in range(len(weights))):
        return ""
    return "has weights nearer to the true ones than any fit to the samples"
