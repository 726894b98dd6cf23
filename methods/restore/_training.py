"""What methods share that train a small network before they restore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Loss = Callable[[Any, int], Any]
"""The network and the number of the step → a scalar tensor."""


def fitted(
    make: Callable[[], Any],
    loss: Loss,
    *,
    steps: int,
    lr: float,
    seed: int,
    device: Any,
    tell: Callable[[int, int], None],
    betas: tuple[float, float] = (0.9, 0.999),
    fall: Callable[[float], float] = lambda done: 1.0,
) -> Any:
    """The network of `make()` after so many steps of Adam, whose rate is `lr` times `fall` of the share that is done.

    `tell` is told before each step how many of all are done. The network's start and torch's draws within depend on the
    seed alone, and no draw outside is changed.
    """
    import torch

    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        net = make().to(device)
        optimizer = torch.optim.Adam(net.parameters(), lr=lr, betas=betas)
        for step in range(steps):
            tell(step, steps)
            optimizer.param_groups[0]["lr"] = lr * fall(step / steps)
            optimizer.zero_grad()
            torch.autograd.backward(loss(net, step))
            optimizer.step()
    return net
