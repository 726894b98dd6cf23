"""Why a pair of pictures has no score."""

from __future__ import annotations

from collections.abc import Sequence

from ....text.errors import NotDefined
from ..pairs import Pair


def nothing_left() -> NotDefined:
    """The score of pictures of which the protocol cuts everything away."""
    return NotDefined("the border of the protocol leaves no pixel")


def too_small(shape: Sequence[int], name: str, least: int) -> NotDefined:
    """The score of pictures, (H, W, …), with fewer than `least` rows or columns."""
    return NotDefined(f"{name} needs at least {least}×{least} pixels, not {shape[0]}×{shape[1]}")


def nothing_missing(pair: Pair, name: str) -> NotDefined:
    """The score of a picture of which no pixel is known to be missing, or none that the metric looks at."""
    if pair.missing is None:
        return NotDefined(f"{name} needs a regime that discloses a mask, and an input of the size of the result")
    return NotDefined(f"{name}: no pixel is missing")
