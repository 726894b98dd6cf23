from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le

Factor = Annotated[float, Ge(0.01), Le(100.0)]


@nb.method("misinformed", layout="hwc", needs=("sigma",))
class Misinformed:
    """`method` told `factor` times the noise level that the regime discloses; the picture is untouched.

    At 0.8 and 1.2 it is what a wrong calibration costs; at 1 it is the method itself. A method that does not
    look at sigma scores the same at every factor.
    """

    def __init__(self, *, method: nb.MethodSpec = "nlm", factor: Factor = 1.2) -> None:
        self.inner = nb.Restorer(method)
        self.factor = factor

    def setup(self, device: Any) -> None:
        """Set up the method within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → what the method within gives, at sigma × factor."""
        wrong = info.replace(sigma=info.sigma * self.factor)
        size = info.shape if info.scale else noisy.shape[:2]
        return self.inner.restore(noisy, wrong, (*size, noisy.shape[2]))
