"""One picture with the class of each of its pixels, as an item."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...imaging.pixels import Array, pixel_sha256
from ...text.errors import UsageError, one_line
from ...text.short_text import short
from ..pictures.degrade import checked_values

UNLABELLED = -1
"""Of a pixel whose class nobody knows: no loss and no score looks at it."""


@dataclass(frozen=True)
class MappedPicture:
    """A picture, uint8, uint16 or float32 [0, 1], (H, W) or (H, W, C), and its label map, integers (H, W).

    A label is the place of a class in `classes`, or `UNLABELLED`. `background` is the class of what is no object, where
    there is such. `annotated` is the map of an annotator, where that is not the true one: it alone is trained on.
    Pictures of one `group` count as one in every test.
    """

    id: str
    picture: Array
    labels: Array
    classes: Sequence[str]
    background: int | None = None
    annotated: Array | None = None
    group: str = ""

    @property
    def given_labels(self) -> Array:
        """The map that a training is told."""
        return self.labels if self.annotated is None else self.annotated

    def __repr__(self) -> str:
        return f"MappedPicture({short(self.id)}, picture={short(self.picture)}, labels={short(self.labels)})"


def values_of(item: MappedPicture) -> Array:
    """The picture as float32 or integers (H, W, C). Raises `UsageError` for what is no picture with its map."""
    who = one_line(repr(item.id), 60)
    values = checked_values(item.picture, who)
    classes = len(item.classes)
    for labels in (item.labels, item.given_labels):
        if labels.shape != values.shape[:2] or labels.dtype.kind not in "iu":
            raise UsageError(f"{who}: its map is {labels.dtype} {labels.shape}: integers {values.shape[:2]} are due")
        if labels.min() < UNLABELLED or labels.max() >= classes:
            raise UsageError(f"{who}: its map names more than its {classes} classes: {UNLABELLED} is for unlabelled")
    if item.background is not None and not 0 <= item.background < classes:
        raise UsageError(f"{who}: its background {item.background} is none of its {classes} classes")
    return values


def values_sha256(item: MappedPicture) -> str:
    """The hash of the picture's values: two maps of one picture do not make it two."""
    return pixel_sha256(values_of(item))


def map_sha256(labels: Array) -> str:
    """The hash of a label map."""
    little = np.ascontiguousarray(labels, dtype="<i4")
    return hashlib.sha256(repr(little.shape).encode() + little.tobytes()).hexdigest()
