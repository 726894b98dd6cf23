from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge
from noisebench.methods.classify._explaining import network_within, refuse_without_maps


@nb.method("randomized", track="classify", layout="hwc", explains=True, cite="J. Adebayo et al., Sanity checks for "
           "saliency maps, NeurIPS 2018")  # fmt: skip
@nb.checked(refuse_without_maps)
class Randomized:
    """A saliency method beside itself before a network without training: what its maps owe to the weights.

    method: any method that explains, around one torch network. Logits and maps are those of the method as it is; behind
    them stand those before the same network with the weights that its modules begin with, drawn by `seed`. The metric
    `weight_similarity` compares both: a map that stays the same does not show what was learned.
    """

    def __init__(self, *, method: nb.MethodSpec, seed: Annotated[int, Ge(0)] = 0) -> None:
        self.inner, self.unlearned, self.seed = nb.Classifier(method), nb.Classifier(method), seed

    def setup(self, device: Any) -> None:
        """Set up the method within, and again with other weights. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)
        self.unlearned.setup(device)
        begin_anew(network_within("randomized", self.unlearned)[1], self.seed)

    def classify(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → logits (K,), maps (K, H, W), and those without training."""
        logits, maps = self.inner.explain(picture, info)
        return logits, maps[0], self.unlearned.explain(picture, info)[1][0]


def begin_anew(net: Any, seed: int) -> None:
    """Reset all modules of a network to the weights and statistics that they begin with.

    Raises `Skip` for weights that none of its modules can draw.
    """
    import torch

    begin = [module for module in net.modules() if hasattr(module, "reset_parameters")]
    drawn = {id(one) for module in begin for one in module.parameters(recurse=False)}
    undrawn = [name for name, one in net.named_parameters() if id(one) not in drawn]
    if undrawn:
        raise nb.Skip(
            f"randomized: weight {nb.one_line(undrawn[0])} cannot be drawn again: give its module reset_parameters()"
        )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for module in begin:
            module.reset_parameters()
