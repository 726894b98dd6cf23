"""Principal components: the plane of k directions that holds most of what a set of pictures differ by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import noisebench as nb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Principal:
    """`mean` (D,), `directions` (K, D) of length 1, at right angles, and the deviation of a set along each, (K,).

    `rest` is the deviation along any other direction, a mean over them.
    """

    mean: Floats
    directions: Floats
    deviations: Floats
    rest: float

    def projected(self, pictures: Floats) -> Floats:
        """Pictures (N, D) as the nearest ones of the plane."""
        return self.mean + ((pictures - self.mean) @ self.directions.T) @ self.directions

    def drawn(self, rng: np.random.Generator) -> Floats:
        """A picture (D,) as the set has them: a Gaussian draw in the plane, and white noise for what lies off it."""
        inside = self.deviations * rng.standard_normal(len(self.deviations))
        white = self.rest * rng.standard_normal(len(self.mean))
        return self.mean + inside @ self.directions + white - (white @ self.directions.T) @ self.directions


def principal(pictures: Sequence[Any], k: int, name: str) -> Principal:
    """Of pictures of one shape. Raises `UsageError` where they differ in shape, or are no more than `k`."""
    shapes = {picture.shape for picture in pictures}
    if len(shapes) != 1:
        raise nb.UsageError(
            f"{name}: its pictures have {len(shapes)} shapes: give a dataset of one, such as patches(of=…)"
        )
    rows = np.stack([np.asarray(picture, np.float64).ravel() for picture in pictures])
    if k >= len(rows) or k > rows.shape[1]:
        raise nb.UsageError(
            f"{name}: k={k} is too large for {len(rows)} pictures with {rows.shape[1]} values: give a smaller k"
        )
    mean = rows.mean(axis=0)
    _, sizes, directions = np.linalg.svd(rows - mean, full_matrices=False)
    deviations = sizes / np.sqrt(len(rows) - 1)
    off = max(1, rows.shape[1] - k)
    return Principal(mean, directions[:k], deviations[:k], float(np.sqrt(np.square(deviations[k:]).sum() / off)))
