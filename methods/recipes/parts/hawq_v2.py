from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le, Lt
from noisebench.recipes.weight_matrices import WeightMatrix, covered_share, rewritable, trained_weight, weight_matrices
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parametrize

_HAWQ = "Z. Dong et al., HAWQ-V2: Hessian aware trace-weighted quantization of neural networks, NeurIPS 2020"
_DRAWS = 50
"""Random vectors for a trace."""
_SAME_SIZE = 0.97
"""An allocation that fills so much of the budget counts as one of that size."""
_TRIES = 10_000


def quantised(weight: Any, bits: int) -> Any:
    """A weight on the nearest of 2^bits - 1 equal steps from -max to max of its output channel (symmetric, uniform)."""
    levels = 2 ** (bits - 1) - 1
    scale = weight.abs().amax(dim=tuple(range(1, weight.ndim)), keepdim=True).clamp_min(1e-12) / levels
    return torch.round(weight / scale) * scale


def cheapest(costs: Sequence[Sequence[float]], sizes: Sequence[int], bits: Sequence[int], most: float) -> list[int]:
    """The bits of each layer with the least sum of `costs[layer][choice]` whose sizes times bits are at most `most`.

    Exact, by an integer program. Raises `UsageError` where not even the fewest bits fit.
    """
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp

    layers, choices = len(sizes), len(bits)
    choices_of_layer = np.kron(np.eye(layers), np.ones(choices))
    weights = np.kron(np.asarray(sizes, float), np.asarray(bits, float))
    flat = np.asarray(costs, float).ravel()
    solution = milp(
        # Costs of layers differ by orders of magnitude, and the tolerance of the solver is absolute: 1e-6.
        flat * (1e6 / max(flat.max(), 1e-300)),
        integrality=np.ones(layers * choices),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(choices_of_layer, 1, 1), LinearConstraint(weights[None], -np.inf, most)],
        options={"mip_rel_gap": 0.0},
    )
    if solution.x is None:
        raise nb.UsageError(f"part hawq_v2: {min(bits)} bits a weight are more than its budget: give a larger one")
    return [bits[int(row.argmax())] for row in solution.x.reshape(layers, choices)]


class Quantised(nn.Module):
    """A weight as it is used: itself, or the nearest level of its bits, whose gradient passes straight through."""

    def __init__(self) -> None:
        super().__init__()
        self.bits = 0

    def forward(self, weight: Any) -> Any:
        return weight + (quantised(weight, self.bits) - weight).detach() if self.bits else weight


class QuantisedInput(nn.Module):
    """An input as a layer uses it: itself, or the nearest of 2^bits levels of the range that it had in training.

    Until it has bits the range follows those of batches in training, a tenth of the way each. Gradients pass straight
    through within the range.
    """

    bits: torch.Tensor
    size: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("bits", "size", "low", "high"):
            self.register_buffer(name, torch.zeros(()))
        self.watched: Any = None

    def forward(self, x: Any) -> Any:
        if self.bits:
            inside = x.clamp(self.low, self.high)
            return inside + (self.rounded(inside, int(self.bits)) - inside).detach()
        if self.training and torch.is_grad_enabled():
            low, high = x.detach().amin().float(), x.detach().amax().float()
            first = self.size == 0
            self.size.fill_(x[0].numel())
            self.low.copy_(low if first else self.low.lerp(low, 0.1))
            self.high.copy_(high if first else self.high.lerp(high, 0.1))
        if self.watched is not None:
            x = x if x.requires_grad else x.detach().requires_grad_()
            self.watched.append(x)
        return x

    def rounded(self, x: Any, bits: int) -> Any:
        """The nearest level of each value."""
        step = ((self.high - self.low) / (2**bits - 1)).clamp_min(1e-12)
        return self.low + torch.round((x.clamp(self.low, self.high) - self.low) / step) * step


def _refuse_misfits(bits: Sequence[int], budget: float, allocation: str) -> None:
    if not bits or min(bits) > budget:
        raise nb.UsageError(f"part hawq_v2: none of bits={bits} is within budget={budget:g}: give fewer bits")
    if allocation == "uniform" and budget != int(budget):
        raise nb.UsageError(f"part hawq_v2: budget={budget:g} is no whole number, which uniform bits must be")


