from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Lt

_RMT = "D. Granziol, S. Zohren, S. Roberts, Learning rates as a function of batch size, JMLR 23, 2022"
_PROBES = 8
"""Products by which the spread of a batch's Hessian is estimated."""

Product = Callable[[Any], Any]


def _refuse_no_size(batches: Sequence[int]) -> None:
    if not batches:
        raise nb.UsageError("part batch_hessian: batches=() has no size: give one at least, such as (2, 4, 8)")


@nb.part("batch_hessian", cite=_RMT)
@nb.checked(_refuse_no_size)
class BatchHessian:
    """Batch Hessian: the top eigenvalue of the loss's Hessian on batches of several sizes, and the one predicted.

    Looks once, at the share `at` of the steps, at the batch of that step: let it be large, all of the data if it can
    be. From it come, without replacement, `repeats` batches of each of the sizes `batches`. The network is in eval mode
    meanwhile. Figures: `hessian_top_all`, of the whole batch; of each size B `hessian_top_B`, the mean of what was
    measured, and `hessian_predicted_B`, what `predicted_top` says of noise that is alike in all elements, as in the
    paper; `hessian_std`, the standard deviation of an element of one item's Hessian. Where the noise N lies in few
    directions, its size is not that of the network: `hessian_noise_size` is 2·(tr N²)²/tr N⁴, which is the size of a
    matrix of Gaussian noise, and `hessian_effective_B` what is predicted with it. The noise is that of batches other
    than those that are measured.
    """

    def __init__(
        self,
        *,
        batches: tuple[Annotated[int, Ge(1)], ...] = (2, 4, 8),
        at: Annotated[float, Ge(0), Lt(1)] = 0.5,
        repeats: Annotated[int, Ge(1)] = 5,
    ) -> None:
        self.batches, self.at, self.repeats = batches, at, repeats
        self.measurements: dict[str, float] = {}

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """Measure, at the step that is due. Raises `UsageError` where a batch is too small, in the first step too."""
        items = len(batch["given"])
        if items <= max(self.batches):
            raise nb.UsageError(f"part batch_hessian: a batch of {max(self.batches)} of {items}: give a larger batch=")
        if step != int(self.at * steps):
            return
        weights = [weight for weight in net.parameters() if weight.requires_grad]
        training = net.training
        net.eval()
        try:
            self.measurements = self._measured(loss_of, batch, weights, items)
        finally:
            net.train(training)

    def _measured(self, loss_of: Any, batch: Any, weights: Sequence[Any], items: int) -> dict[str, float]:
        size = sum(weight.numel() for weight in weights)

        def of(count: int) -> Product:
            chosen = torch.randperm(items)[:count].to(batch["given"].device)
            return hessian_product(lambda: loss_of({name: value[chosen] for name, value in batch.items()}), weights)

        whole = hessian_product(lambda: loss_of(batch), weights)
        like = weights[0].detach().new_zeros(size)
        top = top_eigenvalue(whole, _drawn(like))
        small = min(self.batches)
        second, fourth = noise_moments(lambda: of(small), whole, like)
        # Without replacement a batch of all items has no noise.
        one = second / (1 / small - 1 / items)
        effective = noise_size(second, fourth)
        measurements = {"hessian_top_all": top, "hessian_std": one**0.5 / size, "hessian_noise_size": effective}
        for count in self.batches:
            tops = [top_eigenvalue(of(count), _drawn(like)) for _ in range(self.repeats)]
            measurements[f"hessian_top_{count}"] = sum(tops) / len(tops)
            noise = one * (1 / count - 1 / items)
            measurements[f"hessian_predicted_{count}"] = predicted_top(top, noise / size**2, size)
            measurements[f"hessian_effective_{count}"] = predicted_top(top, noise / effective**2, effective)
        return measurements

    def figures(self) -> dict[str, float]:
        """What was found; nothing where the training ended before it was due."""
        return self.measurements

    def state(self) -> dict[str, Any]:
        """What was found."""
        return {"found": self.measurements}

    def load(self, state: dict[str, Any]) -> None:
        """The same."""
        self.measurements = state["found"]


