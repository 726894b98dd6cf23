"""Sound files as clips: where those of a published set lie, and how one is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.audio import Clip, as_clip, resampled

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".aiff", ".aif"})
Count = Annotated[int, Ge(1), Le(1_000_000)]
Level = Annotated[float, Ge(-80), Le(0)]
Rate = Annotated[int, Ge(1_000), Le(384_000)]
Seed = Annotated[int, Ge(0), Le(2**31)]
Split = Literal["all", "train", "test"]
MOST_SECONDS = 3_600


class SoundFiles:
    """A clip a file, in the order that is given: the first channel, without its mean."""

    def __init__(
        self,
        files: Mapping[str, Path],
        level: float | None,
        rate: int | None = None,
        groups: Mapping[str, str] | None = None,
    ) -> None:
        self.ids: Sequence[str] = list(files)
        self._files, self._level, self._rate, self._groups = files, level, rate, groups or {}

    def load(self, index: int) -> Clip:
        """Clip `index`. Raises `UsageError` naming file and mistake."""
        name = self.ids[index]
        wave, rate = read_sound(self._files[name])
        wanted = self._rate or rate
        try:
            if not 1_000 <= rate <= 384_000:
                raise ValueError(f"a rate of {rate} Hz: from 1,000 to 384,000 is due")
            wave = resampled(wave, rate, wanted)
            return as_clip(name, wave, wanted, level=self._level, group=self._groups.get(name, ""))
        except ValueError as error:
            raise nb.UsageError(f"{nb.one_line(self._files[name])}: {nb.one_line(error)}") from None


def read_sound(file: Path) -> tuple[np.ndarray, int]:
    """The first channel of a sound file, float64 on full scale ±1, and its rate. Raises `UsageError` for none."""
    import soundfile

    shown = nb.one_line(file)
    try:
        with soundfile.SoundFile(file) as sound:
            if sound.frames > MOST_SECONDS * sound.samplerate:
                raise nb.UsageError(f"{shown} is longer than an hour: cut it")
            wave = sound.read(dtype="float64", always_2d=True)[:, 0]
            return wave, int(sound.samplerate)
    except (OSError, soundfile.SoundFileError) as error:
        raise nb.UsageError(f"{shown} cannot be read as sound: {nb.one_line(error)}") from None


def find_files(name: str, files: Sequence[str]) -> dict[str, Path]:
    """The named files in the folder `name` of a data root, by name without ending.

    Raises `UsageError` that says where the folder was looked for, and for a file that is not in it.
    """
    places = [root / name for root in nb.data_roots()]
    place = next((place for place in places if place.is_dir()), None)
    if place is None:
        looked = " and ".join(nb.one_line(place, 150) for place in places)
        raise nb.UsageError(f"dataset {name} is not at {looked}: put it there or give --data DIR")
    paths = {file.removesuffix(".flac"): place / file for file in files}
    absent = [file for file in paths.values() if not file.is_file()]
    if absent:
        raise nb.UsageError(f"dataset {name}: {nb.one_line(absent[0])} is not there: get the dataset again")
    return paths
