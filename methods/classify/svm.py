from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Gt, Le
from noisebench.methods.classify._estimator import PixelClassifier


@nb.method("svm", track="classify", layout="hwc", blind=True, cite="C. Cortes, V. Vapnik, Support-vector networks, "
           "Machine Learning 1995")  # fmt: skip
class SVM(PixelClassifier):
    """Support vector machine with a Gaussian kernel on the pixels, by scikit-learn.

    data: what it is fitted to, pictures of one size. c: what an error costs. The width of the kernel is that of the
    pixels' variance. Logits are votes of pairs of classes, then margins: their order is meant, not their likelihood.
    """

    def __init__(
        self, *, data: nb.DatasetSpec = "digits(split=train)", c: Annotated[float, Gt(0), Le(1e6)] = 5.0
    ) -> None:
        super().__init__(data)
        self.c = c

    def estimator(self) -> Any:
        from sklearn.svm import SVC

        return SVC(C=self.c)

    def logits(self, pixels: Any) -> Any:
        decisions = self.fitted.decision_function(pixels)[0]
        return decisions if np.ndim(decisions) else np.array([-decisions, decisions])
