from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.recipes.archs._classes import channels_and_classes
from torch import nn

Distance = Literal["snr", "euclid", "sphere"]
_SLOW = 0.1
"""How much of a centre each batch replaces."""


@nb.arch("embedding", cite="T. Yuan et al., Signal-to-noise ratio: a robust distance metric for deep metric learning, "
         "CVPR 2019")  # fmt: skip
class Embedding(nn.Module):
    """An embedding: a network whose output is compared by distances, and a classifier by the nearest centre of a class.

    of: a network from picture to classes, whose last layer gives `dims` values here. distance: `snr` is the variance of
    the difference over that of the first of both, over the values of an embedding (it is not symmetric); `euclid` is
    Euclid's, `sphere` the same of embeddings of length 1. Trained with `contrastive`, `triplet`, `lifted` or `n_pair`.
    In use, a logit is minus the distance of the embedding, as the first of both, to the running mean of its class.
    """

    centres: torch.Tensor
    met: torch.Tensor

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        of: Annotated[Any, nb.Nested("arch")] = "small_cnn",
        dims: Annotated[int, Ge(2), Le(65_536)] = 32,
        distance: Distance = "snr",
    ) -> None:
        super().__init__()
        _, classes = channels_and_classes(given, wanted)
        self.within: nn.Module = of.entry.obj(given, (dims,), **of.kwargs)
        self.distance = distance
        self.register_buffer("centres", torch.zeros(classes, dims))
        self.register_buffer("met", torch.zeros(classes))

    def embedded(self, x: Any) -> Any:
        """Pictures (N, C, H, W) → embeddings (N, dims)."""
        return self.within(x)

    def distances(self, anchors: Any, others: Any) -> Any:
        """Of every anchor (N, dims) to every other (M, dims), (N, M)."""
        return distances(self.distance, anchors, others)

    def points(self, embeddings: Any) -> tuple[Any, Any]:
        """Embeddings (N, dims) as points, and their weights (N), by the distance in use."""
        return points(self.distance, embeddings)

    def remember(self, embeddings: Any, labels: Any) -> None:
        """Let the centres of the classes of a batch follow its embeddings."""
        with torch.no_grad():
            for label in labels.unique():
                mean = embeddings[labels == label].mean(dim=0)
                self.centres[label] += (_SLOW if self.met[label] else 1.0) * (mean - self.centres[label])
                self.met[label] = 1

    def forward(self, x: Any) -> Any:
        away = self.distances(self.embedded(x), self.centres)
        # A class that no training picture had is hardly possible.
        return torch.where(self.met > 0, -away, -away.detach().amax() - 50)


def distances(kind: Distance, anchors: Any, others: Any) -> Any:
    """Of every anchor (N, D) to every other (M, D), (N, M), differentiable also where they are equal."""
    if kind == "snr":
        # A variance of differences, by those of both and their covariance.
        a, b = (one - one.mean(dim=1, keepdim=True) for one in (anchors, others))
        power, other = (one.square().mean(dim=1) for one in (a, b))
        noise = power[:, None] + other[None] - 2 * (a @ b.T) / a.shape[1]
        return noise.clamp_min(0) / power[:, None].clamp_min(1e-12)
    if kind == "sphere":
        anchors, others = (torch.nn.functional.normalize(one, dim=1) for one in (anchors, others))
    square = anchors.square().sum(dim=1)[:, None] + others.square().sum(dim=1)[None] - 2 * anchors @ others.T
    return square.clamp_min(1e-12).sqrt()


def points(kind: Distance, embeddings: Any) -> tuple[Any, Any]:
    """Embeddings (N, D) as points (N, D) and weights (N), of which k-means finds clusters by this distance.

    A point's squared distance to a centre, times the weight, is the distance of the embedding, as the first of both, to
    the centre (`snr`), or its square.
    """
    if kind == "snr":
        centred = embeddings - embeddings.mean(dim=1, keepdim=True)
        return centred, 1 / centred.square().sum(dim=1).clamp_min(1e-12)
    if kind == "sphere":
        embeddings = torch.nn.functional.normalize(embeddings, dim=1)
    return embeddings, torch.ones_like(embeddings[:, 0])
