from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.methods.classify._estimator import PixelClassifier


@nb.method("k_nn", track="classify", layout="hwc", blind=True, cite="T. Cover, P. Hart, Nearest neighbor pattern "
           "classification, IEEE Trans. Information Theory 1967")  # fmt: skip
class KNN(PixelClassifier):
    """k-NN: the classes of the k training pictures whose pixels are nearest, by scikit-learn.

    data: what it is fitted to, pictures of one size. k: neighbours, each with one vote; a class has (votes + 1) of
    (k + K), as Laplace's rule has it, so that none is impossible.
    """

    def __init__(self, *, data: nb.DatasetSpec = "digits(split=train)", k: Annotated[int, Ge(1)] = 5) -> None:
        super().__init__(data)
        self.k = k

    def setup(self, device: Any) -> None:
        """Fit it. Raises `UsageError` where there are fewer pictures than neighbours, too."""
        super().setup(device)
        count = self.fitted.n_samples_fit_
        if count < self.k:
            raise nb.UsageError(
                f"method k_nn: k={self.k} is above the {count} pictures of {self.data.display}: give k={count} or less"
            )

    def estimator(self) -> Any:
        from sklearn.neighbors import KNeighborsClassifier

        return KNeighborsClassifier(self.k)

    def logits(self, pixels: Any) -> Any:
        return np.log(self.fitted.predict_proba(pixels)[0] * self.k + 1)
