from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
from noisebench.recipes.archs._probes import Probe
from torch import nn


@nb.arch(
    "linear_probe",
    cite="G. Alain, Y. Bengio, Understanding intermediate layers using linear classifier probes, ICLR workshop 2017",
)
class LinearProbe(Probe):
    """Linear probe: a linear layer on the features of a network that stays as it is.

    of: any network of classes; its features are what its last linear layer is given. The weights of one that was
    trained on other pictures or labels come by `parts=pretrained(of=trained(arch=…, …))`; without it they are random.
    (C, H, W) → (K,).
    """

    def __init__(
        self, given: Sequence[int], wanted: Sequence[int], *, of: Annotated[Any, nb.Nested("arch")] = "small_cnn"
    ) -> None:
        super().__init__(given, wanted, of)
        self.head = nn.Linear(self.width, self.classes)

    def forward(self, x: Any) -> Any:
        return self.head(self.features(x))
