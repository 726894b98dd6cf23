"""What datasets of `generate` share: numbered batches of latents before one reference, and pictures to train on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.generate import LatentBatch, Law, Reference, TrainingPicture

Split = Literal["test", "train"]
Batches = Annotated[int, Ge(1), Le(10_000)]
Count = Annotated[int, Ge(1), Le(100_000)]


class LatentBatches:
    """`n` batches of `count` latents each; the reference is read once, and is the same for all.

    With `labels` batches ask for the classes by turns, or in their shares where those are not equal.
    """

    def __init__(
        self,
        n: int,
        count: int,
        reference: Callable[[], Reference],
        *,
        shares: Sequence[float] | None = None,
        law: Callable[[], Law] | None = None,
    ) -> None:
        self.ids: Sequence[str] = [f"batch-{number:03d}" for number in range(n)]
        self._count, self._read, self._shares, self._law = count, reference, shares, law

    @cached_property
    def _reference(self) -> Reference:
        return self._read()

    @cached_property
    def law(self) -> Law | None:
        """That of the reference pictures, None where it is not known; the reference is not read for it."""
        return None if self._law is None else self._law()

    def load(self, index: int) -> LatentBatch:
        """Batch `index`."""
        labels = None
        if self._shares is not None:
            # Over all batches: so that a rare class is asked for as often as it is due.
            first = range(len(self.ids))[index] * self._count
            labels = by_turns(self._shares, first + self._count)[first:]
        return LatentBatch(self.ids[index], self._count, self._reference, labels, self.law)


def by_turns(shares: Sequence[float], count: int) -> Any:
    """Labels (N,) int64, of which any first ones hold each class about as often as its share says."""
    times = [(np.arange(int(count * share) + 2) + 0.5) / share for share in shares if share > 0]
    classes = [np.full(len(one), k) for one, k in zip(times, np.flatnonzero(shares), strict=True)]
    return np.concatenate(classes)[np.argsort(np.concatenate(times), kind="stable")][:count].astype(np.int64)


class TrainingPictures:
    """Pictures (N, C, H, W) on [-1, 1] that are read once."""

    def __init__(self, ids: Sequence[str], read: Callable[[], tuple[Any, Any]]) -> None:
        self.ids = ids
        self._read = read

    @cached_property
    def _arrays(self) -> tuple[Any, Any]:
        return self._read()

    def load(self, index: int) -> TrainingPicture:
        """Picture `index`."""
        pictures, labels = self._arrays
        return TrainingPicture(self.ids[index], pictures[index], -1 if labels is None else int(labels[index]))


def chosen_of(of: str, split: Split, n: int | None) -> tuple[nb.Dataset, list[int]]:
    """A set of `classify`, and places of `n` of its pictures: those whose ids have the least hashes; none is all."""
    dataset = nb.open_dataset(nb.bind(f"{of}(split={split})", "dataset", "classify"))
    order = sorted(range(len(dataset.ids)), key=lambda i: nb.text_key(f"chosen|{dataset.ids[i]}"))
    return dataset, order[:n]


def labelled_pictures(of: str, split: Split, n: int | None) -> tuple[Any, Any]:
    """Pictures float32 (N, C, H, W) on [-1, 1] and labels int64 (N,) of a set of `classify`."""
    dataset, places = chosen_of(of, split, n)
    items = [dataset.load(index) for index in places]
    pictures = np.stack([_scaled(np.asarray(item.picture)) for item in items])
    return pictures, np.array([item.label for item in items], np.int64)


def _scaled(picture: Any) -> Any:
    whole = np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 1.0
    hwc = picture[:, :, None] if picture.ndim == 2 else picture
    return (2 * (hwc.astype(np.float64) / whole) - 1).transpose(2, 0, 1).astype(np.float32)


def pictures_of(
    of: str, split: Split, n: int, count: int, reference: int, trained: int | None, labels: bool
) -> LatentBatches | TrainingPictures:
    """A set of `classify` as one of `generate`: batches before its test pictures, or its training pictures."""
    if split == "train":
        dataset, places = chosen_of(of, "train", trained)
        return TrainingPictures([dataset.ids[i] for i in places], lambda: labelled_pictures(of, "train", trained))

    def read() -> Reference:
        pictures, classes = labelled_pictures(of, "test", reference)
        known, known_classes = labelled_pictures(of, "train", trained)
        return Reference(pictures, classes, known, known_classes)

    return LatentBatches(n, count, read, shares=[0.1] * 10 if labels else None)
