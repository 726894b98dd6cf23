"""Track `graph`: samples of a causal graph in, its weighted edges out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...components.calls import read_only
from ...components.registry import Bound
from ...track.default_track import DefaultTrack
from ...track.defaults import Defaults
from ...track.lazy_part import LazyPart
from ...track.outputs import ArrayFiles
from ...track.posed_case import Case
from ...track.track_protocol import add_track
from ...track.words import Words

if TYPE_CHECKING:
    from .dag import Floats, LinearDag


class GraphFiles(ArrayFiles):
    """Weights and behind them noise levels as `.npy`, float64 (d + 1, d); shown are both graphs by their weights."""

    dtype = "<f8"
    panel = LazyPart("drawing.draw_graphs")


class Graphs(DefaultTrack):
    """Items are graphs, a regime makes samples by their noise, a method finds the weights."""

    name = "graph"
    version = 1
    words = Words(
        item="graph",
        items="graphs",
        given="samples",
        output="estimated graph",
        truth="true graph",
        level="noise",
    )
    defaults = Defaults(
        protocol="as_given",
        metrics=("shd", "shd_cpdag", "tpr", "fdr"),
        rank_by="shd",
        dataset="erdos_renyi",
        regime="equal(sigma=1)",
        size=(10,),
    )
    preload = ("numpy", "scipy.linalg", "noisebench.tracks.graph.mechanisms")
    outputs = GraphFiles()
    declared: Mapping[str, Mapping[str, Any]] = {"regime": {"title": "", "of": "noise"}}
    """`of`: whether a regime makes `noise`, of which samples follow, or does something to `samples`."""

    pose = LazyPart("mechanisms.pose_any")
    copied = LazyPart("near_copies.why_copied")
    open = LazyPart("learner.GraphLearner")
    panels = LazyPart("report.panels")

    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """As every track; a regime is of `noise` or of `samples`."""
        complete = super().declare(kind, declared)
        if complete.get("of", "noise") not in ("noise", "samples"):
            raise ValueError(f"a regime is of 'noise' or of 'samples', not of {complete['of']!r}")
        return complete

    def identify(self, item: LinearDag) -> str:
        """Id, and the hash of weights, count and measured samples, on one line; the mechanism of a nonlinear graph."""
        from .mechanisms import identity

        return f"{item.id!r} {identity(item)}"

    def metric_arguments(self, output: Floats, item: LinearDag, case: Case, protocol: Bound) -> tuple[Any, ...]:
        """The graph as the protocol leaves it, the true one, and the samples."""
        from .estimated_graph import EstimatedGraph
        from .sampling import GraphCase

        if not isinstance(case, GraphCase):
            raise TypeError("the truth of a case stays with the scorer: pose it there")
        weights = protocol.entry.obj(output[:-1], **protocol.kwargs)
        return EstimatedGraph(read_only(weights), read_only(output[-1])), case.truth, read_only(case.given)

    def probe(self, size: tuple[int, ...]) -> LinearDag:
        """A fixed graph of `size` (d,) variables, two causes each but for the first, and 1,000 samples, for costs."""
        import numpy as np

        from .dag import weighted_dag

        (d,) = size
        weights = np.zeros((d, d))
        for effect in range(1, d):
            weights[[effect - 1, effect // 2], effect] = 0.8, -0.6
        return weighted_dag("cost", weights * (1 - np.eye(d)), 1000)


TRACK = add_track(Graphs())
