from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.datasets.classify._arrays import LabelledArrays
from noisebench.methods.classify._classified import ClassifierDetector, Looks
from noisebench.methods.classify._detecting import References
from noisebench.methods.classify._gaussian_kernel import minus_log_mean, squared_distances

_WIDTHS = tuple(2.0**k for k in range(-5, 2))
"""Widths of the kernel that are tried, in root mean squares of a value about its class."""


@nb.method("kernel_density", track="classify", layout="hwc", cite="R. Feinman et al., Detecting adversarial samples "
           "from artifacts, arXiv 1703.00410")  # fmt: skip
class KernelDensity(ClassifierDetector):
    """Kernel density: a picture is attacked where few natural ones of the class that it is taken for lie near.

    method: the classifier. on: its last `hidden` layer, as Feinman et al. have it, or the `pixels`. A Gaussian kernel
    on the pictures of `data` of each class; of seven widths it has the one by which the references are likeliest, so
    that no attacked picture chooses it. Densities are exact however small: those of scikit-learn lose all digits there.
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
        """The pictures of each class, and the width."""
        self.classes = len(others.classes)
        _, rows = self.seen(others.pictures, self.on, self.classes)
        self.near = {int(label): rows[others.labels == label] for label in np.unique(others.labels)}
        about = np.concatenate([one - one.mean(axis=0) for one in self.near.values()])
        spread = float(np.sqrt(np.mean(about**2))) or 1.0
        known = self.seen(references.pictures, self.on, self.classes)
        tried: list[tuple[float, float, Any]] = []
        for width in _WIDTHS:
            self.width = width * spread
            rarities = self._rarity(*known)
            tried.append((float(rarities.mean()), self.width, rarities))
        _, self.width, rarities = min(tried, key=lambda one: one[0])
        return rarities

    def strangeness(self, picture: Any, info: Any) -> float:
        """Minus the log density of the class that the picture is taken for."""
        return float(self._rarity(*self.seen(picture[None], self.on, self.classes))[0])

    def _rarity(self, labels: Any, rows: Any) -> Any:
        """Of rows (N, F) that are taken for the classes `labels`; for one that no picture has, of the nearest other."""
        rarities = np.empty(len(rows))
        for label in np.unique(labels):
            at = labels == label
            near = [self.near[label]] if label in self.near else list(self.near.values())
            logs = [minus_log_mean(-squared_distances(rows[at], one) / (2 * self.width**2)) for one in near]
            rarities[at] = np.min(logs, axis=0) + rows.shape[1] / 2 * math.log(2 * math.pi * self.width**2)
        return rarities
