from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.datasets.classify._arrays import LabelledArrays
from noisebench.methods.classify._classified import ClassifierDetector
from noisebench.methods.classify._detecting import References
from scipy.special import logsumexp


@nb.method("softmax_confidence", track="classify", layout="hwc", cite="D. Hendrycks, K. Gimpel, A baseline for "
           "detecting misclassified and out-of-distribution examples in neural networks, ICLR 2017")  # fmt: skip
class SoftmaxConfidence(ClassifierDetector):
    """Confidence: a picture is attacked where the classifier is not sure of any class.

    method: the classifier. How sure it is, is the probability of its likeliest class, taken as log odds, which order
    pictures alike and do not round to 1. data, references: natural pictures that say where the limit lies.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        data: nb.DatasetSpec = "digits(split=train)",
        references: References = 500,
    ) -> None:
        super().__init__("softmax_confidence", method, data, references)

    def fit(self, others: LabelledArrays, references: LabelledArrays, device: Any) -> Any:
        """Nothing is learned."""
        self.classes = len(references.classes)
        return self._doubt(references.pictures)

    def strangeness(self, picture: Any, info: Any) -> float:
        """Minus the log odds of the likeliest class."""
        return float(self._doubt(picture[None])[0])

    def _doubt(self, pictures: Any) -> Any:
        ordered = np.sort(self.logits(pictures, self.classes), axis=1)
        return logsumexp(ordered[:, :-1], axis=1) - ordered[:, -1]
