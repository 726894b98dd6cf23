"""Pictures of the user, read one at a time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import noisebench as nb


class Files:
    """Pictures in a fixed order; with `partners`, each with its noisy version."""

    def __init__(self, files: Sequence[Path], names: Sequence[str], partners: Sequence[Path] | None = None) -> None:
        # A name that is not UTF-8 still has to go into JSON.
        self.ids: Sequence[str] = [os.fsencode(name).decode("utf-8", "replace") for name in names]
        self._files = files
        self._partners = partners

    def load(self, index: int) -> nb.Sample:
        """Picture `index`. Raises `UsageError` naming what cannot be read or does not fit its partner."""
        clean = nb.read_picture(self._files[index])
        if self._partners is None:
            return nb.Sample(self.ids[index], clean)
        noisy = nb.read_picture(self._partners[index])
        if clean.shape != noisy.shape:
            raise nb.UsageError(
                f"{nb.one_line(self._files[index])} has shape {clean.shape} but {nb.one_line(self._partners[index])} "
                f"has {noisy.shape}: a pair must have one size and the same channels"
            )
        return nb.Sample(self.ids[index], clean, noisy)
