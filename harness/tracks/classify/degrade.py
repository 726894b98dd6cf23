"""What a regime makes of a labelled picture."""

from __future__ import annotations

from ...components.registry import Bound
from ...imaging.pixels import Array
from ...track.info import Info
from ..pictures.degrade import degrade_picture
from .labelled_picture import LabelledPicture, values_of


def degrade_labelled(regime: Bound, item: LabelledPicture, seed: int, draw: int = 0) -> tuple[Array, Info]:
    """The picture under a regime, float32 (H', W', C), and what is disclosed: see `degrade_picture`."""
    return degrade_picture(regime, values_of(item), seed, draw, len(item.classes))
