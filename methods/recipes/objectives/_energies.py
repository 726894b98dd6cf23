"""What objectives of energies share: pictures with noise, draws of a covering law, and how an energy denoises."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le
from noisebench.recipes.archs._energy import Energy, energy_in

Level = Annotated[float, Gt(0), Le(1e6)]
Wider = Annotated[float, Ge(1), Le(100)]
LEAST, MOST = 0.1, 1.0
F = TypeVar("F", bound=Callable[..., Any])


def read_as_energy(objective: F) -> F:
    """Say how networks of this objective are read: the picture in x is x + σ² score (Tweedie), of no class.

    What reads raises `Skip` for pictures of another shape.
    """

    def denoised(net: Any, x: Any, sigma: Any, labels: Any = None) -> Any:
        energy = energy_in(net, f"objective {objective.__name__}")
        if tuple(x.shape[1:]) != energy.base.shape:
            raise nb.Skip(f"this energy is of pictures {energy.base.shape}, not {tuple(x.shape[1:])}")
        sigma = torch.as_tensor(sigma, dtype=x.dtype, device=x.device).reshape(-1, 1, 1, 1).expand(len(x), 1, 1, 1)
        return x + sigma**2 * energy.score(x, sigma)

    objective.denoised = denoised  # type: ignore[attr-defined]
    return objective


def noisy(net: Any, batch: Any, least: float, most: float, who: str) -> tuple[Energy, Any, Any, Any]:
    """The energy, pictures on [-1, 1] with noise (N, C, H, W), its levels (N, 1, 1, 1), and the noise before these.

    A level is drawn for each picture, evenly in its logarithm. Raises `UsageError` for a network that is no energy.
    """
    clean = 2 * batch["wanted"] - 1
    share = torch.rand(len(clean), 1, 1, 1, device=clean.device)
    sigma = least * torch.exp(math.log(most / least) * share)
    noise = torch.randn_like(clean)
    return energy_in(net, f"objective {who}"), clean + sigma * noise, sigma, noise


def log_ratios(energy: Energy, x: Any, sigma: Any, wider: float) -> tuple[Any, Any, Any]:
    """log model / q of the pictures x and of as many draws of q, (N,) each, and the model's log density of x.

    q is the law of the energy's base with the noise of each level, `wider` times as wide.
    """
    with torch.no_grad():
        z = energy.base.drawn(sigma, wider)
    of_x = energy.log_density(x, sigma)
    of_z = energy.log_density(z, sigma) - energy.base.log_density(z, sigma, wider)
    return of_x - energy.base.log_density(x, sigma, wider), of_z, of_x
