from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.methods.restore._jacobian import KADKHODAIE, linearised, picture_of
from noisebench.methods.restore._wrapping import refuse_learner, refuse_unwrappable, wrapped


def _linear(method: nb.Bound, keep: int | None, transposed: bool) -> None:
    refuse_learner(method)
    if keep is not None and transposed:
        raise nb.UsageError("jacobian: keep is of the symmetric part: leave transposed out")


@nb.method("jacobian", layout="hwc", cite=KADKHODAIE)
@nb.checked(_linear)
class JacobianProduct:
    """The linear part of `method` at the noisy picture, J(y) y, or what its leading basis vectors carry of it.

    J is the Jacobian of the method at the picture. One without additive constants is homogeneous, and its linear part
    is its result, f(y) = J(y) y (Mohan et al., ICLR 2020). keep: only so many eigenvectors of (J + Jᵀ) / 2, those that
    are shrunk least: Σ λ ⟨v, y⟩ v. transposed: Jᵀ y, which is J y where J is symmetric. Skips where torch cannot
    differentiate the method.
    """

    def __init__(
        self, *, method: nb.MethodSpec, keep: Annotated[int, Ge(1)] | None = None, transposed: bool = False
    ) -> None:
        self.inner = wrapped("jacobian", method)
        self.keep, self.transposed = keep, transposed

    @staticmethod
    def flags(*, method: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is run, for a method that cannot be wrapped."""
        refuse_unwrappable("jacobian", method)
        return {}

    def setup(self, device: Any) -> None:
        """Set up the method within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same."""
        near = linearised(self.inner, noisy, info)
        if self.keep is None:
            y = near.at.detach()
            return picture_of(near.pull(y) if self.transposed else near.push(y))
        factors, vectors = near.leading(self.keep, info.rng)
        flat = near.at.detach().flatten().double().cpu().numpy()
        kept = (factors * (vectors @ flat)) @ vectors
        return np.moveaxis(kept.reshape(near.at.shape[1:]), 0, 2).astype(np.float32)
