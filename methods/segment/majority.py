"""The commonest class everywhere: what every segmentation must beat."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.tracks.segment import UNLABELLED


@nb.method("majority", track="segment", role="baseline", layout="hwc")
class Majority:
    """The commonest class everywhere: logits (K, H, W) are the logarithms of how common each class is in `data`."""

    def __init__(self, *, data: nb.DatasetSpec = "ellipses(n=100, split=train)") -> None:
        self.data = data

    @staticmethod
    def flags(*, data: nb.Bound) -> dict[str, Any]:
        """Counted in its data; blind, for it is told nothing."""
        return {"blind": True, "trained_on": (data.display,)}

    def setup(self, device: Any) -> None:
        """Count the labels that annotators gave; each class once more, so that none is impossible."""
        dataset = nb.open_dataset(self.data)
        items = [dataset.load(index) for index in range(len(dataset.ids))]
        counts = np.ones(len(items[0].classes))
        for item in items:
            if len(item.classes) != len(counts):
                raise nb.UsageError(f"dataset {self.data.display}: pictures differ in classes: give a set of one kind")
            labels = item.given_labels[item.given_labels != UNLABELLED]
            counts += np.bincount(labels.ravel(), minlength=len(counts))
        self.logits = np.log(counts / counts.sum()).astype(np.float32)

    def segment(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → logits (K, H, W)."""
        if info.classes != len(self.logits):
            raise nb.Skip(f"counted {len(self.logits)} classes in its data, not {info.classes}")
        return np.broadcast_to(self.logits[:, None, None], (info.classes, *picture.shape[:2])).copy()
