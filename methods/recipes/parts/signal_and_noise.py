"""Signal and noise: of a perceptron, the weight that tells the classes apart, and all others; it only looks."""

from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.recipes.archs.perceptron import Perceptron


@nb.part("signal_and_noise", cite="A. Sclocchi, M. Geiger, M. Wyart, Dissecting the effects of SGD noise, ICML 2023")
class SignalAndNoise:
    """Signal and noise: of a perceptron on `half_space`, its first weight and the norm of all others; it only looks.

    Figures: `signal`, what training added to the first weight, and `noise`, the norm of what it added to all others.
    """

    def __init__(self) -> None:
        self.start: Any = None
        self.measurements: dict[str, float] = {}

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """Remember the weights before the first step."""
        if step == 0:
            self.start = _weights(net).detach().clone()

    def finish(self, net: Any) -> None:
        """Measure what was added to them."""
        added = _weights(net).detach().double() - self.start
        self.measurements = {"signal": float(added[0]), "noise": float(added[1:].norm())}

    def figures(self) -> dict[str, float]:
        """Both."""
        return self.measurements

    def state(self) -> dict[str, Any]:
        """The weights at the beginning."""
        return {"start": self.start}

    def load(self, state: dict[str, Any]) -> None:
        """The same."""
        self.start = state["start"]


def _weights(net: Any) -> Any:
    """The weights that are trained. Raises `UsageError` where there is no perceptron."""
    for module in net.modules():
        if isinstance(module, Perceptron):
            return module.weight
    raise nb.UsageError("part signal_and_noise is for arch=perceptron")
