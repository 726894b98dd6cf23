"""What detectors share that look into the classifier of a picture: its logits and its last hidden layer."""

from __future__ import annotations

from typing import Any, Literal

import noisebench as nb
import numpy as np
from noisebench.methods.classify._detecting import Detector
from noisebench.methods.classify._explaining import network_within
from noisebench.methods.restore._wrapping import refuse_unwrappable

Looks = Literal["hidden", "pixels"]


class ClassifierDetector(Detector):
    """A detector that asks `method`, the classifier that may have been attacked."""

    def __init__(self, who: str, method: nb.Bound, data: nb.Bound, references: int) -> None:
        super().__init__(data, references)
        refuse_unwrappable(who, method)
        self.who, self.inner = who, nb.Classifier(method)

    def setup(self, device: Any) -> None:
        """Set up the classifier, then fit. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)
        super().setup(device)

    def logits(self, pictures: Any, classes: int) -> Any:
        """Of pictures (N, C, H, W), float64 (N, K)."""
        info = nb.Info({"classes": classes, "shape": pictures.shape[2:]}, b"detected")
        given = [np.ascontiguousarray(one.transpose(1, 2, 0), np.float32) for one in pictures]
        return np.concatenate([
            self.inner.classify_all(given[start : start + 250], info).astype(np.float64)
            for start in range(0, len(given), 250)
        ])  # fmt: skip

    def hidden(self, pictures: Any, classes: int) -> tuple[Any, Any]:
        """Logits (N, K), and the input of the last linear layer of the one network inside, float64 (N, F)."""
        from torch import nn

        _, net = network_within(self.who, self.inner)
        layers = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
        if not layers:
            raise nb.Skip(f"{self.who}: {self.inner.bound.display} has no linear layer: give on=pixels")
        inputs: list[Any] = []
        rows: list[Any] = []
        logits: list[Any] = []
        handle = layers[-1].register_forward_pre_hook(lambda _, given: inputs.append(given[0].detach().flatten(1)))
        try:
            for start in range(0, len(pictures), 250):
                part = pictures[start : start + 250]
                inputs.clear()
                logits.append(self.logits(part, classes))
                # A batch may be asked about once more, for its first picture by itself: the last call is that of all.
                rows.append(np.concatenate([one.double().cpu().numpy() for one in inputs])[-len(part) :])
        finally:
            handle.remove()
        return np.concatenate(logits), np.concatenate(rows)

    def seen(self, pictures: Any, on: Looks, classes: int) -> tuple[Any, Any]:
        """The likeliest class of each picture, (N,), and its features, (N, F)."""
        if on == "pixels":
            return self.logits(pictures, classes).argmax(axis=1), pictures.reshape(len(pictures), -1).astype(np.float64)
        logits, rows = self.hidden(pictures, classes)
        return logits.argmax(axis=1), rows
