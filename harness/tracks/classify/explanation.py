"""What a classifier says of a picture and why: logits and saliency maps, as one array and apart again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...imaging.pixels import Array
from ...text.errors import Invalid, NotDefined
from ...track.runner import refuse_not_finite

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Explanation:
    """What a metric with `maps` is given of one picture.

    `log_p` (K,) are log-probabilities, `maps` (K, H, W) say of each class which pixels speak for it. `unlearned` are
    those of the same method before a network without its training, where there are such. `regions` (H, W) is the place
    of the class that each pixel shows, -1 where it shows none, as far as the dataset knows; `label` is the true class.
    """

    log_p: Floats
    maps: Array
    unlearned: Array | None
    label: int
    regions: Array | None


def own_region(explanation: Explanation) -> npt.NDArray[np.bool_] | NotDefined:
    """Where the true class is shown, (H, W)."""
    if explanation.regions is None:
        return NotDefined("the dataset does not say what shows the class")
    if explanation.regions.shape != explanation.maps.shape[1:]:
        return NotDefined("the picture that was given is of another size than the true one")
    inside: npt.NDArray[np.bool_] = explanation.regions == explanation.label
    return inside if inside.any() else NotDefined("nothing of the picture shows its class")


def packed(logits: Array, maps: Sequence[Any], size: tuple[int, int]) -> Array:
    """Logits (K,) and behind each those of its maps, row by row: float32 (K, 1 + M·H·W).

    A map (H, W) is that of every class. Raises `Invalid` for another shape or type, NaN or Inf.
    """
    columns = [logits[:, None]]
    for one in maps:
        values = one.detach().cpu().float().numpy() if hasattr(one, "detach") else one
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
            raise Invalid(f"returned {type(one).__name__} where a map was due")
        if values.shape not in (size, (len(logits), *size)):
            raise Invalid(f"returned a map of shape {values.shape} where {(len(logits), *size)} or {size} was due")
        refuse_not_finite(values)
        columns.append(np.broadcast_to(values, (len(logits), *size)).reshape(len(logits), -1))
    return np.ascontiguousarray(np.concatenate(columns, axis=1), dtype=np.float32)


def unpacked(output: Array, size: tuple[int, int]) -> tuple[Array, tuple[Array, ...]]:
    """Logits (K,) and maps, each (K, H, W), of what `packed` made. Raises `Invalid` for maps of another size."""
    pixels = size[0] * size[1]
    if output.ndim != 2 or (output.shape[1] - 1) % pixels or output.shape[1] == 1:
        raise Invalid(f"returned {output.shape} where logits and maps of {size} were due")
    maps = output[:, 1:].reshape(len(output), -1, *size).transpose(1, 0, 2, 3)
    return output[:, 0], tuple(np.ascontiguousarray(one) for one in maps)
