from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.adapt._adapting import Labelled


@nb.method("source", track="adapt", layout="hwc", role="baseline")
class SourceClassifier:
    """The classifier as it is: it learns nothing from the stream.

    method: any method of the track `classify`.
    """

    def __init__(self, *, method: Labelled) -> None:
        self.inner = nb.Classifier(method)

    def setup(self, device: Any) -> None:
        """Set up the classifier. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def classify(self, pictures: Any, info: Any) -> Any:
        """float32 (B, H, W, C) → logits (B, K)."""
        return self.inner.classify_all(list(pictures), info.replace(shape=np.shape(pictures)[1:3]))
