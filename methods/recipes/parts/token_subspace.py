from __future__ import annotations

import math
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le, Lt
from noisebench.recipes.archs.token import token_in
from noisebench.recipes.objectives._inversion import StraightThrough, token_loss

_LOOKS = 32


@nb.part("token_subspace", cite="H. Seo et al., Efficient personalization of quantized diffusion model without "
         "backpropagation, CVPR 2025")  # fmt: skip
class TokenSubspace:
    """ZOODiP's subspace: directions in which a token has hardly moved are taken out of its gradient.

    Every `tau` steps the tokens of these steps, each value of theirs standardised, give principal directions; those
    behind the first ones that have 1 - `nu` of the variance are taken out of the gradients of the next `tau` steps.
    So many tokens vary in tau - 1 directions at most: no more can be taken out, and what no token of them tells of
    stays. nu=0 takes out none. With `objective=zeroth_order` and `arch=token`.

    Figures: `removed`, directions taken out, the mean over the times that they were chosen; `gain_bound`, √(d / (d -
    removed)), how much larger the cosine with the gradient can be where that lies in what stays; `cosine` and
    `cosine_kept`, with what back-propagation gives for the same noise, before and after they are taken out, means of 32
    looks; `history_bytes`, of what is kept. Those looks need memory and time that are not the training's.
    """

    def __init__(
        self, *, tau: Annotated[int, Ge(2), Le(1_000_000)] = 128, nu: Annotated[float, Ge(0), Lt(1)] = 1e-3
    ) -> None:
        self.tau, self.nu = tau, nu
        self.history: list[Any] = []
        self.removed: Any = None
        self.counts: list[int] = []
        self.cosines: list[tuple[float, float]] = []
        self._truth: Any = None

    def prepare(self, net: Any) -> Any:
        """Know the token; the network stays as it is. Raises `UsageError` where there is none."""
        self.token = token_in(net, "part token_subspace")
        return net

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """At some steps, what back-propagation gives for the pictures, noise and times that this step will see."""
        self._truth = None
        if self.removed is None or step % max(1, steps // _LOOKS):
            return
        loss_of(batch)
        clean, x, sigma = self.token.posed
        with torch.enable_grad(), StraightThrough():
            loss = token_loss(self.token, clean, x, sigma, self.token.vector)
            (self._truth,) = torch.autograd.grad(loss, [self.token.vector])

    @torch.no_grad()
    def before_step(self, net: Any, step: int, steps: int) -> None:
        """Take the directions out of the gradient."""
        gradient = self.token.vector.grad
        if self.removed is None or gradient is None:
            return
        kept = without(gradient, self.removed)
        if self._truth is not None:
            self.cosines.append((_cosine(gradient, self._truth), _cosine(kept, self._truth)))
        gradient.copy_(kept)

    @torch.no_grad()
    def after_step(self, net: Any, step: int, steps: int) -> None:
        """Keep the token, and choose anew where there are enough."""
        self.history.append(self.token.vector.detach().clone())
        if len(self.history) == self.tau:
            self.removed = hardly_moved(torch.stack(self.history), self.nu)
            self.counts.append(len(self.removed))
            self.history = []

    def state(self) -> dict[str, Any]:
        """The tokens, the directions, and what was seen."""
        return {"history": self.history, "removed": self.removed, "counts": self.counts, "looked": self.cosines}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.history, self.removed = state["history"], state["removed"]
        self.counts, self.cosines = state["counts"], state["looked"]

    def figures(self) -> dict[str, float]:
        """What was taken out, and what that gained; nothing before the first `tau` steps."""
        dims = len(self.token.vector)
        figures = {"history_bytes": float(self.tau * dims * self.token.vector.element_size())}
        if self.counts:
            removed = sum(self.counts) / len(self.counts)
            figures |= {"removed": removed, "gain_bound": math.sqrt(dims / max(dims - removed, 1.0))}
        if self.cosines:
            before, after = (sum(side) / len(self.cosines) for side in zip(*self.cosines, strict=True))
            figures |= {"cosine": before, "cosine_kept": after}
        return figures


def hardly_moved(tokens: Any, nu: float) -> Any:
    """Orthonormal directions (R, D) behind the first that have 1 - nu of the variance of `tokens` (T, D).

    Each value is standardised first. Of directions in which nothing varies none is among them: R ≤ T - 2.
    """
    values = tokens.double()
    values = values - values.mean(dim=0)
    deviation = values.square().mean(dim=0).sqrt()
    values = torch.where(deviation > 0, values / deviation.clamp_min(1e-300), 0.0)
    _, sizes, directions = torch.linalg.svd(values, full_matrices=False)
    variances = sizes.square()
    varying = int((sizes > 1e-9 * sizes[0].clamp_min(1e-300)).sum())
    if not varying or nu == 0:
        return tokens.new_zeros(0, tokens.shape[1])
    shares = variances[:varying].cumsum(0) / variances[:varying].sum()
    kept = int((shares < 1 - nu).sum()) + 1
    return directions[kept:varying].to(tokens)


def without(gradient: Any, removed: Any) -> Any:
    """A gradient (D,) less what of it lies along directions (R, D)."""
    return gradient - removed.T @ (removed @ gradient)


def _cosine(one: Any, other: Any) -> float:
    return float(torch.nn.functional.cosine_similarity(one.double(), other.double(), dim=0))
