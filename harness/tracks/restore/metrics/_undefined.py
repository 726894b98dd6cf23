"""Why a pair of pictures has no score."""

from __future__ import annotations

from collections.abc import Sequence

from ....errors import NotDefined


def nothing_left() -> NotDefined:
    """The score of pictures of which the protocol cuts everything away."""
    return NotDefined("the border of the protocol leaves no pixel")


def too_small(shape: Sequence[int], name: str, least: int) -> NotDefined:
    """The score of pictures, (H, W, …), with fewer than `least` rows or columns."""
    return NotDefined(f"{name} needs at least {least}×{least} pixels, not {shape[0]}×{shape[1]}")
