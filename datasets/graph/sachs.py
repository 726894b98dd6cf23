"""Protein signalling in human T cells: 853 cells, 11 proteins, and the network that biologists agree on."""

from __future__ import annotations

from typing import Literal

import noisebench as nb
import numpy as np
from noisebench.tracks.graph import LinearDag, measured_dag

_HOME = "https://github.com/FenTechSolutions/CausalDiscoveryToolbox"
_SHA256 = "8b788d2ec161b4fe63c07ea10f9678994439178ca737e57d32807193a1478dbf"


class Sachs:
    """One graph with its measurements."""

    def __init__(self, graph: str, log: bool) -> None:
        self.ids = (f"sachs_{graph}{'' if log else '_raw'}",)
        self._graph, self._log = graph, log

    def load(self, index: int) -> LinearDag:
        """The graph. Raises `UsageError` where the file is not there, or has other values than the published ones."""
        import hashlib

        name = self.ids[index]
        places = [root / "sachs" / "sachs.npz" for root in nb.data_roots()]
        file = next((place for place in places if place.is_file()), None)
        if file is None:
            looked = " and ".join(nb.one_line(place, 150) for place in places)
            raise nb.UsageError(f"dataset sachs is not at {looked}: put it there (from {_HOME}) or give --data DIR")
        try:
            with np.load(file, allow_pickle=False) as arrays:
                values, edges = arrays["x"], arrays[f"adj_{self._graph}"]
        except (OSError, ValueError, KeyError) as error:
            raise nb.UsageError(f"{nb.one_line(file)} cannot be read: {nb.one_line(error)}") from None
        if hashlib.sha256(np.ascontiguousarray(values, "<f8").tobytes()).hexdigest() != _SHA256:
            raise nb.UsageError(f"{nb.one_line(file)} has other values than the published ones (SHA-256): get it again")
        return measured_dag(name, np.log(values) if self._log else values, edges)


@nb.dataset(
    "sachs",
    track="graph",
    licence="MIT (cdt), CC0-1.0 (graph of 20 edges); the measurements state none",
    citation="K. Sachs et al., Causal protein-signaling networks derived from multiparameter single-cell data, "
    "Science 308, 2005",
    homepage=_HOME,
)
def sachs(*, graph: Literal["consensus20", "bnlearn17"] = "consensus20", log: bool = True) -> Sachs:
    """11 proteins and lipids in 853 T cells, and their network: 20 edges by consensus, or the 17 of many papers.

    Values are logarithms, for the raw ones have long tails; `log=False`: as they are. Raw variances span orders of
    magnitude, which sorting by them profits from: see the regime `standardised`. The network itself is contested.

    Public: a method can know its items and their truths.
    """
    return Sachs(graph, log)
