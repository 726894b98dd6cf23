from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
import torch
from noisebench.datasets.classify._arrays import LabelledArrays, labelled_arrays

_TOGETHER = 256


@nb.part("class_spread", cite="T. Yuan et al., Signal-to-noise ratio: a robust distance metric for deep metric "
         "learning, CVPR 2019")  # fmt: skip
class ClassSpread:
    """Class spread: how near embeddings of one class are to each other, beside those of others; it only looks.

    For `arch=embedding`. of: labelled pictures, of a split that is not trained on for figures as papers print them.
    Figures, of those pictures as the finished network embeds them, by the distance it was trained with (Euclid's
    squared, as k-means has it): `ratio`, the mean distance to the centre of the class over that to the centre of all;
    `nmi`, normalised mutual information of the classes and as many clusters (k-means); `mean`, the mean of |mean of the
    values| over their deviation.
    """

    def __init__(self, *, of: Annotated[Any, nb.Nested("dataset", "classify")]) -> None:
        self.of = of
        self.arrays: LabelledArrays | None = None
        self.measurements: dict[str, float] = {}

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """Open the pictures at the first step. Raises `UsageError` for a network that embeds nothing, and for pictures
        that are not of the size that is trained.
        """
        if self.arrays is not None:
            return
        if not hasattr(net, "points"):
            raise nb.UsageError("part class_spread is for networks that embed, such as arch=embedding(of=small_cnn)")
        arrays, shape = labelled_arrays(self.of), tuple(batch["given"].shape[1:])
        if arrays.pictures.shape[1:] != shape:
            raise nb.UsageError(
                f"part class_spread: {self.of.display} has pictures {arrays.pictures.shape[1:]}, "
                f"and those trained on are {shape}: give a set of the same kind"
            )
        self.arrays = arrays

    def finish(self, net: Any) -> None:
        """Embed the pictures, and measure."""
        from sklearn.cluster import KMeans
        from sklearn.metrics import normalized_mutual_info_score

        arrays = self.arrays or labelled_arrays(self.of)
        device = next(net.parameters()).device
        net.eval()
        with torch.no_grad():
            given = torch.split(torch.from_numpy(arrays.pictures), _TOGETHER)
            embedded = torch.cat([net.embedded(part.to(device)) for part in given]).double()
            points, weights = (one.cpu().numpy() for one in net.points(embedded))
        vectors, labels = embedded.cpu().numpy(), arrays.labels
        classes = np.unique(labels)
        inside = sum((_spread(points[labels == k], weights[labels == k]) for k in classes), 0.0)
        clusters = KMeans(len(classes), n_init=4, random_state=0).fit_predict(points, sample_weight=weights)
        self.measurements = {
            "ratio": inside / max(_spread(points, weights), 1e-30),
            "nmi": float(normalized_mutual_info_score(labels, clusters)),
            "mean": float(np.mean(np.abs(vectors.mean(1)) / np.maximum(vectors.std(1), 1e-12))),
        }

    def figures(self) -> dict[str, float]:
        """All three."""
        return self.measurements


def _spread(points: Any, weights: Any) -> float:
    """The weighted sum of squared distances of points (N, D) to their weighted mean."""
    return float((weights * np.square(points - np.average(points, axis=0, weights=weights)).sum(1)).sum())
