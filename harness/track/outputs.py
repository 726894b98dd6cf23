"""Outputs that are one array each: hashed, kept as `.npy`, and read back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class ArrayFiles:
    """The `OutputFiles` of a track whose outputs are arrays of one type; a track that shows them overrides the rest.

    For example:

        >>> files = nb.ArrayFiles()
        >>> files.save(np.array([0.5, -0.5], "<f4"), Path("output.npy"))
        >>> files.load(Path("output.npy"), wanted=(2,)).tolist()
        [0.5, -0.5]
        >>> files.check(np.zeros(3, "<f4"), wanted=(2,))
        Traceback (most recent call last):
        ValueError: shape (3,) where (2,) was due
    """

    suffix = ".npy"
    dtype = "<f4"

    def due(self, output: Any, wanted: Any) -> Any:
        """The required shape of an output, None for any: `wanted`, unless a method may give more."""
        return wanted

    def digest(self, output: Any) -> str:
        """SHA-256 of the values, little-endian in C order; zeros have no sign."""
        import numpy as np

        return hashlib.sha256((np.ascontiguousarray(output, dtype=self.dtype) + 0).data).hexdigest()

    def check(self, output: Any, wanted: Any) -> None:
        """Raise ValueError for another type, another shape than `wanted`, NaN or Inf."""
        import numpy as np

        if not isinstance(output, np.ndarray) or output.dtype != np.dtype(self.dtype):
            raise ValueError(f"{getattr(output, 'dtype', type(output).__name__)} where {self.dtype} was due")
        due = self.due(output, wanted) or output.shape
        if output.shape != due:
            raise ValueError(f"shape {output.shape} where {due} was due")
        if not np.isfinite(output).all():
            raise ValueError("values that are not finite")

    def save(self, output: Any, file: Path) -> None:
        """Keep an array. Raises OSError."""
        import numpy as np

        np.save(file, output)

    def load(self, file: Path, wanted: Any = None) -> Any:
        """The array again. Raises OSError, and ValueError for another type, or another shape than `wanted`."""
        import numpy as np

        try:
            array = np.load(file, allow_pickle=False)
        except EOFError:
            raise ValueError("an empty file") from None
        if array.dtype != np.dtype(self.dtype) or array.shape != (self.due(array, wanted) or array.shape):
            raise ValueError(f"{array.dtype} {array.shape}")
        return array

    def preview(self, store: Path, folder: Path, index: int, item: Any, case: Any, output: Any) -> None:
        """Leave nothing to look at."""

    def panel(self, item: Any, case: Any, output: Any) -> Mapping[str, bytes] | None:
        """Show nothing in a report."""
        return None
