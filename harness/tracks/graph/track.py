"""Track `graph`: samples of a linear causal graph in, its weighted edges out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...components.calls import metric_value, read_only
from ...components.registry import Bound
from ...store.outputs import OutputFiles
from ...track.outputs import ArrayFiles
from ...track.protocols import Case, Defaults, Words, add_track, checked_declarations

if TYPE_CHECKING:
    from ...boards.board import Board
    from ...report.plots.drawing import Plot
    from ...report.plots.sheets import Sheet
    from .dag import Floats, LinearDag
    from .learner import Learner
    from .sampling import GraphCase

_DECLARED: Mapping[str, Mapping[str, Any]] = {"regime": {"title": "", "of": "noise"}}
"""`of`: whether a regime makes `noise`, of which samples follow, or does something to `samples`."""


class GraphFiles(ArrayFiles):
    """Weights and behind them noise levels as `.npy`, float64 (d + 1, d)."""

    dtype = "<f8"

    def panel(self, item: LinearDag, case: GraphCase, output: Floats) -> Mapping[str, bytes] | None:
        """The true graph and the one that was found, as pictures of their weights."""
        from .drawing import draw_graphs

        return draw_graphs(case, output)


class Graphs:
    """Items are linear graphs, a regime makes samples by their noise, a method finds the weights."""

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
    preload: tuple[str, ...] = ("numpy", "scipy.linalg", "noisebench.tracks.graph.sampling")
    outputs: OutputFiles = GraphFiles()

    def __repr__(self) -> str:
        return f"Track({self.name})"

    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """What a component declares, complete. Raises `UsageError` for a name, ValueError for a value unknown here."""
        made = checked_declarations(kind, declared, _DECLARED)
        if made.get("of", "noise") not in ("noise", "samples"):
            raise ValueError(f"a regime is of 'noise' or of 'samples', not of {made['of']!r}")
        return made

    def identify(self, item: LinearDag) -> str:
        """Id, and the hash of weights, count and measured samples, on one line."""
        from .sampling import item_sha256

        return f"{item.id!r} {item_sha256(item)}"

    def pose(self, regime: Bound, item: LinearDag, seed: int, draw: int = 0) -> GraphCase:
        """The samples (N, d), keyed by graph, regime, seed and draw; the truth stays in the case."""
        from .sampling import pose_graph

        return pose_graph(regime, item, seed, draw)

    def open(self, method: Bound) -> Learner:
        """The method, ready to be set up. Raises `Skip` where a package that it requires is not there."""
        from .learner import Learner

        return Learner(method)

    def score(
        self, output: Floats, item: LinearDag, case: Case, protocol: Bound, metrics: Sequence[Bound]
    ) -> dict[str, float]:
        """Scores by display form of the metric, of the graph as the protocol leaves it."""
        from .found import Found
        from .sampling import GraphCase

        if not isinstance(case, GraphCase):
            raise TypeError("the truth of a case stays with the scorer: pose it there")
        found = Found(read_only(protocol.entry.obj(output[:-1], **protocol.kwargs)), read_only(output[-1]))
        samples = read_only(case.given)
        return {metric.display: metric_value(metric, found, case.truth, samples) for metric in metrics}

    def probe(self, size: tuple[int, ...]) -> LinearDag:
        """A fixed graph of `size` (d,) variables, two causes each but for the first, and 1,000 samples, for costs."""
        import numpy as np

        from .dag import weighted_dag

        (d,) = size
        weights = np.zeros((d, d))
        for effect in range(1, d):
            weights[[effect - 1, effect // 2], effect] = 0.8, -0.6
        return weighted_dag("cost", weights * (1 - np.eye(d)), 1000)

    # Below: what a track may have. See the protocols of `report/sections.py`.

    def panels(self, boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
        """The graphs that were found side by side with the true one: see `tracks/graph/report.py`."""
        from ...report.plots.side_by_side import tile_panels
        from .report import GRAPHS

        return tile_panels(boards, most, notes, sheet, GRAPHS)


TRACK = add_track(Graphs())
