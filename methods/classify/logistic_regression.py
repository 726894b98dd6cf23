from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Le
from noisebench.methods.classify._estimator import PixelClassifier


@nb.method("logistic_regression", track="classify", layout="hwc", blind=True)
class LogisticRegression(PixelClassifier):
    """Logistic regression of the pixels, by scikit-learn.

    data: what it is fitted to, pictures of one size. c: the inverse of the weight of the squared norm. most: iterations
    at most.
    """

    def __init__(
        self,
        *,
        data: nb.DatasetSpec = "digits(split=train)",
        c: Annotated[float, Gt(0), Le(1e6)] = 1.0,
        most: Annotated[int, Ge(1), Le(100_000)] = 200,
    ) -> None:
        super().__init__(data)
        self.c, self.most = c, most

    def estimator(self) -> Any:
        from sklearn.linear_model import LogisticRegression as Regression

        return Regression(C=self.c, max_iter=self.most)

    def logits(self, pixels: Any) -> Any:
        return self.fitted.predict_log_proba(pixels)[0]
