"""Track `functions`: noisy samples of a function in, its values elsewhere out. Below: what its datasets need."""

from .target import Samples, Target, as_target

__all__ = ["Samples", "Target", "as_target"]
