from __future__ import annotations

from collections.abc import Callable, Sequence

import noisebench as nb


@nb.sampler("shuffled")
def shuffled(n: int, batch: int, seed: int) -> Callable[[int], Sequence[int]]:
    """Shuffled: each item once before any comes again, in an order of its own each time."""
    orders: dict[int, Sequence[int]] = {}

    def order_of(epoch: int) -> Sequence[int]:
        if epoch not in orders:
            for past in [known for known in orders if known < epoch - 1]:
                del orders[past]
            rng = nb.keyed_generator(nb.text_key(f"shuffled|{seed}|{epoch}"))
            orders[epoch] = [int(place) for place in rng.permutation(n)]
        return orders[epoch]

    def order(step: int) -> Sequence[int]:
        places = range(step * batch, (step + 1) * batch)
        return [order_of(place // n)[place % n] for place in places]

    return order
