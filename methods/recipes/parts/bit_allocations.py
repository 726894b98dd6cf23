from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.recipes.parts.hawq_v2 import cheapest, drawn, error, products, quantised
from noisebench.recipes.weight_matrices import WeightMatrix, rewritable, trained_weight, weight_matrices
from torch import nn

_HAWQ = "Z. Dong et al., HAWQ-V2: Hessian aware trace-weighted quantization of neural networks, NeurIPS 2020"
_VECTORS = 50
"""Random vectors for a trace, one a step."""
_BATCHES = 8
"""On which allocations are compared."""


@nb.part("bit_allocations", cite=_HAWQ)
class BitAllocations:
    """Bit allocations: what the trained network loses at bits by the trace, the same everywhere, and at random ones.

    Looks at the last steps: traces by 50 sign vectors, as `hawq_v2`, and the loss on the last eight batches with
    rounded weights, in eval mode and without training on. For each size B of `budgets`, in bits a weight:
    `loss_trace_B`; `loss_uniform_B`, where B is a whole number; of `draws` random allocations that fill B to 97 %,
    `loss_random_B`, their median; `beaten_B`, the share of them whose loss is higher than the trace's. And
    `loss_whole`, of weights that are not rounded; `front`, the share of the sizes at which no other allocation, of this
    size or a smaller one, has a lower loss than the trace's: so much of the Pareto front is by the trace.
    """

    def __init__(
        self,
        *,
        bits: tuple[Annotated[int, Ge(2), Le(16)], ...] = (2, 3, 4, 6, 8),
        budgets: tuple[Annotated[float, Ge(2), Le(16)], ...] = (3.0, 4.0, 5.0),
        draws: Annotated[int, Ge(2), Le(10_000)] = 50,
    ) -> None:
        if not bits or not budgets or min(bits) > min(budgets):
            raise nb.UsageError(
                f"part bit_allocations: no allocation of bits={bits} takes each of budgets={budgets}: give fewer bits"
            )
        self.bits, self.budgets, self.draws = sorted(set(bits)), sorted(set(budgets)), draws
        self.vectors = 0
        self.traces: list[float] = []
        self.batches: list[Any] = []
        self.measurements: dict[str, float] = {}

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """The network as it is. Raises `UsageError` where no layer has weights that are trained."""
        self.net = net
        self.layers: list[WeightMatrix] = [
            one for one in rewritable(net, weight_matrices(net, given)) if trained_weight(net, one).requires_grad
        ]
        if not self.layers:
            raise nb.UsageError("part bit_allocations: the network has no convolution or linear layer: leave it out")
        self.traces = [0.0] * len(self.layers)
        return net

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """One sign vector on this batch; at the last step, the loss of all allocations."""
        if step < steps - _VECTORS:
            return
        training = net.training
        net.eval()
        for i, value in enumerate(products(loss_of(batch), self._weights())):
            self.traces[i] += value / self.layers[i].size
        self.vectors += 1
        self.batches = [*self.batches, dict(batch)][-_BATCHES:]
        if step == steps - 1:
            self.measurements = self._compared(loss_of)
            self.batches = []
        net.train(training)

    def state(self) -> dict[str, Any]:
        """What was added up, and the batches that are kept."""
        return {
            "vectors": self.vectors, "traces": self.traces, "batches": self.batches, "measurements": self.measurements,
        }  # fmt: skip

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        vars(self).update(state)

    def figures(self) -> dict[str, float]:
        """The losses, and the shares."""
        return self.measurements

    def _weights(self) -> list[nn.Parameter]:
        return [trained_weight(self.net, one) for one in self.layers]

    def _compared(self, loss_of: Any) -> dict[str, float]:
        weights, sizes = self._weights(), [one.size for one in self.layers]
        whole = [weight.detach().clone() for weight in weights]
        rounded = [
            {bits: quantised(weight, bits) for bits in {*self.bits, *map(int, self.budgets)}} for weight in whole
        ]

        def loss(values: Sequence[Any]) -> float:
            with torch.no_grad():
                for weight, value in zip(weights, values, strict=True):
                    weight.copy_(value)
                return sum(float(loss_of(batch)) for batch in self.batches) / len(self.batches)

        def loss_at(allocation: Sequence[int]) -> float:
            return loss([of_layer[bits] for of_layer, bits in zip(rounded, allocation, strict=True)])

        costs = [
            [max(trace, 0.0) * error(weight, bits) for bits in self.bits]
            for trace, weight in zip(self.traces, whole, strict=True)
        ]
        measurements, others, by_trace = {"loss_whole": loss(whole)}, [], []
        for budget in self.budgets:
            most = budget * sum(sizes)
            chosen = cheapest(costs, sizes, self.bits, most)
            rivals = [drawn(sizes, self.bits, budget, draw) for draw in range(self.draws)]
            losses = [loss_at(rival) for rival in rivals]
            trace_loss = loss_at(chosen)
            measurements[f"loss_trace_{budget:g}"] = trace_loss
            measurements[f"loss_random_{budget:g}"] = sorted(losses)[len(losses) // 2]
            measurements[f"beaten_{budget:g}"] = sum(one > trace_loss for one in losses) / len(losses)
            if budget == int(budget):
                rivals.append([int(budget)] * len(sizes))
                losses.append(loss_at(rivals[-1]))
                measurements[f"loss_uniform_{budget:g}"] = losses[-1]
            by_trace.append((budget, trace_loss))
            others += [(budget, one) for one in losses]
        measurements["front"] = sum(
            all(one >= trace_loss for size, one in [*others, *by_trace] if size <= budget)
            for budget, trace_loss in by_trace
        ) / len(by_trace)
        loss(whole)
        return measurements
