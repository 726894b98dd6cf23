"""Track `functions`: noisy samples of a function in, its values elsewhere out. Below: what its datasets need."""

from .target import SampledPoints, Target, as_target

__all__ = ["SampledPoints", "Target", "as_target"]
