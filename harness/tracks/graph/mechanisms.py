"""Graphs whose variables are no weighted sums of their causes: additive-noise models.

Results of linear graphs do not hang on this file, and keys do not see it: what changes samples raises the version of
the dataset `nonlinear`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ...components.keyed_noise import keyed_generator, noise_key, text_key
from ...components.registry import Bound
from .dag import Floats, LinearDag, weighted_dag
from .edges import topological_order
from .sampling import GraphCase, Noise, Samples, Truth, _after, item_sha256, pose_graph

Mechanism = Literal["mlp", "gp"]
UNITS, COSINES = 100, 200
LEAST, LARGEST = 0.5, 2.0
"""Of the size of a weight of the network."""
_GRID = 2**20
"""Exponentials differ in the last bits from processor to processor; to the nearest 1/2^20 values do not."""


@dataclass(frozen=True)
class NonlinearDag(LinearDag):
    """A graph whose variables follow from their causes by a `mechanism`: a weight says only that there is an edge."""

    mechanism: Mechanism = "mlp"


def nonlinear_dag(name: str, weights: Any, count: int, mechanism: Mechanism) -> NonlinearDag:
    """A graph (d, d), not 0 where i has an effect on j, each variable a function of its causes of this kind.

    The functions are drawn by the weights, which say nothing else. Raises ValueError as `weighted_dag`.
    """
    linear = weighted_dag(name, weights, count)
    return NonlinearDag(name, linear.weights, linear.count, mechanism=mechanism)


def identity(item: LinearDag) -> str:
    """The hash of all that samples depend on: weights, their count, measured values, and a mechanism."""
    mechanism = f" {item.mechanism}" if isinstance(item, NonlinearDag) else ""
    return item_sha256(item) + mechanism


def pose_any(regime: Bound, item: LinearDag, seed: int, draw: int = 0) -> GraphCase:
    """Samples of a graph, as `pose_graph` makes them; a nonlinear one has the noise of the linear one of its weights.

    Raises as `pose_graph`.
    """
    linear = pose_graph(regime, item, seed, draw)
    if not isinstance(item, NonlinearDag):
        return linear
    rng = keyed_generator(noise_key(regime, seed, item_sha256(item), draw))
    noise = Noise(np.zeros((item.count, len(item.weights))), np.zeros(len(item.weights)))
    for part in regime.parts:
        if part.entry.meta["of"] == "noise":
            noise = _after(part, noise, rng)
    values = additive(noise.values, item.weights, item.mechanism, item_sha256(item))
    samples = Samples(values, Truth(item.weights != 0, None, np.sqrt(noise.variances)))
    for part in regime.parts:
        if part.entry.meta["of"] == "samples":
            samples = _after(part, samples, rng)
    given = np.ascontiguousarray(samples.values, dtype=np.float64)
    sha = hashlib.sha256(f"{given.shape}".encode() + given.astype("<f8").tobytes()).hexdigest()
    return replace(linear, given=given, input_sha256=sha, truth=samples.truth)


def additive(noise: Floats, edges: Floats, mechanism: str, key: str) -> Floats:
    """Noise E (N, d) → X = f(causes) + E, variable by variable; each has a function of its own, drawn by the key.

    `mlp`: a network of 100 sigmoids, all weights uniform in ±[0.5, 2]. `gp`: a draw of a Gaussian process of length and
    deviation 1 over all causes, as a sum of 200 random cosines. Both as Zheng et al. simulate (Learning sparse
    nonparametric DAGs, AISTATS 2020, section 5), where the process is drawn at the samples themselves.
    """
    values = noise.copy()
    for effect in topological_order(edges != 0) or []:
        causes = np.flatnonzero(edges[:, effect])
        if len(causes):
            rng = keyed_generator(text_key(f"{mechanism}|{key}|{effect}"))
            response = (_network if mechanism == "mlp" else _process)(values[:, causes], rng)
            values[:, effect] += np.rint(response * _GRID) / _GRID
    return values


def _network(x: Floats, rng: np.random.Generator) -> Floats:
    from scipy.special import expit

    def weights(*shape: int) -> Floats:
        return rng.uniform(LEAST, LARGEST, shape) * np.where(rng.random(shape) < 0.5, -1.0, 1.0)

    inner, outer = weights(x.shape[1], UNITS), weights(UNITS)
    values: Floats = expit(x @ inner) @ outer
    return values


def _process(x: Floats, rng: np.random.Generator) -> Floats:
    inner = rng.standard_normal((x.shape[1], COSINES))
    phases, outer = rng.uniform(0, 2 * np.pi, COSINES), rng.standard_normal(COSINES)
    values: Floats = np.sqrt(2 / COSINES) * (np.cos(x @ inner + phases) @ outer)
    return values
