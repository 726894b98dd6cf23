from __future__ import annotations

from typing import Any

import noisebench as nb
import torch
from noisebench.methods.adapt._adapting import Labelled, normalised_by_batch, refuse_other_channels

_STATISTICS = "S. Schneider et al., Improving robustness against common corruptions by covariate shift adaptation, 2020"


@nb.method("batch_statistics", track="adapt", cite=_STATISTICS)
class BatchStatistics:
    """Batch statistics: the batch norms of a classifier use the mean and the variance of what has just come.

    method: of the track `classify`, whose network has batch norm, such as `trained(arch=small_cnn)`. Nothing is
    learned.
    """

    def __init__(self, *, method: Labelled) -> None:
        self.inner = nb.Classifier(method)

    def setup(self, device: Any) -> None:
        """Set up the classifier. Raises `Skip` where its weights are missing, `UsageError` without batch norm."""
        self.inner.setup(device)
        self.net = normalised_by_batch(self.inner, "batch_statistics")

    def classify(self, pictures: Any, info: Any) -> Any:
        """(B, C, H, W) → logits (B, K). Raises `Skip` for other channels."""
        refuse_other_channels(self.inner, pictures)
        with torch.no_grad():
            return self.net(pictures)
