from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import noisebench as nb
from noisebench.recipes.parts import nm

_MDGF = "A. R. Bambhaniya et al., Progressive gradient flow for robust N:M sparsity training, arXiv 2402.04744, 2024"


@contextmanager
def _own_name() -> Iterator[None]:
    """Within it an error of `nm` names this part."""
    try:
        yield
    except nb.UsageError as error:
        raise nb.UsageError(str(error).replace("part nm:", "part nm_restricted:")) from None


def _refuse_full(n: int, m: int) -> None:
    with _own_name():
        nm._refuse_full(n, m)


@nb.part("nm_restricted", cite=_MDGF)
@nb.checked(_refuse_full)
class RestrictedNM(nm.NM):
    """N:M sparsity whose gradients fade: that of a weight that is not kept is times what is left of it.

    All else is `nm`, which passes the whole gradient to every weight. With `srste`, `ste` and `one_shot` nothing is
    left, or all, from the beginning.
    """

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """As `nm`. Raises `UsageError` where no layer has blocks."""
        with _own_name():
            return super().prepare(net, given)

    def before_step(self, net: Any, step: int, steps: int) -> None:
        """The gradients, then SR-STE's pull."""
        for mask, weight in zip(self.masks, self._stored(), strict=True):
            if weight.grad is not None:
                kept = nm.largest(weight.detach(), mask.pattern.n, mask.pattern.m)
                weight.grad.mul_(kept + (1 - kept) * mask.pattern.rest)
        super().before_step(net, step, steps)
