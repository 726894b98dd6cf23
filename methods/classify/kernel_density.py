"""Kernel density: a picture is attacked where few natural ones of the class that it is taken for lie near."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.datasets.classify._arrays import LabelledArrays
from noisebench.methods.classify._classified import ClassifierDetector, Looks
from noisebench.methods.classify._detecting import References

_WIDTHS = tuple(2.0**k for k in range(-5, 2))
"""Widths of the kernel that are tried, in root mean squares of a value about its class."""


@nb.method("kernel_density", track="classify", layout="hwc", cite="R. Feinman et al., Detecting adversarial samples "
           "from artifacts, arXiv 1703.00410")  # fmt: skip
class KernelDensity(ClassifierDetector):
    """Kernel density: a picture is attacked where few natural ones of the class that it is taken for lie near.

    method: the classifier. on: its last `hidden` layer, as Feinman et al. have it, or the `pixels`. A Gaussian kernel
    by scikit-learn, fitted to the pictures of `data` of each class; of seven widths it has the one by which the
    references are likeliest, so that no attacked picture chooses it.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        on: Looks = "hidden",
        data: nb.DatasetSpec = "digits(split=train)",
        references: References = 500,
    ) -> None:
        super().__init__("kernel_density", method, data, references)
        self.on: Looks = on

    def fit(self, others: LabelledArrays, references: LabelledArrays, device: Any) -> Any:
        """A density of each class, and the width."""
        from sklearn.neighbors import KernelDensity as Density

        self.classes = len(others.classes)
        _, rows = self.seen(others.pictures, self.on, self.classes)
        own = {int(label): rows[others.labels == label] for label in np.unique(others.labels)}
        spread = np.sqrt(np.mean(np.concatenate([one - one.mean(axis=0) for one in own.values()]) ** 2)) or 1.0
        known = self.seen(references.pictures, self.on, self.classes)
        tried = []
        for width in _WIDTHS:
            self.densities = {label: Density(bandwidth=width * spread).fit(one) for label, one in own.items()}
            found = self._rarity(*known)
            tried.append((float(found.mean()), found, self.densities))
        _, found, self.densities = min(tried, key=lambda one: one[0])
        return found

    def strangeness(self, picture: Any, info: Any) -> float:
        """Minus the log density of the class that the picture is taken for."""
        return float(self._rarity(*self.seen(picture[None], self.on, self.classes))[0])

    def _rarity(self, labels: Any, rows: Any) -> Any:
        found = np.empty(len(rows))
        for label in np.unique(labels):
            at = labels == label
            # Of a class that no picture of the data has, the density of the nearest other one.
            near = [self.densities[label]] if label in self.densities else list(self.densities.values())
            found[at] = np.min([-one.score_samples(rows[at]) for one in near], axis=0)
        return found
