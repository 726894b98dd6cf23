from __future__ import annotations

import copy
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.restore._wrapping import variants_of

Block = Annotated[int, Ge(1), Le(1000)]


@nb.method("early_exit", track="classify", cite="Q. Li, Y. W. Teh, R. Pascanu, NoProp: training neural networks "
           "without full back-propagation or full forward-propagation, arXiv 2503.24322")  # fmt: skip
class EarlyExit:
    """Early exit: what a block in the middle of a trained chain says of the class, such as its first one alone.

    method: `trained(arch=noprop, …)`, or one `tuned`. block: whose logits are taken, after those before it. Block 1
    sees the picture and noise alone, so that what it lacks to the whole chain is what the others add.
    """

    def __init__(self, *, method: nb.MethodSpec, block: Block = 1) -> None:
        self.inner, self.block = nb.Classifier(method), block

    @staticmethod
    def flags(*, method: nb.Bound, block: int) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is trained, for what has no such block."""
        for one in variants_of(method):
            arch = one.kwargs.get("arch")
            if arch is None or not hasattr(arch.entry.obj, "exited"):
                raise nb.UsageError(f"early_exit takes trained(arch=noprop, …), or one tuned, not {method.display}")
            if block > arch.kwargs.get("blocks", block):
                raise nb.UsageError(f"early_exit: block={block} is behind the last of {arch.display}: give a lower one")
        return {}

    def setup(self, device: Any) -> None:
        """Load the chain. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """(N, C, H, W) → logits (N, K)."""
        # The method within, its network left early: which pictures it takes is its affair.
        taken = copy.copy(self.inner.instance)
        taken.use(lambda x: self.inner.instance.net.exited(x, self.block), self.inner.instance.given)
        return taken.classify(picture, info)
