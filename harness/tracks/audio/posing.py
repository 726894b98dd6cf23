"""What a regime makes of a clip, and what a method is told of it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from ...components.calls import degraded
from ...components.keyed_noise import keyed_generator, noise_key
from ...components.registry import Bound
from ...track.info import Info
from ...track.posed_case import Case
from .clip import Clip
from .mixture import MixedClip, item_sha256
from .near_copies import PosedClip


def pose_clip(regime: Bound, item: Clip, seed: int, draw: int = 0) -> Case:
    """The noisy clip, float32 (N,), keyed by waveform, rate, regime, seed and draw; its rate is told.

    The truth stays in the item: for reverberation it is the clip as it was spoken. Of a clip that an effect made,
    the regime lies over the dry one, and settings and `knobs` are told; of a clip in a mixture it lies over the
    mixture, and `source` tells the class of what is to be found.
    """
    key = noise_key(regime, seed, item_sha256(item), draw)
    values: dict[str, Any] = {}
    if item.effect is not None:
        values |= item.effect.settings
        values |= {"knobs": item.effect.knobs.copy()} if item.effect.knobs.size else {}
    rng, drawn, wave, disclosed = keyed_generator(key), True, item.posed.astype(np.float64), dict[str, Any]()
    for part in regime.parts:
        before = repr(rng.bit_generator.state)
        wave, new = degraded(part, wave, rng, item.rate)
        drawn &= repr(rng.bit_generator.state) != before
        disclosed |= {name: None if name in disclosed else value for name, value in new.items()}
    # A name that an effect and a regime tell has two values: neither is told.
    values |= {name: None if name in values else value for name, value in disclosed.items()}
    given = wave.astype(np.float32)
    values["rate"] = item.rate
    head = f"{item.rate}\n"
    if isinstance(item, MixedClip):
        values["source"] = item.sources[0]
        head = f"{item.rate} {item.sources[0]}\n"
    sha = hashlib.sha256(head.encode() + given.astype("<f4").tobytes()).hexdigest()
    return PosedClip(given, Info(values, key), sha, given.shape, drawn=drawn)
