"""Class spread: how near embeddings of one class are to each other, beside those of others; it only looks."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
import torch
from annotated_types import Ge, Le


@nb.part("class_spread", cite="T. Yuan et al., Signal-to-noise ratio: a robust distance metric for deep metric "
         "learning, CVPR 2019")  # fmt: skip
class ClassSpread:
    """Class spread: how near embeddings of one class are to each other, beside those of others; it only looks.

    For `arch=embedding`. Figures, of the pictures of the last `batches`, as the finished network embeds them, by the
    distance it was trained with (Euclid's squared, as k-means has it): `ratio`, the mean distance to the centre of the
    class over that to the centre of all; `nmi`, normalised mutual information of the classes and as many clusters
    (k-means); `mean`, the mean of |mean of the values| over their deviation.
    """

    def __init__(self, *, batches: Annotated[int, Ge(1), Le(1000)] = 8) -> None:
        self.batches = batches
        self.held: list[tuple[Any, Any]] = []
        self.found: dict[str, float] = {}

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """Keep this batch in place of the oldest. Raises `UsageError` for a network that embeds nothing."""
        if not hasattr(net, "points"):
            raise nb.UsageError("part class_spread is for networks that embed, such as arch=embedding(of=small_cnn)")
        self.held = [*self.held, (batch["given"].detach().clone(), batch["wanted"].clone())][-self.batches :]

    def finish(self, net: Any) -> None:
        """Embed what was kept, and measure it."""
        from sklearn.cluster import KMeans
        from sklearn.metrics import normalized_mutual_info_score

        net.eval()
        with torch.no_grad():
            embedded = torch.cat([net.embedded(given) for given, _ in self.held]).double()
            points, weights = (one.cpu().numpy() for one in net.points(embedded))
        made = embedded.cpu().numpy()
        labels = torch.cat([wanted for _, wanted in self.held]).cpu().numpy()
        classes = np.unique(labels)
        within = sum((_spread(points[labels == k], weights[labels == k]) for k in classes), 0.0)
        clusters = KMeans(len(classes), n_init=4, random_state=0).fit_predict(points, sample_weight=weights)
        self.found = {
            "ratio": within / max(_spread(points, weights), 1e-30),
            "nmi": float(normalized_mutual_info_score(labels, clusters)),
            "mean": float(np.mean(np.abs(made.mean(1)) / np.maximum(made.std(1), 1e-12))),
        }

    def figures(self) -> dict[str, float]:
        """All three."""
        return self.found

    def state(self) -> dict[str, Any]:
        """The batches that are kept."""
        return {"held": self.held}

    def load(self, state: dict[str, Any]) -> None:
        """The same."""
        self.held = state["held"]


def _spread(points: Any, weights: Any) -> float:
    """The weighted sum of squared distances of points (N, D) to their weighted mean."""
    return float((weights * np.square(points - np.average(points, axis=0, weights=weights)).sum(1)).sum())
