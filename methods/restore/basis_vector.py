from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.methods.restore._jacobian import KADKHODAIE, linearised
from noisebench.methods.restore._wrapping import refuse_learner, refuse_unwrappable, wrapped


@nb.method("basis_vector", layout="hwc", role="sanity", cite=KADKHODAIE)
@nb.checked(refuse_learner)
class BasisVector:
    """A picture of one vector of the basis in which `method` shrinks its input, as strong as its factor.

    The basis are the eigenvectors of (J + Jᵀ) / 2, with J the Jacobian of the method at the noisy picture; `number` 1
    is shrunk least. 0 is mid-grey, and the strongest value lies half its factor from it: one that passes whole reaches
    black or white, one that is taken away is grey. The metric `contrast` of this picture is the factor. So a report has
    the basis among its crops. Skips where torch cannot differentiate the method, and where it has fewer vectors.
    """

    def __init__(self, *, method: nb.MethodSpec, number: Annotated[int, Ge(1)] = 1) -> None:
        self.inner = wrapped("basis_vector", method)
        self.number = number

    @staticmethod
    def flags(*, method: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is run, for a method that cannot be wrapped."""
        refuse_unwrappable("basis_vector", method)
        return {}

    def setup(self, device: Any) -> None:
        """Set up the method within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same."""
        near = linearised(self.inner, noisy, info)
        if near.at.numel() < self.number:
            raise nb.Skip(f"a picture of {near.at.numel()} values has no basis vector {self.number}")
        factors, vectors = near.leading(self.number, info.rng)
        vector = vectors[-1] / np.abs(vectors[-1]).max()
        shown = 0.5 + 0.5 * factors[-1] * vector
        return np.moveaxis(shown.reshape(near.at.shape[1:]), 0, 2).astype(np.float32)
