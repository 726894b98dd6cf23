"""Functions of the user: tables of points and values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import noisebench as nb
from annotated_types import Gt, Lt
from noisebench.tracks.functions import as_target


class TargetTables:
    """One function a CSV file, in the order of their names."""

    def __init__(self, files: Sequence[Path], held_out: float) -> None:
        self._files = files
        self._held_out = held_out
        self.ids: Sequence[str] = [file.stem for file in files]

    def load(self, index: int) -> object:
        """Function `index`. Raises `UsageError` naming file and mistake."""
        import numpy as np

        file = self._files[index]
        try:
            rows = np.loadtxt(file, delimiter=",", ndmin=2, comments="#", skiprows=_header(file))
        except (OSError, ValueError) as error:
            raise nb.UsageError(f"table {str(file)!r} cannot be read ({' '.join(str(error).split())})") from None
        every = max(2, round(1 / self._held_out))
        test = np.arange(len(rows)) % every == every // 2
        if rows.ndim != 2 or rows.shape[1] < 2 or test.sum() < 1 or (~test).sum() < 4:
            raise nb.UsageError(
                f"table {str(file)!r} is {rows.shape}: give 8 rows or more, coordinates first and the value last"
            )
        try:
            return as_target(file.stem, rows[~test, :-1], rows[~test, -1], rows[test, :-1], rows[test, -1])
        except ValueError as error:
            raise nb.UsageError(f"table {str(file)!r}: {error}") from None


def _header(file: Path) -> int:
    """1 where the first line is names, else 0."""
    with file.open(encoding="utf-8", errors="replace") as text:
        first = text.readline().partition(",")[0].strip()
    try:
        float(first)
    except ValueError:
        return 1
    return 0


@nb.dataset("table", track="functions", licence="the user's own")
def table(*, path: str, held_out: Annotated[float, Gt(0), Lt(1)] = 0.2) -> TargetTables:
    """Each CSV file of a folder (or one file) is a function: coordinates, then the value in the last column.

    A first line of names is skipped. Of every round(1 / held_out) rows one is held out. Raises `UsageError` where
    there is no such file.
    """
    root = Path(path).expanduser()
    files = sorted(root.glob("*.csv")) if root.is_dir() else [root] if root.is_file() else []
    if not files:
        raise nb.UsageError(f"table: {path!r} has no .csv file (looked from {str(Path.cwd())!r}): check the path")
    return TargetTables(files, held_out)
