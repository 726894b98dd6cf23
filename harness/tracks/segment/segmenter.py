"""A method ready to be called on pictures, for the class of each pixel."""

from __future__ import annotations

from typing import Any

from ...imaging.pixels import Array
from ...track.posed_case import Case
from ..pictures.picture_runner import LogitRunner, accepted_logits


class Segmenter(LogitRunner):
    """A method `f(picture, info, **params)`, or a class with `segment(picture, info)`: logits (K, H, W) of K classes.

    The picture is float32 (H, W, C), or with `layout="tensor"` a tensor (1, C, H, W); the logits of a tensor may be
    (1, K, H, W). Logits are log-probabilities up to a constant a pixel.
    """

    verb = "segment"

    def accept(self, output: Any, case: Case) -> Array:
        """Logits float32 (K, H, W). Raises `Invalid` for another shape or type, NaN or Inf."""
        return accepted_logits(output, case.wanted)
