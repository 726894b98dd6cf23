from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.recipes.parts.nm import NM, _refuse_full, largest

_MDGF = "A. R. Bambhaniya et al., Progressive gradient flow for robust N:M sparsity training, arXiv 2402.04744, 2024"


@nb.part("nm_restricted", cite=_MDGF)
@nb.checked(_refuse_full)
class RestrictedNM(NM):
    """N:M sparsity whose gradients fade: that of a weight that is not kept is times what is left of it.

    All else is `nm`, which passes the whole gradient to every weight. With `srste`, `ste` and `one_shot` nothing is
    left, or all, from the beginning.
    """

    def before_step(self, net: Any, step: int, steps: int) -> None:
        """The gradients, then SR-STE's pull."""
        for mask, weight in zip(self.masks, self._stored(), strict=True):
            if weight.grad is not None:
                kept = largest(weight.detach(), mask.pattern.n, mask.pattern.m)
                weight.grad.mul_(kept + (1 - kept) * mask.pattern.rest)
        super().before_step(net, step, steps)
