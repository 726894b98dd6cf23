"""Early exit: what a block in the middle of a trained chain says of the class, such as its first one alone."""

from __future__ import annotations

import copy
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le


@nb.method("early_exit", track="classify", cite="Q. Li, Y. W. Teh, R. Pascanu, NoProp: training neural networks "
           "without full back-propagation or full forward-propagation, arXiv 2503.24322")  # fmt: skip
class EarlyExit:
    """Early exit: what a block in the middle of a trained chain says of the class, such as its first one alone.

    method: `trained(arch=noprop, …)`, or one `tuned`. block: whose logits are taken, after those before it. Block 1
    sees the picture and noise alone, so that what it lacks to the whole chain is what the others add.
    """

    def __init__(self, *, method: nb.MethodSpec, block: Annotated[int, Ge(1), Le(1000)] = 1) -> None:
        self.inner, self.block = nb.Classifier(method), block

    def setup(self, device: Any) -> None:
        """Load the chain. Raises `Skip` where its weights are missing, `UsageError` for what has no such block."""
        self.inner.setup(device)
        net = getattr(self.inner.instance, "net", None)
        blocks = len(getattr(net, "blocks", ())) if hasattr(net, "exited") else 0
        if self.block > blocks:
            has = f"{blocks} blocks" if blocks else "none, for its network is no chain: give trained(arch=noprop, …)"
            raise nb.UsageError(f"early_exit(block={self.block}): {self.inner.bound.display} has {has}")

    def classify(self, picture: Any, info: Any) -> Any:
        """(N, C, H, W) → logits (N, K)."""
        # The method within, its network left early: which pictures it takes is its affair.
        taken = copy.copy(self.inner.instance)
        taken.use(lambda x: self.inner.instance.net.exited(x, self.block), self.inner.instance.given)
        return taken.classify(picture, info)
