from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.datasets.audio._files import SUFFIXES
from noisebench.methods.audio._sound_file import read_restored
from noisebench.methods.restore.folder import listing


@nb.method("folder", track="audio", named=True)
class EnhancedFolder:
    """Restored clips that lie in the folder `path`, paired with those of the dataset by name without ending.

    WAV of 16 bits, floats or any other depth, FLAC, OGG and AIFF: the first channel, float32 (N,), full scale ±1,
    without its mean, as datasets are read. Where the dataset has subfolders, so has `path`. Clips that are missing are
    listed and fail the cell, as does one of another rate or length; clips that the dataset does not have are listed in
    the notes.
    """

    def __init__(self, *, path: str) -> None:
        self.path = path
        self.files = nb.list_files(path, SUFFIXES, "**/*")
        self.stems: dict[str, list[str]] = {}
        for name in self.files:
            self.stems.setdefault(name[: -len(Path(name).suffix)], []).append(name)

    @staticmethod
    def weight_files(path: str) -> dict[str, str]:
        """File name → SHA-256: other clips are another cell."""
        clips = nb.list_files(path, SUFFIXES, "**/*")
        return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in clips.items()}

    def expect(self, ids: Sequence[str], chosen: int) -> list[str]:
        """Hears which clips come (the first `chosen` of `ids`). Raises `UsageError` listing what is missing."""
        missing = [name for name in ids[:chosen] if self.file_of(name) is None]
        if missing:
            raise nb.UsageError(
                f"no clip named {listing(missing)} in {self.path!r}: {len(missing)} of {chosen} missing; it holds "
                f"{listing(sorted(self.files), 3)}"
            )
        known = {self.file_of(name) for name in ids}
        extra = sorted(name for name, file in self.files.items() if file not in known)
        return [f"clips in {self.path!r} that the dataset does not have: {listing(extra)}"] if extra else []

    def file_of(self, item: str) -> Path | None:
        """The clip for an id of the dataset, which has an ending only where it would be ambiguous without.

        Raises `UsageError` where there are two.
        """
        names = [item] if item in self.files else self.stems.get(item, [])
        if len(names) > 1:
            raise nb.UsageError(f"two clips named {item!r} in {self.path!r}, {listing(names)}: keep one")
        return self.files[names[0]] if names else None

    def enhance(self, wave: Any, info: Any) -> Any:
        """The clip of that name, float32 (N,). Raises `Skip` outside of the dataset that `expect` heard of.

        Raises `Invalid` for another rate or length, `UsageError` for no sound.
        """
        file = None if info.item is None else self.file_of(info.item)
        if file is None:
            raise nb.Skip("scores clips that exist already: there is nothing to try or to time")
        restored = read_restored(file, repr(str(file)), len(wave), info.rate)
        return (restored - restored.mean()).astype(np.float32)
