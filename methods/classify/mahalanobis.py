from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.datasets.classify._arrays import LabelledArrays
from noisebench.methods.classify._classified import ClassifierDetector, Looks
from noisebench.methods.classify._detecting import References


@nb.method("mahalanobis", track="classify", layout="hwc", cite="K. Lee et al., A simple unified framework for "
           "detecting out-of-distribution samples and adversarial attacks, NeurIPS 2018")  # fmt: skip
class Mahalanobis(ClassifierDetector):
    """Mahalanobis distance: a picture is attacked where it is far from the mean of every class, by one covariance.

    method: the classifier. on: its last `hidden` layer, or the `pixels`. Means are those of the classes of `data`, the
    covariance that of all about them, shrunk as Ledoit and Wolf (2004) say, by scikit-learn.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        on: Looks = "hidden",
        data: nb.DatasetSpec = "digits(split=train)",
        references: References = 500,
    ) -> None:
        super().__init__("mahalanobis", method, data, references)
        self.on: Looks = on

    def fit(self, others: LabelledArrays, references: LabelledArrays, device: Any) -> Any:
        """Means and covariance."""
        from sklearn.covariance import LedoitWolf

        self.classes = len(others.classes)
        _, rows = self.seen(others.pictures, self.on, self.classes)
        labels = np.unique(others.labels)
        self.means = np.stack([rows[others.labels == label].mean(axis=0) for label in labels])
        self.law = LedoitWolf(assume_centered=True).fit(rows - self.means[np.searchsorted(labels, others.labels)])
        return self._nearest(self.seen(references.pictures, self.on, self.classes)[1])

    def strangeness(self, picture: Any, info: Any) -> float:
        """The squared distance of the nearest class."""
        return float(self._nearest(self.seen(picture[None], self.on, self.classes)[1])[0])

    def _nearest(self, rows: Any) -> Any:
        return np.min([self.law.mahalanobis(rows - mean) for mean in self.means], axis=0)
