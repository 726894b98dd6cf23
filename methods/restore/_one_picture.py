"""What methods share that train a network on the one picture they are given."""

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
    info: Any,
    device: Any,
    fall: Callable[[float], float] = lambda done: 1.0,
) -> Any:
    """The network of `make()` after so many steps of Adam, whose rate is `lr` times `fall` of the share that is done.

    Its start and torch's draws depend on the picture alone.
    """
    import torch

    seed = int(torch.randint(2**62, (), generator=info.generator))
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        net = make().to(device)
        optimizer = torch.optim.Adam(net.parameters(), lr=lr)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = lr * fall(step / steps)
            optimizer.zero_grad()
            torch.autograd.backward(loss(net, step))
            optimizer.step()
    return net


def normal(like: Any, info: Any) -> Any:
    """Normal noise of the shape and on the device of `like`, drawn on the CPU: the same on each device."""
    import torch

    return torch.randn(like.shape, generator=info.generator).to(like.device)
