"""Free Spoken Digit Dataset: ten digits by six men, 8 kHz."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.audio._files import Count, Level
from noisebench.tracks.audio import Clip, as_clip

_HOME = "https://github.com/Jakobovski/free-spoken-digit-dataset"
_SHA256 = "b972efadbc7f062d7f1d16fd38ca81b12157ab0e3a0cbaf7feeb37a50a6726e5"
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
Speaker = Literal["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]
RATE, PAUSE = 8_000, 800
"""Hz, and the samples of silence around each digit of a clip."""


@lru_cache(maxsize=1)
def _arrays(file: str) -> dict[str, np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as file_arrays:
            arrays = {name: file_arrays[name] for name in ("audio", "offset", "label", "speaker", "index")}
    except (OSError, ValueError, KeyError) as error:
        raise nb.UsageError(f"{nb.one_line(file)} cannot be read: {nb.one_line(error)}") from None
    if hashlib.sha256(np.ascontiguousarray(arrays["audio"], "<i2").tobytes()).hexdigest() != _SHA256:
        raise nb.UsageError(f"{nb.one_line(file)} has other values than the published ones (SHA-256): get it again")
    return arrays


class SpokenDigits:
    """Clips of digits of one speaker one after the other, pauses around them."""

    def __init__(self, speakers: Sequence[str], join: int, n: int | None, level: float | None) -> None:
        clips = [(speaker, part) for speaker in speakers for part in range(100 // join)][:n]
        self._clips, self._join, self._level = clips, join, level
        self.ids: Sequence[str] = [f"fsdd_{speaker}_{part:02d}" for speaker, part in clips]

    def load(self, index: int) -> Clip:
        """Clip `index`. Raises `UsageError` where the set is not there, or has other values than published."""
        speaker, part = self._clips[index]
        places = [root / "fsdd" / "fsdd.npz" for root in nb.data_roots()]
        file = next((place for place in places if place.is_file()), None)
        if file is None:
            looked = " and ".join(nb.one_line(place, 150) for place in places)
            raise nb.UsageError(f"dataset fsdd is not at {looked}: put it there (from {_HOME}) or give --data DIR")
        arrays = _arrays(str(file))
        of_speaker = np.flatnonzero(arrays["speaker"] == SPEAKERS.index(speaker))
        of_speaker = of_speaker[np.lexsort((arrays["label"][of_speaker], arrays["index"][of_speaker]))]
        waves = [np.zeros(PAUSE)]
        for place in of_speaker[part * self._join : (part + 1) * self._join]:
            digit = arrays["audio"][arrays["offset"][place] : arrays["offset"][place + 1]] / 32768.0
            waves += [digit - digit.mean(), np.zeros(PAUSE)]
        return as_clip(self.ids[index], np.concatenate(waves), RATE, level=self._level)


@nb.dataset(
    "fsdd",
    track="audio",
    speech=True,
    licence="CC BY-SA 4.0",
    citation="Z. Jackson et al., Free Spoken Digit Dataset, v1.0.8, 2018",
    homepage=_HOME,
)
def fsdd(
    *,
    speakers: tuple[Speaker, ...] = (),
    join: Annotated[int, Ge(1), Le(100)] = 5,
    n: Count | None = None,
    level: Level | None = -26.0,
) -> SpokenDigits:
    """Spoken digits of six men, 8 kHz, ten recordings a digit: `join` of them, 0.1 s apart, make a clip.

    speakers: hold out whole speakers, as `speakers=(theo, nicolas)`; none named: all six. n: the first so many clips.
    level: the RMS of each, dB of full scale, since speakers differ by 20 dB; none: as recorded. Offsets are removed, a
    digit at a time. The recordings have room noise of their own: a truth that is not quite clean.

    Public: a method can know its items and their truths.
    """
    return SpokenDigits([one for one in SPEAKERS if not speakers or one in speakers], join, n, level)
