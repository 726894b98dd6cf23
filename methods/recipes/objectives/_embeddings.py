"""What objectives of embeddings share: the distances within a batch, who is of one class, and the pull to mean 0."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le

Margin = Annotated[float, Ge(0), Le(1e6)]
Pull = Annotated[float, Ge(0), Le(1e6)]


def compared(net: Any, batch: Any) -> tuple[Any, Any, Any, Any]:
    """Embeddings (N, D) of a batch, the distances of each as an anchor to each (N, N), and which pairs are of one class
    and not one picture, and of two classes (N, N). Raises `UsageError` for a network that embeds nothing.
    """
    if not hasattr(net, "embedded"):
        raise nb.UsageError("this objective needs a network that embeds, such as arch=embedding(of=small_cnn)")
    labels = batch["wanted"]
    embeddings = net.embedded(batch["given"])
    net.remember(embeddings.detach(), labels)
    same = labels[:, None] == labels[None]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return embeddings, net.distances(embeddings, embeddings), same & ~itself, ~same


def mean_of_positive(values: Any) -> Any:
    """The mean of those values that are above 0; 0 where there are none."""
    above = values > 0
    return values[above].sum() / above.sum().clamp_min(1)


def pull_to_zero(embeddings: Any, weight: float) -> Any:
    """`weight` times the mean over a batch of |sum of the values of an embedding|."""
    return weight * embeddings.sum(dim=1).abs().mean()
