"""Track `matrix`: noisy measurements of a low-rank matrix in, the matrix out. Below: what its datasets need."""

from .items import Measured, as_measured
from .operators import Entries, Sensing, on_grid

__all__ = ["Entries", "Measured", "Sensing", "as_measured", "on_grid"]