def _drawn(like: Any) -> Any:
    # Of the CPU's generator, which a training gets back as it was.
    return torch.randn(len(like), dtype=like.dtype).to(like.device)


def noise_moments(draw: Callable[[], Product], whole: Product, like: Any) -> tuple[float, float]:
    """tr N² and tr N⁴ of the noise N, by which the matrix of a `draw` differs from the whole one: means over draws."""
    moments = []
    for _ in range(_PROBES):
        some, probe = draw(), _drawn(like)
        once = some(probe) - whole(probe)
        twice = some(once) - whole(once)
        moments.append([float(vector.double().square().sum()) for vector in (once, twice)])
    second, fourth = zip(*moments, strict=True)
    return sum(second) / _PROBES, sum(fourth) / _PROBES


def noise_size(second: float, fourth: float) -> float:
    """The size of the matrix of Gaussian noise that has these tr N² and tr N⁴: s²·P² and 2·s⁴·P³ by the semicircle."""
    return 2 * second**2 / fourth if fourth > 0 else 1.0


def predicted_top(top: float, variance: float, size: float) -> float:
    """The top eigenvalue of a (size, size) matrix whose own is `top` plus symmetric noise of that variance an element.

    Above the threshold s·√P it is top + P·s²/top, below it the edge of the bulk, 2·s·√P (Granziol et al.,
    with s² the variance over the batch size).
    """
    edge: float = (variance * size) ** 0.5
    return top + edge**2 / top if top > edge else 2 * edge


def hessian_product(loss: Callable[[], Any], weights: Sequence[Any]) -> Product:
    """v → H·v, flat, of the Hessian of `loss()` by `weights`."""
    with torch.enable_grad():
        gradients = torch.autograd.grad(loss(), list(weights), create_graph=True, allow_unused=True)
    slopes = [(weight, slope) for weight, slope in zip(weights, gradients, strict=True) if slope is not None]

    def product(vector: Any) -> Any:
        pieces = dict(zip(map(id, weights), vector.split([weight.numel() for weight in weights]), strict=True))
        dot = sum((slope.flatten() * pieces[id(weight)]).sum() for weight, slope in slopes)
        products: Sequence[Any] = [None] * len(weights)
        if getattr(dot, "requires_grad", False):
            products = torch.autograd.grad(dot, list(weights), retain_graph=True, allow_unused=True)
        return torch.cat(
            [
                (torch.zeros_like(weight) if piece is None else piece.detach()).flatten()
                for weight, piece in zip(weights, products, strict=True)
            ]
        )

    return product


def top_eigenvalue(product: Product, start: Any, *, tolerance: float = 1e-3, most: int = 100) -> float:
    """The largest eigenvalue of a symmetric matrix that is given by its products, by Lanczos from `start`.

    Every vector is made orthogonal to all before it. Ends where the residual is below `tolerance` of the eigenvalue, or
    after `most` products.
    """
    basis = [(start / start.norm()).double()]
    diagonal: list[float] = []
    beside: list[float] = []
    top = 0.0
    for _ in range(min(most, len(start))):
        vector = product(basis[-1].to(start.dtype)).double()
        diagonal.append(float(vector @ basis[-1]))
        for _ in range(2):  # once leaves what rounding has put back
            rows = torch.stack(basis)
            vector = vector - rows.T @ (rows @ vector)
        rest = float(vector.norm())
        small = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
        if beside:
            off = torch.tensor(beside, dtype=torch.float64)
            small = small + torch.diag(off, 1) + torch.diag(off, -1)
        values, vectors = torch.linalg.eigh(small)
        top = float(values[-1])
        if rest * abs(float(vectors[-1, -1])) <= tolerance * abs(top) or rest == 0:
            break
        beside.append(rest)
        basis.append(vector / rest)
    return top
