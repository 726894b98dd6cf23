"""What a regime makes of a picture whose label map stays what it is."""

from __future__ import annotations

from ...components.registry import Bound
from ...imaging.pixels import Array
from ...text.errors import Skip
from ...track.info import Info
from ..pictures.degrade import degrade_picture
from .mapped_picture import MappedPicture, values_of


def degrade_mapped(regime: Bound, item: MappedPicture, seed: int, draw: int = 0) -> tuple[Array, Info]:
    """The picture under a regime, float32 (H, W, C), and what is disclosed: see `degrade_picture`.

    Raises `Skip` where the regime makes another size too, which the map would not fit.
    """
    given, info = degrade_picture(regime, values_of(item), seed, draw, len(item.classes))
    if given.shape[:2] != item.labels.shape:
        raise Skip(f"regime {regime.display} makes pictures of another size, which a label map does not fit")
    return given, info
