"""What a regime makes of a labelled picture; the regimes are those of `restore`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...components.calls import degraded
from ...components.keyed_noise import keyed_generator, noise_key
from ...components.registry import Bound
from ...imaging.pixels import Array, pixel_sha256, to_unit
from ...text.errors import Skip
from ...track.info import Info
from .labelled_picture import LabelledPicture, values_of


def degrade_labelled(regime: Bound, item: LabelledPicture, seed: int, draw: int = 0) -> tuple[Array, Info]:
    """The picture under a regime, float32 (H', W', C), and what is disclosed. Raises `Skip` where there is none.

    All of it depends on the values of the picture, the regime, `seed` and `draw` alone.
    """
    values = values_of(item)
    key = noise_key(regime, seed, pixel_sha256(values), draw)
    rng = keyed_generator(key)
    x, told = to_unit(values), dict[str, Any]()
    for part in regime.parts:
        if part.entry.meta["source"] != "clean":
            raise Skip(f"regime {part.entry.name} needs a dataset that has noisy pictures of its own")
        x, new = degraded(part, x, rng, resizes=True)
        # Of two in a row neither value is that of both.
        told |= {name: None if name in told else value for name, value in new.items()}
    given = np.ascontiguousarray(x, dtype=np.float32)
    return given, Info({**told, "shape": given.shape[:2], "classes": len(item.classes)}, key)
