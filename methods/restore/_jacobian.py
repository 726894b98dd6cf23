"""The Jacobian of a method at a picture: its products, and the basis in which the method shrinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import noisebench as nb
import numpy as np
import numpy.typing as npt
from noisebench.methods.restore.attacked import gradients, unseen

KADKHODAIE = (
    "Z. Kadkhodaie et al., Generalization in diffusion models arises from geometry-adaptive harmonic "
    "representations, ICLR 2024"
)
_WHOLE = 512
"""Up to so many values of a picture the whole Jacobian is made; beyond, only products with it."""

Floats = npt.NDArray[np.float64]


class Linearised:
    """A function of tensors near one of them: `output` there, J v and Jᵀ u, each of the shape of the input.

    Raises `Skip` where torch cannot differentiate it.
    """

    def __init__(self, function: Callable[[Any], Any], at: Any, name: str) -> None:
        import torch

        with gradients(), torch.enable_grad():
            self.at = at.detach().clone().requires_grad_()
            self.output = function(self.at)
            if not getattr(self.output, "requires_grad", False):
                raise nb.Skip(f"{name} cannot be differentiated: its result does not depend on its input")
            if self.output.shape != self.at.shape:
                raise nb.Skip(f"{name} has no square Jacobian: it changes the size of its input")
            # Jᵀ u is linear in u, and its derivative by u along v is J v.
            self._u = torch.zeros_like(self.output, requires_grad=True)
            self._pulled = torch.autograd.grad(self.output, self.at, self._u, create_graph=True, allow_unused=True)[0]
            if self._pulled is None or not self._pulled.requires_grad:
                raise nb.Skip(f"{name} cannot be differentiated: its gradient does not depend on that of its output")

    def push(self, v: Any) -> Any:
        """J v."""
        import torch

        return torch.autograd.grad(self._pulled, self._u, v, retain_graph=True)[0].detach()

    def pull(self, u: Any) -> Any:
        """Jᵀ u."""
        import torch

        return torch.autograd.grad(self.output, self.at, u, retain_graph=True)[0].detach()

    def matrix(self) -> Floats:
        """J, float64 (D, D) of pictures in one row: D calls."""
        import torch

        rows = []
        for place in range(self.at.numel()):
            one = torch.zeros_like(self.output)
            one.view(-1)[place] = 1
            rows.append(self.pull(one).flatten().double().cpu().numpy())
        return np.stack(rows)

    def leading(self, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """The `count` largest eigenvalues of (J + Jᵀ) / 2, falling, and the vectors (count, D), of length 1.

        Each points to where the input lies. Of a large picture by Lanczos, which begins where `rng` says.
        """
        import torch
        from scipy.sparse.linalg import LinearOperator, eigsh

        size, like = self.at.numel(), self.output
        count = min(count, size)
        if size <= _WHOLE or count >= size - 1:
            whole = self.matrix()
            values, vectors = np.linalg.eigh((whole + whole.T) / 2)
        else:

            def product(v: Floats) -> Floats:
                picture = torch.from_numpy(np.ascontiguousarray(v)).to(like).reshape(like.shape)
                return ((self.push(picture) + self.pull(picture)) / 2).flatten().double().cpu().numpy()  # type: ignore[no-any-return]

            operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
            start = rng.standard_normal(size)
            values, vectors = eigsh(operator, k=count, which="LA", v0=start, tol=1e-3, ncv=min(size, 2 * count + 20))
        order = np.argsort(-values)[:count]
        basis = vectors.T[order]
        along = basis @ self.at.detach().flatten().double().cpu().numpy()
        return values[order], basis * np.where(along < 0, -1.0, 1.0)[:, None]


def linearised(inner: nb.Restorer, noisy: Any, info: Any) -> Linearised:
    """The method `inner` near `noisy` (H, W, C). Raises what the method raises, and `Skip`."""
    name = inner.bound.display
    if inner.meta["layout"] == "hwc":
        raise nb.Skip(f"{name} cannot be differentiated: it takes numpy arrays")
    inner.check(info)
    return Linearised(lambda y: inner.call(y.clone(), unseen(info)), inner.prepare(noisy), name)


def picture_of(tensor: Any) -> Any:
    """(1, C, H, W) → float32 (H, W, C)."""
    return tensor.detach()[0].permute(1, 2, 0).float().cpu().numpy()
