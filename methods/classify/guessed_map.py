from __future__ import annotations

from typing import Any, Literal

import noisebench as nb
import numpy as np


@nb.method("guessed_map", track="classify", layout="hwc", explains=True, role="sanity")
class GuessedMap:
    """A map that no network had part in: what every explanation must beat.

    kind: `flat` is the same everywhere, `random` is drawn for each pixel and class, `centre` is a Gaussian in the
    middle, a fourth of the sides wide, and `edges` is the size of the picture's own gradient (Sobel). method: whose
    logits are given.
    """

    def __init__(
        self, *, kind: Literal["flat", "random", "centre", "edges"] = "flat", method: nb.MethodSpec = "uniform"
    ) -> None:
        self.kind, self.inner = kind, nb.Classifier(method)

    def setup(self, device: Any) -> None:
        """Set up the classifier within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → logits (K,) and one map (H, W), or random ones (K, H, W)."""
        return self.inner.classify(picture, info)[: info.classes], self._map(picture, info)

    def _map(self, picture: Any, info: Any) -> Any:
        height, width = picture.shape[:2]
        if self.kind == "random":
            return info.rng.random((info.classes, height, width), np.float32)
        if self.kind == "edges":
            from scipy import ndimage

            grey = picture.mean(axis=2)
            return np.hypot(ndimage.sobel(grey, axis=0), ndimage.sobel(grey, axis=1))
        if self.kind == "centre":
            down, across = ((np.arange(n) - (n - 1) / 2) / (n / 4) for n in (height, width))
            return np.exp(-np.add.outer(down**2, across**2) / 2)
        return np.ones((height, width), np.float32)
