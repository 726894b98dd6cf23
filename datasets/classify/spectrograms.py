"""Spectrograms of clips as labelled pictures, one dataset of `audio` for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.classify import LabelledPicture


class Spectrograms:
    """The clips of all sets, the first of each, then the second of each, and so on."""

    def __init__(self, of: Sequence[nb.Dataset], classes: Sequence[str], crop: int) -> None:
        longest = max(len(one.ids) for one in of)
        self._places = [(k, i) for i in range(longest) for k, one in enumerate(of) if i < len(one.ids)]
        self.ids: Sequence[str] = [f"{k}_{of[k].ids[i]}" for k, i in self._places]
        self._of, self._classes, self._crop = of, classes, crop

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`. Raises `UsageError` for a clip that is too short."""
        import torch
        from noisebench.recipes.archs._log_spectra import picture_of

        label, place = self._places[index]
        clip = self._of[label].load(place)
        if len(clip.wave) < self._crop:
            raise nb.UsageError(
                f"dataset spectrograms: {nb.one_line(repr(clip.id), 60)} has {len(clip.wave)} samples, {self._crop} "
                "are due: give a smaller crop"
            )
        wave = torch.from_numpy(np.clip(clip.wave[: self._crop], -1, 1)).double()
        # What lies on the edge of [0, 1] may be rounded to beyond it.
        exact = picture_of(wave[None, None])[0, 0].clamp(0, 1).numpy()
        # Fourier transforms differ in the last bits from processor to processor; on this grid the pictures do not.
        picture = (np.rint(exact * 2**20) / 2**20).astype(np.float32)
        return LabelledPicture(self.ids[index], picture, label, self._classes, group=clip.group)


@nb.dataset("spectrograms", track="classify", version=2, licence="that of the other sets")
def spectrograms(
    *,
    of: Annotated[Any, nb.Nested("dataset", track="audio", many=True)] = (
        "instruments(kinds=(plucked,), n=50)",
        "instruments(kinds=(bowed,), n=50)",
        "instruments(kinds=(flute,), n=50)",
        "instruments(kinds=(organ,), n=50)",
        "instruments(kinds=(bell,), n=50)",
    ),
    crop: Annotated[int, Ge(64), Le(2**20)] = 4_096,
) -> Spectrograms:
    """Spectrograms of clips: log1p of their magnitudes, float32 (129, 1 + ⌈crop / 64⌉), one dataset for each class.

    of: datasets of the track `audio`; the place of each is its class. crop: the first so many samples of a clip. 1 is
    the most that samples within ±1 can have; frames of 256 samples, every 64. A network that is trained on them judges
    what a separator takes out of mixtures: with the part `frozen_classifier`, and on clips that are in no mixture.
    """
    if len(of) < 2:
        raise nb.UsageError("dataset spectrograms: give two datasets or more, one for each class")
    classes = [one.display for one in of]
    if len({*classes}) < len(classes):
        raise nb.UsageError("dataset spectrograms: two classes are of one dataset: give each its own")
    opened = [nb.open_dataset(one) for one in of]
    if not all(len(one.ids) for one in opened):
        raise nb.UsageError("dataset spectrograms: one of the sets has no clips")
    return Spectrograms(opened, classes, crop)
