"""Whether a restored clip is nearly the true one: it has fine detail that its input does not show."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...components.registry import Bound
from ...track.posed_case import Case
from .clip import Clip, Floats
from .spectra import Frames, stft

_HIDDEN = 3.0
"""A part of the spectrum is hidden where the input is off by so many times as much, there and in its neighbours."""
_OFF = 0.4
"""Share of its energy by which hidden detail is off in what is made from the input. That is 1 in silence; no method and
no ideal mask was below 0.9, on recorded and made clips under noise, other voices and reverberation."""
_ENOUGH, _ENERGY = 500, 10**-4.5
"""Parts by which a clip is judged, at least, and the share of its energy that they have: what the window smears of
louder parts has less."""


@dataclass(frozen=True)
class PosedClip(Case):
    """A case that knows whether each part of its regime draws noise: what draws none can be undone."""

    drawn: bool = False

    def __reduce__(self) -> tuple[type[Case], tuple[object, ...]]:
        return Case, (self.given, self.info, self.input_sha256, self.wanted, self.note)


def why_copied(output: Floats, item: Clip, case: Case, protocol: Bound) -> str:
    """That an output has the fine detail of the true clip where the input hides it, as a copy with faint noise has.

    Judged is a clip of which noise hides much; not what an effect makes of another, nor under a regime of which a part
    draws nothing, such as `overdrive`, which a method may undo.
    """
    from scipy.ndimage import minimum_filter

    if not isinstance(case, PosedClip) or not case.drawn or item.effect is not None:
        return ""
    frames = replace(Frames.of_rate(item.rate), root=False)
    truth, given, restored = (stft(wave.astype(np.float64), frames) for wave in (item.wave, case.given, output))
    hidden = minimum_filter(np.abs(given - truth) >= _HIDDEN * np.abs(truth), size=(3, 5))
    energy = np.square(np.abs(truth[hidden])).sum()
    if np.count_nonzero(hidden) < _ENOUGH or energy < _ENERGY * np.square(np.abs(truth)).sum():
        return ""
    error = np.square(np.abs(restored[hidden] - truth[hidden])).sum()
    return "" if error > _OFF * energy else "has fine detail of the true clip that the input hides"
