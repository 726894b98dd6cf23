"""Matrices of the user: tables of numbers, with or without gaps."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Gt, Lt
from noisebench.datasets.matrix._seen import seen_entries
from noisebench.tracks.matrix import Measured, as_measured


class MatrixTables:
    """One matrix a file, in the order of their names."""

    def __init__(self, files: Sequence[Path], share: float) -> None:
        self._files, self._share = files, share
        self.ids: Sequence[str] = [file.stem for file in files]

    def load(self, index: int) -> Measured:
        """Matrix `index`. Raises `UsageError` naming file and mistake."""
        file = self._files[index]
        try:
            truth = _read(file)
        except (OSError, ValueError, EOFError) as error:
            raise nb.UsageError(f"matrix {str(file)!r} cannot be read ({nb.one_line(error)})") from None
        if truth.ndim != 2 or np.isinf(truth).any() or np.isfinite(truth).sum() < 2:
            raise nb.UsageError(f"matrix {str(file)!r} is {truth.shape}: two known numbers or more in rows are due")
        key = nb.text_key(f"tables|{file.stem}|{truth.shape}|{self._share!r}")
        return as_measured(file.stem, truth, seen_entries(truth, self._share, key))


def _read(file: Path) -> np.ndarray:
    """Numbers of a .npy or .csv file, float64, NaN where there is none."""
    if file.suffix.lower() == ".npy":
        return np.asarray(np.load(file, allow_pickle=False), dtype=np.float64)
    with file.open(encoding="utf-8", newline="") as text:
        rows = [[float(field) if field.strip() else np.nan for field in row] for row in csv.reader(text) if row]
    return np.array(rows, dtype=np.float64)


@nb.dataset("tables", track="matrix", licence="the user's own")
def tables(*, path: str, share: Annotated[float, Gt(0), Lt(1)] = 0.8) -> MatrixTables:
    """Each .csv or .npy file of a folder (or one file) is a matrix, of whose known entries a share is seen.

    An empty field of a .csv file, and NaN, is an entry that is not known: it is neither seen nor scored. With the
    protocol `held_out` the known entries that were not seen are scored. Raises `UsageError` where there is no file.
    """
    root = Path(path).expanduser()
    inside = sorted(f for f in root.iterdir() if f.suffix.lower() in (".csv", ".npy")) if root.is_dir() else [root]
    files = [file for file in inside if file.is_file()]
    if not files:
        raise nb.UsageError(
            f"tables: {path!r} has no .csv or .npy file (looked from {str(Path.cwd())!r}): check the path"
        )
    return MatrixTables(files, share)
