"""TENT: the batch norms of a classifier learn from a stream to be sure of what comes."""

from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.adapt._adapting import Labelled, Learner, Rate, all_kept, normalised_by_batch


@nb.method(
    "tent",
    track="adapt",
    shows_source=True,
    cite="D. Wang et al., Tent: fully test-time adaptation by entropy minimization, ICLR 2021",
)
class Tent:
    """TENT: the batch norms of a classifier learn from a stream to be sure of what comes.

    method: of the track `classify`, whose network has batch norm; these use the statistics of each batch. lr: of Adam,
    by which their scales and shifts make the mean entropy of a batch smaller, one step a batch, after its classes were
    told. Each stream begins with the classifier as it was trained.
    """

    def __init__(self, *, method: Labelled, lr: Rate = 0.001) -> None:
        self.inner, self.lr = nb.Classifier(method), lr

    def setup(self, device: Any) -> None:
        """Set up the classifier. Raises `Skip` where its weights are missing, `UsageError` without batch norm."""
        self.inner.setup(device)
        self.source = normalised_by_batch(self.inner, "tent")

    def begin(self, info: Any) -> None:
        """Forget what was learned."""
        self.learner = Learner(self.source, self.lr)

    def classify(self, pictures: Any, info: Any) -> Any:
        """(B, C, H, W) → logits and those of the source, (B, 2 K)."""
        return self.learner.step(pictures, all_kept)
