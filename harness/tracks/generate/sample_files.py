"""Samples as files, and the first of them side by side to look at."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...track.lazy_part import LazyPart
from ...track.outputs import ArrayFiles

if TYPE_CHECKING:
    from .sampler import Drawn


class SampleFiles(ArrayFiles):
    """Samples as `.npz`: float32 (N, C, H, W), and how often a model was asked for each of them."""

    suffix = ".npz"
    panel = LazyPart("drawing.draw_samples")

    def digest(self, output: Drawn) -> str:
        """SHA-256 of the samples and of the number."""
        return hashlib.sha256(f"{super().digest(output['samples'])} {output['evaluations']}".encode()).hexdigest()

    def check(self, output: Any, wanted: Any) -> None:
        """Raise ValueError for another type, another shape than `wanted`, NaN or Inf."""
        if not isinstance(output, dict) or output.keys() != {"samples", "evaluations"}:
            raise ValueError("samples and evaluations were due")
        evaluations = output["evaluations"]
        if evaluations is not None and not (isinstance(evaluations, float) and 0 < evaluations < 1e12):
            raise ValueError("evaluations that are no number above 0")
        super().check(output["samples"], wanted)

    def save(self, output: Drawn, file: Path) -> None:
        """Keep samples. Raises OSError."""
        import numpy as np

        evaluations = output["evaluations"]
        np.savez(file, samples=output["samples"], evaluations=np.array([] if evaluations is None else [evaluations]))

    def load(self, file: Path, wanted: Any = None) -> Drawn:
        """The samples again. Raises OSError, and ValueError for a damaged file, or another shape than `wanted`."""
        import zipfile

        import numpy as np

        try:
            with np.load(file, allow_pickle=False) as arrays:
                samples, evaluations = arrays["samples"], arrays["evaluations"]
        except (EOFError, KeyError, zipfile.BadZipFile, AttributeError, TypeError):
            raise ValueError("no samples") from None
        drawn: Drawn = {"samples": samples, "evaluations": float(evaluations[0]) if evaluations.size else None}
        self.check(drawn, wanted)
        return drawn
