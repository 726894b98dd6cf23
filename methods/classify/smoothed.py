from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Le, Lt
from noisebench.methods.classify._smoothing import certified, least_share, margin, shares_of, votes

Sigma = Annotated[float, Gt(0), Le(1000)]
Draws = Annotated[int, Ge(1), Le(1_000_000)]
Chance = Annotated[float, Gt(0), Lt(1)]


@nb.method("smoothed", track="classify", layout="hwc", certifies=True, cite="J. Cohen, E. Rosenfeld, J. Z. Kolter, "
           "Certified adversarial robustness via randomized smoothing, ICML 2019")  # fmt: skip
class Smoothed:
    """Randomised smoothing: the class that a classifier takes most often for noisy copies of the picture.

    method: the classifier, best one that was trained on such noise. sigma: that of the copies, of 255. n: copies that
    are counted; `first` others say which class is. Within the radius sigma Φ⁻¹(p), L2 on the [0, 1] scale, no change of
    the picture changes the class, but with a chance of alpha at most: p is the lower Clopper-Pearson bound of its share
    of votes. Where that is not above a half, nothing is certain.
    """

    def __init__(
        self, *, method: nb.MethodSpec, sigma: Sigma = 64.0, n: Draws = 1000, first: Draws = 100, alpha: Chance = 0.001
    ) -> None:
        self.inner = nb.Classifier(method)
        self.sigma, self.n, self.first, self.alpha = sigma / 255, n, first, alpha

    def setup(self, device: Any) -> None:
        """Set up the classifier within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → logits (K,) and the radius."""
        top = votes(self.inner, picture, self.sigma, self.first, info).argmax()
        counts = votes(self.inner, picture, self.sigma, self.n, info)
        radius = self.sigma * margin(least_share(int(counts[top]), self.n, self.alpha))
        return certified(shares_of(counts), radius)
