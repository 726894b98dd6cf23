from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.classify._smoothing import certified, least_share, margin, shares_of, votes
from noisebench.methods.classify.smoothed import Chance, Draws, Sigma


@nb.method("dual_smoothed", track="classify", layout="hwc", certifies=True, cite="S. Xia et al., Mitigating the curse "
           "of dimensionality for certified robustness via dual randomized smoothing, ICLR 2024")  # fmt: skip
class DualSmoothed:
    """Dual randomised smoothing (DRS): two halves of a picture, each smoothed before a classifier of its own.

    left, right: classifiers of the two colours of a checkerboard, trained on `gaussian(sigma=…) +
    checkerboard(part=0)` and `part=1`. sigma: noise of each half, of 255. The class is that with most votes of both.
    Within the radius sigma (Φ⁻¹(p) + Φ⁻¹(q)) / √2, L2 on the [0, 1] scale, it does not change, but with a chance of
    alpha at most: p and q are its lower Clopper-Pearson bounds in each half, wrong with half that chance. Where the sum
    is below 0, nothing is certain.
    """

    def __init__(
        self,
        *,
        left: nb.MethodSpec,
        right: nb.MethodSpec,
        sigma: Sigma = 45.0,
        n: Draws = 1000,
        first: Draws = 100,
        alpha: Chance = 0.001,
    ) -> None:
        self.inner = [nb.Classifier(left), nb.Classifier(right)]
        self.halves = [nb.bind(f"checkerboard(part={part})", "regime", "classify") for part in (0, 1)]
        self.sigma, self.n, self.first, self.alpha = sigma / 255, n, first, alpha

    def setup(self, device: Any) -> None:
        """Set up both classifiers. Raises `Skip` where weights are missing."""
        for inner in self.inner:
            inner.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → logits (K,) and the radius."""
        top = self._votes(picture, self.first, info).sum(axis=0).argmax()
        counts = self._votes(picture, self.n, info)
        margins = [margin(least_share(int(one[top]), self.n, self.alpha / 2)) for one in counts]
        return certified(shares_of(counts.sum(axis=0)), self.sigma * sum(margins) / np.sqrt(2))

    def _votes(self, picture: Any, n: int, info: Any) -> Any:
        """Votes of both halves, (2, K)."""

        def half(number: int) -> Any:
            def seen(copy: Any) -> Any:
                masked, _ = self.halves[number].entry.obj(copy, info.rng, **self.halves[number].kwargs)
                return np.ascontiguousarray(masked, dtype=np.float32)

            return votes(self.inner[number], picture, self.sigma, n, info, seen)

        return np.stack([half(0), half(1)])
