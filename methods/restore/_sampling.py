"""What trained diffusions share: a network of one kind, used in so many calls, from keyed noise."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import noisebench as nb
from noisebench.methods.restore._wrapping import variants_of


class TrainedSampler:
    """A trained network in so many steps, from noise of each picture; the mean of so many pictures."""

    def __init__(self, method: nb.Bound, steps: int, average: int = 1) -> None:
        self.inner = nb.Restorer(method)
        self.steps, self.average = steps, average

    def setup(self, device: Any) -> None:
        """Load the weights that the training gave. Raises `Skip` where there are none."""
        self.inner.setup(device)

    def sampled(self, net: Any, pictures: Any, draw: Callable[[Any], Any]) -> Any:
        """What the network makes of (N, C, H, W); `draw(like)` is normal noise."""
        return net.restored(pictures, self.steps, draw)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same, or as large as the network makes it."""
        import torch

        net, given = self.inner.instance.net, self.inner.instance.given

        def draw(like: Any) -> Any:
            return torch.randn(like.shape, generator=info.generator).to(like)

        def mean(pictures: Any) -> Any:
            samples = (self.sampled(net, pictures, draw) for _ in range(self.average))
            return sum(samples) / self.average

        # The method within, its network used in so many steps: which channels go where is its affair.
        taken = copy.copy(self.inner.instance)
        taken.use(mean, given)
        return taken.restore(noisy, info)


def refuse_others(name: str, arch: str, method: nb.Bound) -> None:
    """Raise `UsageError` for a method whose network is none of `arch`."""
    archs = [one.kwargs.get("arch") for one in variants_of(method)]
    if any(one is None or one.entry.name != arch for one in archs):
        raise nb.UsageError(f"{name} takes trained(arch={arch}, …), or one tuned, not {method.display}")
