"""How a variable follows from its causes where it is no weighted sum of them: additive-noise models."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from ...components.keyed_noise import keyed_generator, text_key
from .dag import Floats
from .edges import topological_order

Mechanism = Literal["mlp", "gp"]
MECHANISMS: tuple[str, ...] = get_args(Mechanism)
UNITS, COSINES = 100, 200
LEAST, LARGEST = 0.5, 2.0
"""Of the size of a weight of the network."""
_GRID = 2**20
"""Exponentials differ in the last bits from processor to processor; to the nearest 1/2^20 values do not."""


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
