"""What methods share that take the gradient of a classifier in its input."""

from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.restore.attacked import gradients


def refuse_numpy(inner: nb.Classifier) -> None:
    """Raise `Skip` for a classifier that takes numpy arrays."""
    if inner.meta["layout"] == "hwc":
        raise nb.Skip(f"{inner.bound.display} cannot be differentiated: it takes numpy arrays")


def logits_of(inner: nb.Classifier, pictures: Any, info: Any) -> Any:
    """Logits (B, K) of pictures (B, C, H, W), differentiable. Raises `Invalid` for what are none."""
    with gradients():
        logits = inner.call(pictures, info)
    if getattr(logits, "ndim", 0) == 1 and len(pictures) == 1:
        logits = logits[None]
    if getattr(logits, "ndim", 0) != 2 or len(logits) != len(pictures) or logits.shape[1] < 2:
        raise nb.Invalid(f"{inner.bound.display} gives no logits of two classes or more for each picture")
    return logits


def undifferentiable(inner: nb.Classifier, why: object) -> nb.Skip:
    """What is raised for a classifier without a gradient."""
    return nb.Skip(f"{inner.bound.display} cannot be differentiated: {why}")
