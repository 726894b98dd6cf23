from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge
from noisebench.recipes.weight_matrices import is_layer, refuse_without_pass, weight_matrices
from torch import nn


def singular_entropy(features: Any) -> tuple[float, float]:
    """SVE, the entropy in nats of singular values over their sum, and LSVR, minus the logarithm of the largest share.

    Of features (N, D) as they are. Both are 0 where all rows lie along one direction or are 0, and log(D) at most.
    """
    values = torch.linalg.svdvals(features.detach().double())
    if not values.sum():
        return 0.0, 0.0
    shares = values / values.sum()
    return float(torch.special.entr(shares).sum()), float(-shares[0].log())


@nb.part(
    "sve",
    cite="H. Chen et al., Understanding and mitigating the label noise in pre-training on downstream tasks, ICLR 2024",
)
class SVE:
    """SVE: how evenly the features of a classifier spread over directions; it only looks.

    Features are what the last linear layer of a pass is given, in eval mode, of the pictures of the last `looks`
    batches. Figures: `sve`, the entropy of their singular values over the sum of these, in nats: the larger, the more
    directions; and `lsvr`, minus the logarithm of the share of the largest. Of a `linear_probe` they are features of
    the network that was pre-trained.
    """

    def __init__(self, *, looks: Annotated[int, Ge(1)] = 16) -> None:
        self.looks = looks
        self.seen: list[Any] = []

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """The last linear layer; the network stays as it is. Raises `UsageError` where there is none."""
        matrices = weight_matrices(net, given)
        refuse_without_pass("sve", matrices)
        linear = [one for one in matrices if is_layer(net, one, nn.Linear) and one.called]
        if not linear:
            raise nb.UsageError("part sve: the network has no linear layer: leave out the part")
        self.head = net.get_submodule(linear[-1].module)
        return net

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """Keep the features of this batch."""
        if step < steps - self.looks:
            return
        net.eval()
        handle = self.head.register_forward_pre_hook(lambda _, given: self.seen.append(given[0].detach().flatten(1)))
        try:
            with torch.no_grad():
                net(batch["given"])
        finally:
            handle.remove()
            net.train()

    def state(self) -> dict[str, Any]:
        """What was seen."""
        return {"seen": self.seen}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.seen = list(state["seen"])

    def figures(self) -> dict[str, float]:
        """Both."""
        if not self.seen:
            return {}
        return dict(zip(("sve", "lsvr"), singular_entropy(torch.cat(self.seen)), strict=True))
