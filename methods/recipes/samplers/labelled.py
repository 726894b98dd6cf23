from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import noisebench as nb
from annotated_types import Ge, Gt, Le


@nb.sampler("labelled")
def labelled(
    n: int,
    batch: int,
    seed: int,
    *,
    first: Annotated[int, Ge(1)] = 5,
    share: Annotated[float, Gt(0), Le(1)] = 0.5,
) -> Callable[[int], Sequence[int]]:
    """Labelled: of each batch a share is of the first few items, those that have a truth, and the others of the rest.

    first: how many items have one; share: 1 trains on these alone. Of a batch at least one item is of them. Each part
    is in an order of its own each time, and each item comes once before any of its part comes again. Raises
    `UsageError` where a part is due that has no items.
    """
    known = max(1, round(share * batch))
    if first > n or (first == n and known < batch):
        raise nb.UsageError(
            f"sampler labelled: first={first} takes all {n} items of the training, or more: give a smaller first"
        )
    parts = (range(first), known, "first"), (range(first, n), batch - known, "rest")

    def order(step: int) -> Sequence[int]:
        places: list[int] = []
        for items, count, name in parts:
            for turn in range(step * count, (step + 1) * count):
                epoch, at = divmod(turn, len(items))
                rng = nb.keyed_generator(nb.text_key(f"labelled|{seed}|{name}|{epoch}"))
                places.append(items[int(rng.permutation(len(items))[at])])
        return places

    return order
