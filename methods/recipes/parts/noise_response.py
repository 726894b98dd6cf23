from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le
from noisebench.recipes.parts._hidden import changed, hidden_layers
from noisebench.recipes.weight_matrices import weight_matrices


@nb.part("noise_response")
class NoiseResponse:
    """Response to noise: how far a network's output moves under noise on its input or its features; it only looks.

    At the last `looks` steps, in eval mode: Gaussian noise of `sd` times the standard deviation of what it is added to,
    on the input, and on what every hidden convolution and linear layer gives. Figures: `input_noise_change` and
    `feature_noise_change`, the root mean square of the change of the output; of logits that of their probabilities.
    """

    def __init__(self, *, sd: Annotated[float, Gt(0), Le(1e6)] = 0.1, looks: Annotated[int, Ge(1)] = 16) -> None:
        self.sd, self.looks = sd, looks
        self.sums = {"input": 0.0, "feature": 0.0}
        self.count = 0

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """The hidden layers; the network stays as it is. Raises `UsageError` where there is none."""
        hidden = hidden_layers(net, weight_matrices(net, given), "noise_response")
        self.layers = [net.get_submodule(one.module) for one in hidden]
        return net

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """Note how far the outputs for this batch move."""
        if step < steps - self.looks:
            return
        net.eval()
        try:
            with torch.no_grad():
                given = batch["given"]
                clean = _judged(net(given))
                self.sums["input"] += float((_judged(net(self._noisy(given))) - clean).square().mean())
                with changed(self.layers, lambda _, features: self._noisy(features)):
                    self.sums["feature"] += float((_judged(net(given)) - clean).square().mean())
        finally:
            net.train()
        self.count += 1

    def _noisy(self, values: Any) -> Any:
        return values + self.sd * values.std(correction=0) * torch.randn_like(values)

    def state(self) -> dict[str, Any]:
        """What was noted."""
        return {"sums": dict(self.sums), "count": self.count}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what was noted."""
        self.sums, self.count = dict(state["sums"]), state["count"]

    def figures(self) -> dict[str, float]:
        """The two changes."""
        return {f"{name}_noise_change": (total / max(self.count, 1)) ** 0.5 for name, total in self.sums.items()}


def _judged(output: Any) -> Any:
    return output.softmax(dim=1) if output.ndim == 2 else output
