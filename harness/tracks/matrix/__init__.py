"""Track `matrix`: noisy measurements of a low-rank matrix in, the matrix out. Below: what its datasets need."""

from .items import Measured, Measurements, as_measured
from .operators import Entries, Sensing, on_grid, part_of

__all__ = ["Entries", "Measured", "Measurements", "Sensing", "as_measured", "on_grid", "part_of"]
