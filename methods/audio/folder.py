from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.datasets.audio._files import SUFFIXES
from noisebench.methods.audio._sound_file import read_restored
from noisebench.methods.restore._named_files import NamedFiles, digests


@nb.method("folder", track="audio", named=True)
class EnhancedFolder:
    """Restored clips that lie in the folder `path`, paired with those of the dataset by name without ending.

    WAV of 16 bits, floats or any other depth, FLAC, OGG and AIFF: the first channel, float32 (N,), full scale ±1,
    without its mean, as datasets are read. Where the dataset has subfolders, so has `path`. Clips that are missing are
    listed and fail the cell, as does one of another rate or length; clips that the dataset does not have are listed in
    the notes.
    """

    def __init__(self, *, path: str) -> None:
        self.clips = NamedFiles(path, SUFFIXES, "clip")

    @staticmethod
    def weight_files(path: str) -> dict[str, str]:
        """File name → SHA-256: other clips are another cell."""
        return digests(path, SUFFIXES)

    def expect(self, ids: Sequence[str], chosen: int) -> list[str]:
        """Hears which clips come (the first `chosen` of `ids`). Raises `UsageError` listing what is missing."""
        return self.clips.expect(ids, chosen)

    def enhance(self, wave: Any, info: Any) -> Any:
        """The clip of that name, float32 (N,). Raises `Skip` outside of the dataset that `expect` heard of.

        Raises `Invalid` for another rate or length, `UsageError` for no sound.
        """
        file = None if info.item is None else self.clips.file_of(info.item)
        if file is None:
            raise nb.Skip("scores clips that exist already: there is nothing to try or to time")
        restored = read_restored(file, repr(str(file)), len(wave), info.rate)
        return (restored - restored.mean()).astype(np.float32)
