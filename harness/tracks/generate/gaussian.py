"""The normal law with the mean and the covariance of a set: its flow and score are known at every level of noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...components.datasets import open_dataset
from ...components.registry import Bound
from ...text.errors import UsageError
from .items import TrainingPicture
from .law import Floats, Law


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A normal law of D values: `mean` (D,), `variances` (R,) along orthonormal `axes` (D, R), and 0 along all others.

    `shape` is that of a picture, (C, H, W). Values with noise are rows (N, D), float64.
    """

    mean: Floats
    variances: Floats
    axes: Floats
    shape: tuple[int, ...]

    def denoised(self, rows: Floats, sigma: float) -> Floats:
        """The mean of the values given them with noise of deviation `sigma`: the Wiener filter."""
        return self._scaled(rows, self.variances / (self.variances + sigma**2), 0.0)

    def moved(self, rows: Floats, sigma: float, lower: float) -> Floats:
        """Where the probability flow takes rows from the level `sigma` to `lower`: what is constant, by their ratio."""
        kept = np.sqrt((self.variances + lower**2) / (self.variances + sigma**2))
        return self._scaled(rows, kept, lower / sigma)

    def _scaled(self, rows: Floats, along: Floats, across: float) -> Floats:
        off = rows - self.mean
        scaled: Floats = self.mean + across * off + (off @ self.axes * (along - across)) @ self.axes.T
        return scaled


class GaussianLaws:
    """The normal laws of a set: of all of it, or of one class.

    `of` is a set whose law is known, or training pictures, such as `digits(split=train)`. Raises `UsageError` for
    another one.
    """

    def __init__(self, of: Bound) -> None:
        dataset = open_dataset(of)
        self._name, self._by_label = of.display, dict[int, Gaussian]()
        self._law: Law | None = getattr(dataset, "law", None)
        self._rows, self._labels = np.empty((0, 0)), np.empty(0, np.int64)
        if self._law is not None:
            self.shape = self._law.shape
        elif isinstance(first := dataset.load(0), TrainingPicture):
            self.shape = first.picture.shape
            items = [dataset.load(index) for index in range(len(dataset.ids))]
            self._rows = np.stack([item.picture.ravel() for item in items])
            self._labels = np.array([item.label for item in items])
        else:
            raise UsageError(f"{of.display} has no known law: name training pictures, such as digits(split=train)")

    def of(self, label: int = -1) -> Gaussian:
        """The law of a class; -1: of all. Raises `UsageError` where there are not two pictures of it."""
        if label not in self._by_label:
            self._by_label[label] = self._known(label) if self._law is not None else self._measured(label)
        return self._by_label[label]

    def _known(self, label: int) -> Gaussian:
        law = self._law
        assert law is not None
        if label < 0:
            mean, covariance = law.moments()
            variances, axes = np.linalg.eigh(covariance)
        else:
            mean, (variances, axes) = law.means[label], (each[label] for each in law.axes)
        return Gaussian(mean, np.maximum(variances, 0.0), axes, self.shape)

    def _measured(self, label: int) -> Gaussian:
        rows = (self._rows if label < 0 else self._rows[self._labels == label]).astype(np.float64)
        if len(rows) < 2:
            raise UsageError(f"{self._name} has {len(rows)} pictures of class {label}: a covariance needs two")
        mean, rest = rows.mean(axis=0), len(rows) - 1
        variances: npt.NDArray[np.float64]
        if len(rows) > rows.shape[1]:
            variances, axes = np.linalg.eigh((rows - mean).T @ (rows - mean) / rest)
            return Gaussian(mean, np.maximum(variances, 0.0), axes, self.shape)
        # Fewer pictures than values: the axes that they span, and no more.
        _, lengths, spanned = np.linalg.svd(rows - mean, full_matrices=False)
        return Gaussian(mean, lengths**2 / rest, spanned.T, self.shape)
