"""Objectives of denoisers that are given the noise and the class: one network, read in four ways.

A picture x0 on [-1, 1] with normal noise of deviation σ is x = x0 + σ n. A network F is given `into` x, and what is
expected is `kept` x + `reach` F; so what F should give is (x0 - kept x) / reach, whose size is about 1 at every level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import noisebench as nb
import torch
from annotated_types import Ge, Lt

Scales = Callable[[Any], tuple[Any, Any, Any]]
"""A level σ (N, 1, 1, 1) → how much of x goes into the network, is kept, and how far the network reaches."""
Drop = Annotated[float, Ge(0), Lt(1)]
F = TypeVar("F", bound=Callable[..., Any])
LEAST, MOST = 0.002, 80.0


@dataclass(frozen=True)
class DenoiserReading:
    """How a network that was trained by an objective is read as a denoiser."""

    scales: Scales

    def __call__(self, net: Any, x: Any, sigma: Any, labels: Any = None) -> Any:
        """The picture that is expected in x (N, C, H, W), noise of deviation `sigma` in it; both on [-1, 1]."""
        sigma = torch.as_tensor(sigma, dtype=x.dtype, device=x.device).reshape(-1, 1, 1, 1).expand(len(x), 1, 1, 1)
        into, kept, reach = self.scales(sigma)
        return kept * x + reach * network_output(net, into * x, sigma, labels)


def read_as(scales: Scales) -> Callable[[F], F]:
    """Say how networks of this objective are read: its function gets the attribute `denoised`, a `Reading`."""

    def mark(objective: F) -> F:
        objective.denoised = DenoiserReading(scales)  # type: ignore[attr-defined]
        return objective

    return mark


def network_output(net: Any, scaled: Any, sigma: Any, labels: Any) -> Any:
    """The network's output, given a quarter of the level's logarithm. Raises `UsageError` for one without."""
    if not hasattr(net, "classes"):
        raise nb.UsageError("this objective needs a network that is told the noise, such as arch=diffusion_unet")
    return net(scaled, sigma.flatten().log() / 4, labels)


def denoising_loss(net: Any, batch: Any, scales: Scales, sigma: Any, drop: float, loss: nb.Bound) -> Any:
    """The loss of what the network gives for pictures with noise of the levels `sigma` (N, 1, 1, 1).

    A share `drop` of the labels is left out, so that the network knows pictures of no class too.
    """
    clean = 2 * batch["wanted"] - 1
    labels = batch.get("labels")
    if labels is not None:
        labels = torch.where(torch.rand(len(labels), device=labels.device) < drop, -1, labels)
    x = clean + sigma * torch.randn_like(clean)
    into, kept, reach = scales(sigma)
    output = network_output(net, into * x, sigma, labels)
    return loss.entry.obj(output, (clean - kept * x) / reach, **loss.kwargs)


def uniform_draws(batch: Any) -> Any:
    """Uniform values on (0, 1), one an item, (N, 1, 1, 1)."""
    clean = batch["wanted"]
    return torch.rand(len(clean), 1, 1, 1, device=clean.device).clamp(1e-6, 1 - 1e-6)
