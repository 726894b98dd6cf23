"""Graphs as small pictures: a square a pair, cause by row and effect by column, in the order of the true graph."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from .dag import Floats, LinearDag
from .edges import Edges, topological_order
from .sampling import GraphCase

RIGHT, WRONG, MISSED = (0.11, 0.31, 0.56), (0.86, 0.33, 0.08), (0.78, 0.80, 0.83)
PAGE, AGAINST = (1.0, 1.0, 1.0), (0.955, 0.955, 0.96)
FAINTEST = 0.45
"""How strong the smallest weight is drawn."""
GRID = 30
"""The most variables between which lines are drawn."""


def draw_graphs(item: LinearDag, case: GraphCase, output: Floats) -> Mapping[str, bytes] | None:
    """PNGs of the true graph and of the one that was found, weights (d, d) of `output` (d + 1, d).

    Edges that are true are blue, others orange, those that are missing grey; the stronger the weight, the darker. Below
    the diagonal, on a grey ground, is what goes against the true order.
    """
    if case.truth is None:
        return None
    edges = case.truth.edges
    true_weights = case.truth.weights if case.truth.weights is not None else edges.astype(np.float64)
    return {
        "truth": _png(_squares(true_weights, edges)),
        "graph": _png(_squares(output[:-1], edges)),
    }


def _squares(weights: Floats, truth: Edges) -> npt.NDArray[np.float64]:
    """(d, d, 3) in [0, 1]."""
    order = topological_order(truth) or list(range(len(truth)))
    weights, truth = weights[np.ix_(order, order)], truth[np.ix_(order, order)]
    estimated = weights != 0
    # The largest weights of a graph may be few: all above the upper quartile are drawn alike.
    most = float(np.quantile(np.abs(weights[estimated]), 0.75)) if estimated.any() else 1.0
    strength = FAINTEST + (1 - FAINTEST) * np.clip(np.abs(weights) / most, 0, 1)[..., None]
    squares = np.where(np.tri(len(truth), dtype=bool)[..., None], np.array(AGAINST), np.array(PAGE))
    squares[truth & ~estimated] = MISSED
    for chosen, colour in ((estimated & truth, RIGHT), (estimated & ~truth, WRONG)):
        squares[chosen] = (strength * np.array(colour) + (1 - strength) * squares)[chosen]
    return squares


def _png(squares: npt.NDArray[np.float64]) -> bytes:
    from matplotlib.figure import Figure

    size = len(squares)
    figure = Figure(figsize=(1.5, 1.5), dpi=150)
    axes = figure.add_axes((0.01, 0.01, 0.98, 0.98))
    axes.imshow(squares, interpolation="nearest", extent=(0, size, size, 0), aspect="auto")
    if size <= GRID:
        axes.set(xticks=range(1, size), yticks=range(1, size))
        axes.grid(color="#e3e5e8", linewidth=0.3)
    axes.tick_params(length=0, labelleft=False, labelbottom=False)
    if size > GRID:
        axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set(color="#9aa1ab", linewidth=0.6)
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
