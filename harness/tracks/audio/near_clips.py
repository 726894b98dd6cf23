"""Whether clips are nearly the same: cut, moved, louder, coded anew or with faint noise.

The picture of a spectrum over time has corners, as every picture; those of one sound keep their distances.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..pictures.alike import AGREEING, Sketch, agreeing, sketch
from .clip import Clip
from .spectra import Frames, stft

_BANDS = 96
_LOWEST, _HIGHEST = 150.0, 3600.0
"""Of the bands, Hz: what clips of every usual rate have."""
_FLOOR = 1e-6
"""-60 dB of the loudest band."""
_SHOWN = 0.15
"""Share of a clip's corners that one training clip must have. Prompts that repeat a phrase share 0.05 at most; a clip
with noise of 20 dB keeps 0.34 and more."""


def clip_sketch(clip: Clip) -> Sketch:
    """What is compared of a clip: of the dry one, where an effect made it."""
    wave = clip.wave if clip.effect is None else clip.effect.dry
    size = 2 ** max(5, round(np.log2(0.032 * clip.rate)))
    hop = max(1, round(0.004 * clip.rate))
    spectrum = np.abs(stft(np.asarray(wave, np.float64), Frames(size, hop, root=False))) ** 2
    edges = np.geomspace(_LOWEST, min(_HIGHEST, 0.45 * clip.rate), _BANDS)
    waves = np.arange(spectrum.shape[1]) * clip.rate / size
    bands = spectrum @ np.stack([np.interp(edges, waves, one) for one in np.eye(len(waves))])
    loudest = bands.max()
    level = np.log10(np.maximum(bands / loudest, _FLOOR) / _FLOOR) / 6 if loudest > 0 else np.zeros_like(bands)
    return sketch(level)


def shown(trained: Sequence[Sketch], tested: Sequence[Sketch]) -> dict[int, int]:
    """Places of tested clips that are nearly one that is trained on, or much of it, with the place of that one."""
    places = {}
    for (first, second), count in agreeing([*trained, *tested]):
        place = second - len(trained)
        if first < len(trained) and place >= 0 and count >= max(AGREEING, _SHOWN * len(tested[place].codes)):
            places[place] = first
    return places
