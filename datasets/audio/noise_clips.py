"""Recorded noises of places, weather and machines."""

from __future__ import annotations

from typing import Literal

import noisebench as nb
from noisebench.datasets.audio._files import Level, SoundFiles, Split, find_files

_TEST = ("city", "coffee_shop", "dishes", "rain", "train")
_TRAIN = ("birds", "boat", "exercise_bike", "fireplace", "storm", "summer_night", "waves", "wind")
Noise = Literal[
    "birds", "boat", "city", "coffee_shop", "dishes", "exercise_bike", "fireplace", "rain", "storm", "summer_night",
    "train", "waves", "wind",
]  # fmt: skip


@nb.dataset(
    "noise_clips",
    track="audio",
    licence="CC0, public domain, CC BY 3.0 and 4.0 by clip",
    citation="Blanket, github.com/rafaelmardojai/blanket; P. Warden, Speech Commands, arXiv 1804.03209, 2018",
    homepage="https://github.com/rafaelmardojai/blanket",
)
def noise_clips(*, split: Split = "all", only: tuple[Noise, ...] = (), level: Level | None = -26.0) -> SoundFiles:
    """13 recorded noises, 16 kHz, 8 s each: what the regime `recorded` lays over clips.

    split: `test` are city, coffee_shop, dishes, rain and train, `train` the other eight. only: of these the named
    ones, such as `only=(rain, wind)`. level: the RMS of each, dB of full scale; none: as recorded, where they are 20 dB
    apart. Their powers lie at different frequencies: equal SNR is not equal difficulty.

    Public: a method can know its items and their truths.
    """
    names = sorted({"all": (*_TEST, *_TRAIN), "test": _TEST, "train": _TRAIN}[split])
    chosen = [name for name in names if not only or name in only]
    absent = [name for name in only if name not in names]
    if absent:
        raise nb.UsageError(f"noise_clips: {absent[0]} is not in split={split}: give split=all")
    return SoundFiles(find_files("noise_clips", [f"{name}.flac" for name in chosen]), level)
