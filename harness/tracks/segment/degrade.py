"""What a regime makes of a picture whose label map stays what it is; the regimes are those of `restore`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...components.calls import degraded
from ...components.keyed_noise import keyed_generator, noise_key
from ...components.registry import Bound
from ...imaging.pixels import Array, pixel_sha256, to_unit
from ...text.errors import Skip
from ...track.info import Info
from .mapped_picture import MappedPicture, values_of


def degrade_mapped(regime: Bound, item: MappedPicture, seed: int, draw: int = 0) -> tuple[Array, Info]:
    """The picture under a regime, float32 (H, W, C), and what is disclosed.

    All of it depends on the values of the picture, the regime, `seed` and `draw` alone. Raises `Skip` where the regime
    takes noisy pictures of the dataset's own, or makes another size, which the map would not fit.
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
    if x.shape[:2] != values.shape[:2]:
        raise Skip(f"regime {regime.display} makes pictures of another size, which a label map does not fit")
    given = np.ascontiguousarray(x, dtype=np.float32)
    return given, Info({**told, "shape": given.shape[:2], "classes": len(item.classes)}, key)
