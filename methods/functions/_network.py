"""Fully connected networks from coordinates to values, trained on the samples of one function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

Width = Annotated[int, Ge(1), Le(2_000)]
Depth = Annotated[int, Ge(1), Le(20)]
Steps = Annotated[int, Ge(1), Le(1_000_000)]
Rate = Annotated[float, Gt(0), Le(10)]
Share = Annotated[float, Ge(0), Lt(1)]
LOOKS = 50
"""How often the error on the samples that are kept apart is looked at."""


@dataclass(frozen=True)
class Training:
    """Adam of all samples at once, its `rate` falling to 0 by a cosine; a share of the samples is kept `apart`."""

    steps: int
    rate: float
    apart: float


def scaled(x: Any, at: Any) -> tuple[Any, Any]:
    """Points (N, d) and (M, d), each coordinate of the first brought to [−1, 1]."""
    low, span = x.min(axis=0), np.ptp(x, axis=0)
    span = np.where(span > 0, span, 1.0)
    return 2 * (x - low) / span - 1, 2 * (at - low) / span - 1


def forward(x: Any, layers: list[tuple[Any, Any]], bend: Callable[[Any], Any]) -> Any:
    """Values (N,) of points (N, d); `bend` is applied to what each layer but the last gives."""
    for number, (weights, bias) in enumerate(layers):
        x = x @ weights + bias
        if number < len(layers) - 1:
            x = bend(x)
    return x[:, 0]


def fitted(
    samples: Any, info: Any, layers: list[tuple[Any, Any]], bend: Callable[[Any], Any], training: Training
) -> Any:
    """Values (M,) at `samples.at`, float64, of a network with these first layers after its training.

    Values are standardised. Kept are the weights with the least error on the samples that are kept apart.
    """
    import torch

    x, at = (torch.from_numpy(points) for points in scaled(samples.x, samples.at))
    mean, deviation = samples.y.mean(), samples.y.std() or 1.0
    y = torch.from_numpy((samples.y - mean) / deviation)
    order = info.rng.permutation(len(y))
    apart = torch.from_numpy(order[: int(training.apart * len(y))])
    taught = torch.from_numpy(order[len(apart) :])
    parameters = [torch.tensor(part, requires_grad=True) for layer in layers for part in layer]
    network = list(zip(parameters[::2], parameters[1::2], strict=True))
    adam = torch.optim.Adam(parameters, lr=training.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, training.steps)
    least, best = np.inf, [p.detach().clone() for p in parameters]
    for step in range(1, training.steps + 1):
        adam.zero_grad()
        loss = ((forward(x[taught], network, bend) - y[taught]) ** 2).mean()
        loss.backward()
        adam.step()
        schedule.step()
        if step == training.steps or step % max(1, training.steps // LOOKS) == 0:
            info.progress(step, training.steps)
            with torch.no_grad():
                error = float(((forward(x[apart], network, bend) - y[apart]) ** 2).mean()) if len(apart) else 0.0
            if error < least or not len(apart):
                least, best = error, [p.detach().clone() for p in parameters]
    values = forward(at, list(zip(best[::2], best[1::2], strict=True)), bend)
    return values.numpy() * deviation + mean
