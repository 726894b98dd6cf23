"""One labelled picture as an item."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...imaging.pixels import Array, pixel_sha256, to_unit
from ...text.errors import UsageError, one_line
from ...text.short_text import short
from ..pictures.degrade import checked_values

NO_CLASS = -1
"""The label of a picture that shows none of the classes."""


@dataclass(frozen=True)
class LabelledPicture:
    """A picture, uint8, uint16 or float32 [0, 1], (H, W) or (H, W, C), and the place of its class in `classes`.

    `annotated` is the label that an annotator gave, where that is not the true one: it alone is trained on. A picture
    that shows none of the classes has the label `NO_CLASS` and what an annotator took it for. Pictures of one `group`
    (an object, a person) count as one in every test. `regions` are integers (H, W): the place of the class that each
    pixel shows, -1 where it shows none. Maps are judged by them; no method and no training is told them.

    `picture` is as the dataset has it; what is fitted outside a training is fitted to `as_given` and `given_label`.
    """

    id: str
    picture: Array
    label: int
    classes: Sequence[str]
    annotated: int | None = None
    group: str = ""
    regions: Array | None = None

    @property
    def given_label(self) -> int:
        """The label that a training is told."""
        return self.label if self.annotated is None else self.annotated

    @property
    def as_given(self) -> Array:
        """The picture as a method is given it where nothing is done to it: float32 (H, W, C) on [0, 1]."""
        return to_unit(values_of(self)).astype(np.float32)

    def __repr__(self) -> str:
        return f"LabelledPicture({short(self.id)}, picture={short(self.picture)}, label={self.label})"


def values_of(item: LabelledPicture) -> Array:
    """The picture as float32 or integers (H, W, C). Raises `UsageError` for what is no labelled picture."""
    who = one_line(repr(item.id), 60)
    values = checked_values(item.picture, who)
    for label in (item.given_label if item.label == NO_CLASS else item.label, item.given_label):
        if not 0 <= label < len(item.classes):
            raise UsageError(f"{who}: label {label} is none of its {len(item.classes)} classes")
    if item.regions is not None:
        shape, kind = item.regions.shape, item.regions.dtype.kind
        if shape != values.shape[:2] or kind not in "iu":
            raise UsageError(
                f"{who}: its regions are {item.regions.dtype} {shape}: integers {values.shape[:2]} are due"
            )
        if item.regions.min() < -1 or item.regions.max() >= len(item.classes):
            raise UsageError(f"{who}: its regions name more than its {len(item.classes)} classes: -1 is for none")
    return values


def values_sha256(item: LabelledPicture) -> str:
    """The hash of the picture's values: two labels of one picture do not make it two."""
    return pixel_sha256(values_of(item))


def regions_sha256(item: LabelledPicture) -> str:
    """The hash of where each class is shown."""
    return hashlib.sha256(np.ascontiguousarray(item.regions, dtype="<i4").data).hexdigest()
