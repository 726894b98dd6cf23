"""What metrics of `matrix` are given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .items import Measured, Measurements
from .operators import Floats

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Recovery:
    """A recovered `matrix` (p, q) beside its item.

    `counted` (p, q) says which entries the protocol compares, all of them known. `given` is what the method had, and
    `corrupted` (m,) which measurements gross noise has hit.
    """

    matrix: Floats
    item: Measured
    counted: Mask
    given: Measurements
    corrupted: Mask

    @property
    def errors(self) -> Floats:
        """Recovered minus true, at the entries that count, (N,)."""
        return np.asarray(self.matrix[self.counted] - self.item.truth[self.counted])
