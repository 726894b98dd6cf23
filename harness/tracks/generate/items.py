"""The items of `generate`: a batch of latents with the reference set, and one picture of a training set."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...text.errors import UsageError, one_line

if TYPE_CHECKING:
    from .law import Law

Pictures = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Reference:
    """What samples are compared with: pictures float32 (M, C, H, W), nominally on [-1, 1], never shown to a method.

    `labels` (M,) are the places of their classes, None where there are none. `trained` and `trained_labels` are the
    training pictures of the same set (T, C, H, W), against which copies show; None where there are none.
    """

    pictures: Pictures
    labels: Labels | None = None
    trained: Pictures | None = None
    trained_labels: Labels | None = None

    def __post_init__(self) -> None:
        for array in (self.pictures, self.trained):
            if array is not None and not (array.ndim == 4 and array.dtype == np.float32 and np.isfinite(array).all()):
                raise UsageError(f"reference pictures are finite float32 (M, C, H, W), not {array.dtype} {array.shape}")

    @cached_property
    def sha256(self) -> str:
        """The hash of all of it."""
        return _hash(self.pictures, self.labels, self.trained, self.trained_labels)


@dataclass(frozen=True, eq=False)
class LatentBatch:
    """A batch of `count` latents that depend on its id and the seed alone; pictures are wanted of them.

    `labels` (N,) say of which class each is to be, None where nothing is asked. `law` is that of the reference
    pictures, where it is known.
    """

    id: str
    count: int
    reference: Reference
    labels: Labels | None = None
    law: Law | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """That of one picture, (C, H, W)."""
        return self.reference.pictures.shape[1:]

    def __repr__(self) -> str:
        return f"LatentBatch({one_line(self.id, 60)}, {self.count} of {self.shape})"


@dataclass(frozen=True, eq=False)
class TrainingPicture:
    """A picture to train a model on, float32 (C, H, W), nominally on [-1, 1], and the place of its class (-1: none).

    As an item of a validation it is given with noise of several levels, and a model is to take it away.
    """

    id: str
    picture: Pictures
    label: int = -1

    def __repr__(self) -> str:
        return f"TrainingPicture({one_line(self.id, 60)}, {self.picture.shape}, label={self.label})"


def _hash(*arrays: npt.NDArray[Any] | None) -> str:
    sha = hashlib.sha256()
    for array in arrays:
        kind = "-" if array is None else f"{array.dtype.str} {array.shape}"
        sha.update(kind.encode() + (b"" if array is None else np.ascontiguousarray(array).tobytes()))
    return sha.hexdigest()


def item_line(item: Any) -> str:
    """Id and hashes, on one line. Raises `UsageError` for what is no item of this track."""
    if isinstance(item, TrainingPicture):
        if item.picture.ndim != 3 or item.picture.dtype != np.float32:
            raise UsageError(f"{one_line(repr(item.id), 60)}: a training picture is float32 (C, H, W)")
        return f"{item.id!r} {_hash(item.picture)} {item.label}"
    if not isinstance(item, LatentBatch):
        raise UsageError(f"an item of generate is a LatentBatch or a TrainingPicture, not {type(item).__name__}")
    if item.count < 1 or (item.labels is not None and item.labels.shape != (item.count,)):
        raise UsageError(f"{one_line(repr(item.id), 60)}: a batch has one latent or more, and a label for each or none")
    law = item.law.sha256 if item.law is not None else "-"
    return f"{item.id!r} {item.count} {item.reference.sha256} {_hash(item.labels)} {law}"


def picture_sha256(item: Any) -> str:
    """What tells two truths apart: of a training picture its values, of a batch all of it."""
    return (
        _hash(item.picture)
        if isinstance(item, TrainingPicture)
        else hashlib.sha256(item_line(item).encode()).hexdigest()
    )
