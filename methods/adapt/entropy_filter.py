"""Entropy filter: TENT that learns only from pictures of which it is sure enough."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Gt, Le
from noisebench.methods.adapt._adapting import Labelled, Learner, Rate, normalised_by_batch, sure_enough


@nb.method(
    "entropy_filter",
    track="adapt",
    shows_source=True,
    cite="S. Niu et al., Efficient test-time model adaptation without forgetting, ICML 2022",
)
class EntropyFilter:
    """Entropy filter: TENT that learns only from pictures of which it is sure enough.

    As `tent(method, lr)`, of pictures whose entropy is below the share `below` of that of an even guess, log K. It is
    the first of the two rules of EATA; all that are learned from weigh alike.
    """

    def __init__(self, *, method: Labelled, lr: Rate = 0.001, below: Annotated[float, Gt(0), Le(1)] = 0.4) -> None:
        self.inner, self.lr, self.below = nb.Classifier(method), lr, below

    def setup(self, device: Any) -> None:
        """Set up the classifier. Raises `Skip` where its weights are missing, `UsageError` without batch norm."""
        self.inner.setup(device)
        self.source = normalised_by_batch(self.inner, "entropy_filter")

    def begin(self, info: Any) -> None:
        """Forget what was learned."""
        self.learner = Learner(self.source, self.lr)

    def classify(self, pictures: Any, info: Any) -> Any:
        """(B, C, H, W) → logits and those of the source, (B, 2 K)."""
        return self.learner.step(pictures, sure_enough(self.below))
