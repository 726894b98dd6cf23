from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import noisebench as nb
import numpy as np
from noisebench.tracks.classify import LabelledPicture

CLASSES = ("known", "unknown")


class KnownAndUnknown:
    """All pictures of one set, and behind them all of another."""

    def __init__(self, known: nb.Dataset, unknown: nb.Dataset) -> None:
        self._sides = (known, unknown)
        self.ids: Sequence[str] = [
            f"{kind}_{name}" for kind, side in zip(CLASSES, self._sides, strict=True) for name in side.ids
        ]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, as its set has it."""
        known, unknown = self._sides
        label = int(index >= len(known.ids))
        item: LabelledPicture = unknown.load(index - len(known.ids)) if label else known.load(index)
        return replace(item, id=self.ids[index], label=label, annotated=None, classes=CLASSES, regions=None)


@nb.dataset(
    "known_and_unknown",
    track="classify",
    licence="that of the other sets",
    citation="D. Hendrycks, K. Gimpel, A baseline for detecting misclassified and out-of-distribution examples in "
    "neural networks, ICLR 2017",
)
def known_and_unknown(*, of: nb.DatasetSpec, unknown: nb.DatasetSpec) -> KnownAndUnknown:
    """Pictures of what a classifier knows, and of what it does not: what out-of-distribution detection tells apart.

    of: a set of the classes that a classifier was trained on, with other pictures. unknown: another set, of pictures of
    the same size, none of which is of those classes: that is up to you. The classes are known and unknown. A detector
    sees the pictures alone: `auroc` and `fpr95` say how well it tells them apart.
    """
    known, others = nb.open_dataset(of), nb.open_dataset(unknown)
    if not len(known.ids) or not len(others.ids):
        empty = unknown if len(known.ids) else of
        raise nb.UsageError(f"dataset known_and_unknown: {empty.display} has no pictures")
    shapes = [np.asarray(one.load(0).picture).shape for one in (known, others)]
    if shapes[0] != shapes[1]:
        raise nb.UsageError(
            f"dataset known_and_unknown: pictures of {unknown.display} are {shapes[1]}, those of {of.display} "
            f"{shapes[0]}: give sets of one size"
        )
    return KnownAndUnknown(known, others)
