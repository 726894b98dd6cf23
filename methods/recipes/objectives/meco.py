from __future__ import annotations

import math
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Gt, Le
from noisebench.recipes.objectives._energies import LEAST, MOST, Level, Wider, log_ratios, noisy, read_as_energy


@nb.objective("meco", cite="W. Jiang et al., Learning unnormalized statistical models via compositional optimization, "
              "ICML 2023")  # fmt: skip
@nb.checked(nb.at_most("least", "most"))
@read_as_energy
def meco(
    net: Any,
    batch: Any,
    *,
    rate: Annotated[float, Gt(0), Le(1)] = 0.1,
    wider: Wider = 1.0,
    least: Level = LEAST,
    most: Level = MOST,
) -> Any:
    """MECO: maximum likelihood of an unnormalised density; a running mean of weights stands for its normaliser.

    The loss is -log f(x) of the pictures + log u in the mean, in nats. A draw z of q has the weight w = f(z) / q(z),
    whose mean is the normaliser; u moves to that of the batch by `rate`, and the gradient is that of -log f(x) + w/u,
    u held. rate=1 has no memory: what it descends on is then biased by the few draws of a batch. All is done in
    logarithms, and w/u is at most the draws of a batch over `rate`. A network of many levels has a u for each of 32.

    q is the normal law of the `base` of `arch=energy` or `normal_energy`, `wider` times as wide; it has to cover the
    model. least, most: noise in the pictures, a level for each, drawn evenly in its logarithm. The paper also averages
    the gradient: that is the momentum of the optimiser.
    """
    energy, x, sigma, _ = noisy(net, batch, least, most, "meco")
    _, logs, of_x = log_ratios(energy, x, sigma, wider)
    bins = energy.bins(sigma)
    in_bin = bins == torch.arange(len(energy.log_mean), device=bins.device)[:, None]
    now = torch.where(in_bin, logs.detach(), -math.inf).logsumexp(dim=1) - in_bin.sum(dim=1).clamp(min=1).log()
    log_mean = energy.log_mean
    kept = log_mean + math.log1p(-rate) if rate < 1 else torch.full_like(log_mean, -math.inf)
    moved = torch.where(log_mean.isinf(), now, torch.logaddexp(kept, now + math.log(rate)))
    log_u = torch.where(in_bin.any(dim=1), moved, log_mean)
    if net.training:
        log_mean.copy_(log_u)
    log_normaliser = log_u[bins]
    ratio = (logs - log_normaliser).exp().mean()
    return log_normaliser.mean() - of_x.mean() + ratio - ratio.detach()
