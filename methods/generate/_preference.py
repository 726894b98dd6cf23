"""A classifier as judge of samples: how sure it is that they are of the class that was asked for."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le

Classifier = Annotated[Any, nb.Nested("method", track="classify")]
Classes = Annotated[int, Ge(2), Le(100_000)]


class Preference:
    """Any method of `classify`, which is given pictures on [0, 1] and nothing else."""

    def __init__(self, classifier: nb.Bound, classes: int) -> None:
        if any(entry.meta.get("oracle") for entry in classifier.entries):
            raise nb.UsageError(
                f"{classifier.display} needs the truth, which samples do not have: give another classifier"
            )
        self.inner, self.classes = nb.Classifier(classifier), classes

    def setup(self, device: Any) -> None:
        """Set up the classifier. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def logits(self, samples: Any) -> Any:
        """Of samples (N, C, H, W) on [-1, 1], float64 (N, K) on the CPU."""
        import torch

        pictures = ((samples.cpu().float() + 1) / 2).clamp(0, 1).permute(0, 2, 3, 1).numpy()
        info = nb.Info({"classes": self.classes, "shape": pictures.shape[1:3]})
        return torch.from_numpy(self.inner.classify_all(list(np.ascontiguousarray(pictures)), info)).double()

    def __call__(self, samples: Any, labels: Any) -> Any:
        """The log odds of the classes `labels` (N,), float64 (N,) on the CPU. Raises `UsageError` for others."""
        from noisebench.recipes.objectives._attack import log_odds

        return log_odds(self.logits(samples), known(labels, self.classes).cpu())


def known(labels: Any, classes: int) -> Any:
    """The labels (N,) as a tensor, int64. Raises `UsageError` for one beyond the known classes."""
    import torch

    wanted = torch.as_tensor(labels)
    if len(wanted) and int(wanted.max()) >= classes:
        raise nb.UsageError(f"class {int(wanted.max())} is beyond classes={classes}: give more for classes=")
    return wanted
