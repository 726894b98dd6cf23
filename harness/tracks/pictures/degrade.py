"""What a regime makes of the picture of an item with classes; the regimes are those of the track `restore`."""

from __future__ import annotations

import numpy as np

from ...components.calls import degraded_in_turn
from ...components.keyed_noise import keyed_generator, noise_key
from ...components.registry import Bound
from ...imaging.pixels import Array, as_hwc, canonical, pixel_sha256, to_unit
from ...text.errors import Skip, UsageError
from ...track.info import Info


def degrade_picture(regime: Bound, values: Array, seed: int, draw: int, classes: int) -> tuple[Array, Info]:
    """`values` (H, W, C) under a regime, float32 (H', W', C), and what is disclosed. Raises `Skip` where there is none.

    All of it depends on the values of the picture, the regime, `seed` and `draw` alone.
    """
    for part in regime.parts:
        if part.entry.meta["source"] != "clean":
            raise Skip(f"regime {part.entry.name} needs a dataset that has noisy pictures of its own")
    key = noise_key(regime, seed, pixel_sha256(values), draw)
    x, disclosed = degraded_in_turn(regime, to_unit(values), keyed_generator(key), resizes=True)
    given = np.ascontiguousarray(x, dtype=np.float32)
    return given, Info({**disclosed, "shape": given.shape[:2], "classes": classes}, key)


def checked_values(picture: Array, who: str) -> Array:
    """A picture as float32 on [0, 1] or integers, (H, W, C). Raises `UsageError` for what is none."""
    picture = np.asarray(picture)
    if picture.ndim not in (2, 3) or picture.size == 0:
        raise UsageError(f"{who}: its picture has shape {picture.shape}: (H, W) or (H, W, C) is due")
    values = canonical(as_hwc(picture))
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise UsageError(f"{who}: a picture of floats is on [0, 1]")
    return values
