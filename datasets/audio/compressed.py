"""Clips through a compressor whose knobs are turned anew for each."""

from __future__ import annotations

import noisebench as nb
import numpy as np
from noisebench.datasets.audio._files import Seed
from noisebench.tracks.audio import Clip, ClipEffect
from noisebench.tracks.audio.regimes.compressor import compressor

KNOBS = {"threshold": (-30.0, 0.0), "ratio": (1.0, 5.0), "attack": (1.0, 40.0), "release": (1.0, 40.0)}
"""Least and largest: dB of full scale, a ratio, and two times in ms."""
_BETA = 0.8


def settings_of(knobs: np.ndarray) -> dict[str, float]:
    """The settings of knobs (4,), each on [-0.5, 0.5], in their units."""
    return {
        name: low + (knob + 0.5) * (high - low)
        for (name, (low, high)), knob in zip(KNOBS.items(), knobs.tolist(), strict=True)
    }


def turned(rng: np.random.Generator) -> np.ndarray:
    """Knobs (4,) on [-0.5, 0.5], each of Beta(0.8, 0.8), which is nearly even and has a little more at both ends."""
    return rng.beta(_BETA, _BETA, len(KNOBS)) - 0.5


class Compressed:
    """The clips of another set, dry, and what a compressor with knobs of its own makes of each."""

    def __init__(self, of: nb.Bound, seed: int) -> None:
        self._dry, self._of, self._seed = nb.open_dataset(of), of, seed
        self.ids = list(self._dry.ids)

    def load(self, index: int) -> Clip:
        """Clip `index`. Raises `UsageError` for one that has an effect already, or is silent."""
        clip = self._dry.load(index)
        peak = float(np.abs(clip.wave).max())
        if clip.effect is not None or peak < 1e-9:
            problem = "has an effect already" if clip.effect is not None else "is silent"
            raise nb.UsageError(
                f"compressed: clip {nb.one_line(clip.id, 60)!r} of {self._of.display} {problem}: leave it out"
            )
        dry = (clip.wave / peak).astype(np.float32)
        rng = nb.keyed_generator(nb.text_key(f"compressed|{self._seed}|{self._of.canonical}|{clip.id}"))
        knobs = turned(rng)
        settings = settings_of(knobs)
        wave, _ = compressor(dry.astype(np.float64), rng, clip.rate, **settings)
        return Clip(clip.id, wave.astype(np.float32), clip.rate, None, clip.group, ClipEffect(dry, settings, knobs))


@nb.dataset("compressed", track="audio", licence="that of the set within")
def compressed(*, of: nb.DatasetSpec = "instruments(rate=8000)", seed: Seed = 0) -> Compressed:
    """Clips through a compressor: given is the dry one with the knobs, due what the compressor makes.

    The regime `compressor`, with a threshold of -30 to 0 dB, a ratio of 1 to 5, attack and release of 1 to 40 ms. Each
    is drawn for each clip by its key: Beta(0.8, 0.8) over its range. Dry clips have a peak of full scale. seed: other
    knobs. `info` has the four by name, and `info.knobs` (4,) on [-0.5, 0.5].
    """
    return Compressed(of, seed)
