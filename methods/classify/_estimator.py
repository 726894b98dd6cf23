"""What classifiers of scikit-learn share: they are fitted to the pictures of a set before the first one is asked."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.datasets.classify._arrays import labelled_arrays


class PixelClassifier:
    """Fitted to the pixels of `data`, with the labels that annotators gave."""

    def __init__(self, data: nb.Bound) -> None:
        self.data = data

    @staticmethod
    def flags(*, data: nb.Bound, **others: Any) -> dict[str, Any]:
        """Fitted to its data."""
        return {"trained_on": (data.display,)}

    def estimator(self) -> Any:
        """What is fitted."""
        raise NotImplementedError

    def logits(self, pixels: Any) -> Any:
        """What the fitted one says of pixels (1, D): logits of the classes that it was told, (M,)."""
        raise NotImplementedError

    def setup(self, device: Any) -> None:
        """Fit it. Raises `UsageError` where the pictures differ in size or classes."""
        arrays = labelled_arrays(self.data)
        self.shape = (*arrays.pictures.shape[2:], arrays.pictures.shape[1])
        self.classes = len(arrays.classes)
        pixels = arrays.pictures.transpose(0, 2, 3, 1).reshape(len(arrays.pictures), -1)
        self.fitted = self.estimator().fit(pixels, arrays.labels)

    def classify(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → logits (K,); a class that no picture of `data` has is hardly possible."""
        if picture.shape != self.shape or info.classes != self.classes:
            raise nb.Skip(
                f"fitted to {self.classes} classes of pictures {self.shape}, not to {info.classes} of {picture.shape}"
            )
        logits = np.full(self.classes, -50.0, np.float32)
        logits[self.fitted.classes_] = self.logits(picture.reshape(1, -1))
        return logits
