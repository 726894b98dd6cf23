from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.restore._clean import clean_of
from noisebench.methods.restore._wrapping import apply, refuse_unwrappable, wrapped
from noisebench.methods.restore.attacked import unseen


@nb.method("difference", layout="hwc", oracle=True, role="sanity")
class RestorationDifference:
    """The clean picture with what two methods differ by: its error is the distance of their results.

    Under the protocol `raw` its `mse` is the mean squared difference of what `method` and `other` give for one input,
    and its `nrmse` their distance over the norm of the clean picture: of two networks that were trained apart, of a
    network and its quantised version, of f(y) and its linear part J(y) y. It sees the clean picture, they do not.
    """

    def __init__(self, *, method: nb.MethodSpec, other: nb.MethodSpec) -> None:
        self.first, self.second = (wrapped("difference", one) for one in (method, other))

    @staticmethod
    def flags(*, method: nb.Bound, other: nb.Bound) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is run, for a method that cannot be wrapped."""
        for one in (method, other):
            refuse_unwrappable("difference", one)
        return {}

    def setup(self, device: Any) -> None:
        """Set up both. Raises `Skip` where weights are missing."""
        self.first.setup(device)
        self.second.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → that of the clean picture."""
        clean = clean_of(info)
        first, second = (apply(one, noisy, unseen(info)) for one in (self.first, self.second))
        return (clean + first.astype(np.float64) - second).astype(np.float32)