@nb.part("hawq_v2", cite=_HAWQ)
@nb.checked(_refuse_misfits)
class HawqV2:
    """HAWQ-V2: bits for each layer by the trace of its Hessian, chosen within a size; then training goes on quantised.

    For a share `at` of the steps the network trains in full precision. Then every convolution, linear layer and
    projection of attention that is trained gets one of `bits`, so that together their weights take at most `budget`
    bits each, and trains on with rounded weights, whose gradients pass straight through; each output channel has a
    scale, its largest weight. Other weights, such as learned positions, stay as they are. allocation:
    `trace` makes the sum of (mean trace) ‖Q(W) − W‖² the least (paper), exactly; `error` the same without
    the trace; `uniform` gives each layer `budget` bits; `random` is an allocation of the same size, another for each
    `draw`.

    The mean trace of a layer, Tr(H)/n, is Hutchinson's of 50 sign vectors, each on a batch of its own of the last steps
    before. It needs a loss with curvature, such as l2: that of l1 on a network of convolutions and ReLU is 0.

    activations: the inputs of these layers have bits too, chosen alike by the traces of the Hessian by them, so that
    together they take at most `budget` bits each; their range is that of the batches before.

    At the end the stored weights are those of the levels. Figures, of all weight matrices of the network:
    `average_bits`; `packed_bytes`, with a scale of 4 bytes a channel; `hawq_v2_covers`, the share that has bits. Then
    `bits_LAYER`; and of `trace`: `trace_LAYER`; `trace_seconds`, which are no part of the seconds of training; and how
    three ways to rank layers agree (Spearman) with the rise of the loss when one alone has the most of `bits` within
    the budget: `rank_by_omega`, `rank_by_trace`, `rank_by_error`. Of `activations`: `average_input_bits` and
    `input_bits_LAYER`.
    """

    costs: ClassVar[Mapping[str, str]] = {"average_bits": "bits a weight"}
    settles = True

    def __init__(
        self,
        *,
        bits: tuple[Annotated[int, Ge(2), Le(16)], ...] = (2, 3, 4, 6, 8),
        budget: Annotated[float, Ge(2), Le(16)] = 4.0,
        allocation: Literal["trace", "error", "uniform", "random"] = "trace",
        at: Annotated[float, Gt(0), Lt(1)] = 0.5,
        draw: Annotated[int, Ge(0)] = 0,
        activations: bool = False,
    ) -> None:
        self.bits, self.budget, self.allocation, self.at, self.draw = sorted(set(bits)), budget, allocation, at, draw
        self.activations = activations
        self.chosen: list[int] = []
        self.draws, self.seconds = 0, 0.0
        self.traces: list[float] = []
        self.rises: list[float] = []
        self.inputs: list[QuantisedInput] = []
        self.input_costs: list[list[float]] = []
        self.measurements: dict[str, float] = {}

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """The layers use their weights as they are, until they have bits. Raises `UsageError` where there is none."""
        self.net, self.matrices = net, weight_matrices(net, given)
        self.covered: list[WeightMatrix] = [
            one for one in rewritable(net, self.matrices) if trained_weight(net, one).requires_grad
        ]
        if not self.covered:
            raise nb.UsageError("part hawq_v2: the network has no convolution or linear layer: leave out the part")
        self.sizes = [one.size for one in self.covered]
        self.traces, self.rises = [0.0] * len(self.sizes), [0.0] * len(self.sizes)
        self.masks = [Quantised() for _ in self.sizes]
        for one, mask in zip(self.covered, self.masks, strict=True):
            parametrize.register_parametrization(net.get_submodule(one.module), one.parameter, mask)
        if self.activations:
            self._watch_inputs(net)
        return net

    def _watch_inputs(self, net: Any) -> None:
        hidden = next((one for one in self.covered if one.executed and not one.called), None)
        if hidden is not None:
            raise nb.UsageError(
                f"part hawq_v2: attention uses {hidden.name} itself, which hides its inputs: give activations=false"
            )
        for one in self.covered:
            layer = net.get_submodule(one.module)
            layer.quantised_input = QuantisedInput()
            self.inputs.append(layer.quantised_input)
            layer.register_forward_pre_hook(lambda module, inputs: (module.quantised_input(inputs[0]), *inputs[1:]))
        self.input_costs = [[0.0] * len(self.bits) for _ in self.inputs]

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """Choose the bits when it is time; the batch as it is."""
        if not self.chosen and step >= self._start(steps):
            self._choose()
        return batch

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """One sign vector, on this batch; and the loss with one layer quantised."""
        start = self._start(steps)
        if self.allocation not in ("trace", "error") or self.chosen or step < start - _DRAWS:
            return
        if self.allocation == "error" and not self.inputs:
            return
        began = time.perf_counter()
        training = net.training
        net.eval()
        weights = self._weights()
        with sdpa_kernel(SDPBackend.MATH):  # attention's other ways have no second derivative
            for _ in range(-(-_DRAWS // min(start, _DRAWS)) if self.allocation == "trace" else 0):
                for i, value in enumerate(products(loss_of(batch), weights)):
                    self.traces[i] += value / self.sizes[i]
                self.draws += 1
            self._weigh_inputs(loss_of, batch)
        if self.allocation == "trace":
            with torch.no_grad():
                whole = float(loss_of(batch))
                for i, mask in enumerate(self.masks):
                    mask.bits = self._most()
                    self.rises[i] += float(loss_of(batch)) - whole
                    mask.bits = 0
        net.train(training)
        self.seconds += time.perf_counter() - began

    def _weigh_inputs(self, loss_of: Any, batch: Any) -> None:
        """Add what each of the bits costs at each input: its mean trace times the squared error of an item."""
        seen: list[list[Any]] = [[] for _ in self.inputs]
        for one, values in zip(self.inputs, seen, strict=True):
            one.watched = values
        loss = loss_of(batch) if self.inputs else None
        for one in self.inputs:
            one.watched = None
        firsts = [values[0] for values in seen if values]
        traces = products(loss, firsts) if self.allocation == "trace" and firsts else [1.0] * len(firsts)
        captured = iter(zip(firsts, traces, strict=True))
        for one, values, costs in zip(self.inputs, seen, self.input_costs, strict=True):
            if values:
                x, trace = next(captured)
                for i, bits in enumerate(self.bits):
                    off = one.rounded(x.detach(), bits) - x.detach()
                    costs[i] += trace / x[0].numel() * float(off.square().sum()) / len(x)

    def finish(self, net: Any) -> None:
        """The weights that are stored are those of the levels."""
        if not self.chosen:
            self._choose()
        with torch.no_grad():
            for one, mask, weight in zip(self.covered, self.masks, self._weights(), strict=True):
                weight.copy_(one.of(self.net))
                mask.bits = 0

    def state(self) -> dict[str, Any]:
        """What going on needs."""
        return {
            "chosen": self.chosen, "draws": self.draws, "seconds": self.seconds,
            "traces": self.traces, "rises": self.rises, "measurements": self.measurements,
            "input_costs": self.input_costs,
        }  # fmt: skip

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        vars(self).update(state)
        self._use()

    def figures(self) -> dict[str, float]:
        """What was chosen, what it takes, and by what."""
        whole = sum(
            one.size * trained_weight(self.net, one).element_size() for one in self.matrices if one not in self.covered
        )
        bits = sum(size * b for size, b in zip(self.sizes, self.chosen, strict=True)) + 8 * whole
        packed = sum(-(-size * b // 8) for size, b in zip(self.sizes, self.chosen, strict=True)) + whole
        channels = sum(one.shape[0] for one in self.covered)
        return {
            "average_bits": bits / sum(one.size for one in self.matrices),
            "packed_bytes": float(packed + 4 * channels),
            "hawq_v2_covers": covered_share(self.covered, self.matrices),
            **{f"bits_{one.name}": float(b) for one, b in zip(self.covered, self.chosen, strict=True)},
            **self._input_figures(),
            **self.measurements,
        }

    def _input_figures(self) -> dict[str, float]:
        if not self.inputs:
            return {}
        bits, sizes = [float(one.bits) for one in self.inputs], [float(one.size) for one in self.inputs]
        return {
            "average_input_bits": sum(b * size for b, size in zip(bits, sizes, strict=True)) / sum(sizes),
            **{f"input_bits_{one.name}": b for one, b in zip(self.covered, bits, strict=True)},
        }

    def _start(self, steps: int) -> int:
        return max(1, round(self.at * steps))

    def _most(self) -> int:
        return max(b for b in self.bits if b <= self.budget)

    def _weights(self) -> list[Any]:
        return [trained_weight(self.net, one) for one in self.covered]

    def _choose(self) -> None:
        for one, bits in zip(self.inputs, self._bits_of_inputs(), strict=True):
            one.bits.fill_(bits)
        if self.allocation == "uniform":
            self.chosen = [int(self.budget)] * len(self.sizes)
        elif self.allocation == "random":
            self.chosen = drawn(self.sizes, self.bits, self.budget, self.draw)
        else:
            traces = self._measured() if self.allocation == "trace" else [1.0] * len(self.sizes)
            costs = [
                [max(trace, 0.0) * error(weight, b) for b in self.bits]
                for trace, weight in zip(traces, self._weights(), strict=True)
            ]
            self.chosen = cheapest(costs, self.sizes, self.bits, self.budget * sum(self.sizes))
        self._use()

    def _bits_of_inputs(self) -> list[int]:
        sizes = [int(one.size) for one in self.inputs]
        if not sizes or self.allocation == "uniform":
            return [int(self.budget)] * len(sizes)
        if self.allocation == "random":
            return drawn(sizes, self.bits, self.budget, (self.draw, 1))
        costs = [[max(cost, 0.0) for cost in of_input] for of_input in self.input_costs]
        return cheapest(costs, sizes, self.bits, self.budget * sum(sizes))

    def _use(self) -> None:
        for mask, b in zip(self.masks, self.chosen, strict=False):
            mask.bits = b

    def _measured(self) -> list[float]:
        """The mean trace of each layer; leaves the figures of how it ranks them."""
        if not self.draws:
            raise nb.UsageError("part hawq_v2: training ended before a trace was found: give more steps")
        traces = [total / self.draws for total in self.traces]
        errors = [error(weight, self._most()) for weight in self._weights()]
        ways = {"omega": [t * e for t, e in zip(traces, errors, strict=True)], "trace": traces, "error": errors}
        self.measurements = {
            **{f"trace_{one.name}": trace for one, trace in zip(self.covered, traces, strict=True)},
            "trace_seconds": self.seconds,
            **{f"rank_by_{way}": spearman(values, self.rises) for way, values in ways.items()},
        }
        return traces


def products(loss: Any, weights: Sequence[Any]) -> list[float]:
    """v·(Hv) within each of the weights, for one random vector v of signs over all: its mean is the trace there."""
    gradients = torch.autograd.grad(loss, weights, create_graph=True, materialize_grads=True)
    # Drawn on the CPU, whose generator the training seeds, so that every device has the same.
    signs = [(torch.randint(0, 2, w.shape) * 2 - 1).to(w.device, w.dtype) for w in weights]
    along: Any = sum((g * v).sum() for g, v in zip(gradients, signs, strict=True))
    if not along.requires_grad:
        return [0.0] * len(signs)
    turned = torch.autograd.grad(along, weights, materialize_grads=True)
    return [float((h * v).sum()) for h, v in zip(turned, signs, strict=True)]


def error(weight: Any, bits: int) -> float:
    """The squared distance between a weight and what is stored of it at so many bits."""
    return float((quantised(weight.detach(), bits) - weight.detach()).square().sum())


def drawn(sizes: Sequence[int], bits: Sequence[int], budget: float, draw: int | Sequence[int]) -> list[int]:
    """A random allocation within the budget that fills it to 97 %; where none is drawn, the fullest that was."""
    import numpy as np

    tried = np.random.default_rng(draw).choice(np.asarray(bits), (_TRIES, len(sizes)))
    share = tried @ np.asarray(sizes, float) / (budget * sum(sizes))
    fitting = np.flatnonzero((share <= 1) & (share >= _SAME_SIZE))
    if fitting.size:
        return [int(b) for b in tried[fitting[0]]]
    if not (share <= 1).any():
        return [min(bits)] * len(sizes)
    return [int(b) for b in tried[np.where(share <= 1, share, -1.0).argmax()]]


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's rank correlation; 0 where one of them has a single value."""
    from scipy.stats import spearmanr

    if len(set(a)) < 2 or len(set(b)) < 2:
        return 0.0
    return float(spearmanr(a, b).statistic)
