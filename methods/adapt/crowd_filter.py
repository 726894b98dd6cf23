"""Wisdom of crowds: TENT that learns only from pictures of whose class it became surer by all the others."""

from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.adapt._adapting import Labelled, Learner, Rate, normalised_by_batch, surer


@nb.method(
    "crowd_filter",
    track="adapt",
    shows_source=True,
    cite="J. Lee et al., Towards open-set test-time adaptation utilizing the wisdom of crowds in entropy minimization, "
    "ICCV 2023",
)
class CrowdFilter:
    """Wisdom of crowds: TENT that learns only from pictures of whose class it became surer by all the others.

    As `tent(method, lr)`, but a picture is left out where the probability of the class that the classifier gave it
    before it learned is lower now than then: others of that class did not bear it out, so it is wrong or of an unknown
    class. The classifier before has the statistics of the batch too.
    """

    def __init__(self, *, method: Labelled, lr: Rate = 0.001) -> None:
        self.inner, self.lr = nb.Classifier(method), lr

    def setup(self, device: Any) -> None:
        """Set up the classifier. Raises `Skip` where its weights are missing, `UsageError` without batch norm."""
        self.inner.setup(device)
        self.source = normalised_by_batch(self.inner, "crowd_filter")

    def begin(self, info: Any) -> None:
        """Forget what was learned."""
        self.learner = Learner(self.source, self.lr)

    def classify(self, pictures: Any, info: Any) -> Any:
        """(B, C, H, W) → logits and those of the source, (B, 2 K)."""
        return self.learner.step(pictures, surer)
