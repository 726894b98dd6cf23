from __future__ import annotations

import hashlib
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le
from noisebench.recipes.objectives._denoising import network_output, read_as


def scales(sigma: Any) -> tuple[Any, Any, Any]:
    """The network is given x/√(1 + σ²), and what it gives is the picture."""
    into = (1 + sigma**2) ** -0.5
    return into, torch.zeros_like(sigma), torch.ones_like(sigma)


@nb.objective(
    "score_regression",
    cite="Y. Han, M. Razaviyayn, R. Xu, Neural network-based score estimation in diffusion models: optimization and "
    "generalization, ICLR 2024",
)
@nb.checked(nb.at_most("least", "most"))
@read_as(scales)
def score_regression(
    net: Any,
    batch: Any,
    *,
    least: Annotated[float, Gt(0), Le(1e6)] = 0.1,
    most: Annotated[float, Gt(0), Le(1e6)] = 10.0,
    pairs: Annotated[int, Ge(1), Le(1000)] = 1,
) -> Any:
    """Score regression: the picture from noisy ones, of which each picture has so many `pairs` that stay the same.

    Levels lie evenly between the logarithms of `least` and `most`, noise is normal, and both depend on the picture
    alone. So labels are few and scatter about what is expected: training too long fits the scatter. The score is
    (picture - x) / σ². The network is one that is told the noise, such as `wide_mlp` or `diffusion_unet`.
    """
    clean = 2 * batch["wanted"] - 1
    levels, noise = zip(*(_drawn(one, pairs) for one in clean), strict=True)
    clean = clean.repeat_interleave(pairs, dim=0)
    sigma = (least * (most / least) ** torch.cat(levels)).reshape(-1, *[1] * (clean.ndim - 1))
    into, _, _ = scales(sigma)
    output = network_output(net, into * (clean + sigma * torch.cat(noise)), sigma, None)
    return (output - clean).square().mean()


def _drawn(picture: Any, pairs: int) -> tuple[Any, Any]:
    """Uniform values (pairs,) and normal ones (pairs, C, H, W) that depend on the values of a picture alone."""
    digest = hashlib.sha256(picture.detach().cpu().numpy().tobytes()).digest()
    rng = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    levels, noise = torch.rand(pairs, generator=rng), torch.randn(pairs, *picture.shape, generator=rng)
    return levels.to(picture.device), noise.to(picture.device)
