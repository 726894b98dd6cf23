"""Restored pictures as files, and PNGs to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...track.lazy_part import LazyPart
from ...track.outputs import ArrayFiles

if TYPE_CHECKING:
    from ...imaging.pixels import Array
    from ...imaging.sample import Sample
    from ...track.protocols import Case


class PictureFiles(ArrayFiles):
    """Restored pictures as `.npy` float32 (H, W, C), and PNGs of them to look at."""

    panel = LazyPart("crops.panel_of")

    def preview(self, store: Path, folder: Path, index: int, item: Sample, case: Case, output: Array) -> None:
        """8-bit PNGs of the clean, noisy and restored picture, for the page."""
        from .crops import leave_view

        leave_view(store, folder, index, item, case.given, output)
