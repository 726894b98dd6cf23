from __future__ import annotations

import math
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le
from noisebench.recipes.archs._inner_network import module_in
from noisebench.recipes.archs._patches import as_tokens, seen_alone
from noisebench.recipes.archs.mar import MAR
from noisebench.recipes.objectives._denoising import LEAST, MOST, Drop


def mar_within(net: Any) -> MAR:
    """The network of tokens in another. Raises `UsageError` where there is none."""
    return module_in(net, MAR, "objective mar needs a network of arch=mar")


def shares_unknown(count: int, least: float, deviation: float) -> torch.Tensor:
    """Shares of the tokens that are unknown (count,): normal around 1, of what lies between `least` and 1."""
    below = torch.special.ndtr(torch.tensor((least - 1) / deviation, dtype=torch.float64))
    places = below + torch.rand(count, dtype=torch.float64) * (0.5 - below)
    shares: torch.Tensor = 1 + deviation * torch.special.ndtri(places)
    return shares.clamp(least, 1.0)


@nb.objective("mar", cite="T. Li et al., Autoregressive image generation without vector quantization, NeurIPS 2024")
def mar(
    net: Any,
    batch: Any,
    *,
    drop: Drop = 0.1,
    least: Annotated[float, Ge(0), Le(0.999)] = 0.7,
    deviation: Annotated[float, Gt(0), Le(1000)] = 0.25,
    noises: Annotated[int, Ge(1), Le(64)] = 4,
    loss: Annotated[Any, nb.Nested("loss")] = "l2",
) -> Any:
    """MAR: tokens that are drawn as unknown are seen in noise, given the others.

    Of each picture a share of the tokens is unknown, at places drawn evenly: a normal value around 1 of `deviation`,
    between `least` and 1; a large deviation makes all these shares as likely. Each unknown token gets noise of `noises`
    levels, drawn evenly in the time of a cosine, and the head sees the velocity in it; the authors' sees the noise,
    which says little where noise is all. drop: share of labels that are left out. The network is `arch=mar`.
    A validation has noisy pictures alone, so a network is validated on tokens each by itself, as first ones are drawn.
    """
    model = mar_within(net)
    pictures, labels = 2 * batch["wanted"] - 1, batch.get("labels")
    if labels is not None:
        labels = torch.where(torch.rand(len(labels), device=labels.device) < drop, -1, labels)
    shares = shares_unknown(len(pictures), least, deviation).to(pictures.device)
    order = torch.rand(len(pictures), model.length, device=pictures.device).argsort(dim=1)
    unknown = order < (shares[:, None] * model.length).ceil().clamp(min=1)
    vectors = model(pictures, ~unknown, labels)[unknown].repeat(noises, 1)
    clean = as_tokens(pictures, model.patch)[unknown].repeat(noises, 1)
    time = torch.rand(len(clean), 1, device=clean.device).clamp(1e-6, 1 - 1e-6)
    sigma, noise = torch.tan(math.pi / 2 * time).clamp(LEAST, MOST), torch.randn_like(clean)
    share = (1 + sigma**2) ** -0.5
    velocity = model.velocity(share * (clean + sigma * noise), sigma, vectors)
    return loss.entry.obj(velocity, share * (noise - sigma * clean), **loss.kwargs)


def _alone(net: Any, x: Any, sigma: Any, labels: Any = None) -> Any:
    return seen_alone(mar_within(net), x, sigma, labels)


mar.denoised = _alone  # type: ignore[attr-defined]
