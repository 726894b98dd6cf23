"""Noisy and clean sound files of one name in two folders."""

from __future__ import annotations

from typing import Annotated

import noisebench as nb
import numpy as np
from noisebench.datasets.audio._files import SUFFIXES, Rate, SoundFiles
from noisebench.datasets.audio.folder import folder
from noisebench.tracks.audio import Clip, ClipEffect


class NoisyPairs:
    """A clip a pair: given is the noisy one, which the regime lies over, and due is the clean one."""

    def __init__(self, clean: SoundFiles, noisy: SoundFiles) -> None:
        self.ids = clean.ids
        self._clean, self._noisy = clean, noisy

    def load(self, index: int) -> Clip:
        """Pair `index`. Raises `UsageError` for two files of other lengths or rates."""
        clean, noisy = self._clean.load(index), self._noisy.load(index)
        if (clean.rate, len(clean.wave)) != (noisy.rate, len(noisy.wave)):
            raise nb.UsageError(
                f"pairs: the clean {nb.one_line(clean.id, 60)!r} has {len(clean.wave):,} samples at {clean.rate} Hz, "
                f"its partner {len(noisy.wave):,} at {noisy.rate} Hz: give two of one length and rate"
            )
        return Clip(clean.id, clean.wave, clean.rate, None, clean.group, ClipEffect(noisy.wave, {}, np.zeros(0)))


@nb.dataset("pairs", track="audio", licence="the user's own")
def pairs(
    *,
    clean: str,
    noisy: str,
    pattern: str = "*",
    rate: Rate | None = None,
    group: str | None = None,
    speech: Annotated[bool, nb.Later()] = True,
) -> NoisyPairs:
    """Noisy and clean sound files of one name (without its ending) in two folders, as those of VoiceBank-DEMAND.

    Given is the noisy one under the regime `none`; another regime lies over it. rate, group, speech: as of `folder`,
    such as group="^[^_]+" for the speaker of p232_001. Means are removed. A network is trained on pairs with
    regime=none.
    """
    partners = {name: file for name, _, file in nb.pair_folders(clean, noisy, SUFFIXES, pattern)}
    spoken = folder(path=clean, pattern=pattern, rate=rate, group=group)
    return NoisyPairs(spoken, SoundFiles({name: partners[name] for name in spoken.ids}, None, rate))
