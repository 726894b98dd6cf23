"""Measurements of the user: tables of samples, each with the graph that is held for true."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import noisebench as nb
from noisebench.tracks.graph import LinearDag, measured_dag

_TABLE = ".csv"
_GRAPH = ".graph"


class GraphTables:
    """One graph for each pair of files, in the order of their names."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self.ids: Sequence[str] = [file.stem for file in files]

    def load(self, index: int) -> LinearDag:
        """Graph `index`. Raises `UsageError` naming file and mistake."""
        file = self._files[index]
        graph = file.with_name(file.stem + _GRAPH + file.suffix)
        if not graph.is_file():
            raise nb.UsageError(
                f"table {nb.one_line(file)}: its graph is missing, put {nb.one_line(graph.name)} beside it"
            )
        try:
            return measured_dag(self.ids[index], _read(file), _read(graph))
        except ValueError as error:
            raise nb.UsageError(f"table {nb.one_line(file)}: {nb.one_line(error)}") from None


def _read(file: Path) -> Any:
    """The numbers of a CSV file, without a first line of names. Raises `UsageError` where they cannot be read."""
    import numpy as np

    try:
        first = file.read_text(encoding="utf-8").partition("\n")[0].split(",")[0].strip()
        return np.loadtxt(file, delimiter=",", ndmin=2, comments="#", skiprows=0 if _is_number(first) else 1)
    except (OSError, ValueError) as error:
        raise nb.UsageError(f"table {nb.one_line(file)} cannot be read: {nb.one_line(error)}") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@nb.dataset("table", track="graph", licence="the user's own")
def table(*, path: str) -> GraphTables:
    """Each NAME.csv of a folder (or one file) has a row a sample and a column a variable, NAME.graph.csv its graph.

    There a row is a cause and a column an effect, not 0 where there is an edge. A first line of names is skipped.
    Raises `UsageError` where there is no such file.
    """
    root = Path(path).expanduser()
    inside = sorted(f for f in root.iterdir() if f.suffix.lower() == _TABLE) if root.is_dir() else [root]
    files = [file for file in inside if file.is_file() and not file.stem.lower().endswith(_GRAPH)]
    if not files:
        raise nb.UsageError(f"table: {path!r} has no .csv file (looked from {str(Path.cwd())!r}): check the path")
    return GraphTables(files)
