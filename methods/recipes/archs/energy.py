from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from noisebench.recipes.archs._energy import Energy
from torch import nn


@nb.arch("energy")
class NetworkEnergy(Energy):
    """Energy: a network bends a normal law of pictures; one number a picture, the logarithm of its density.

    log density = that of the normal law with mean and covariance of `base` and noise of the level σ, + v / (v + σ²)
    times what the network `of` gives, v the mean variance of that law: where noise is strong the law is normal. The
    network is given the picture, whitened by that law (by the symmetric root, so that pixels stay where they are), and
    a plane of log(σ)/4. base: training pictures, such as digits(split=train), or a set whose law is known. of: any
    network from picture to classes, without batch norm, its activation smooth, for the score is a gradient. The density
    is up to a constant at each level. Trained with `objective=meco`, `nce`, `denoising_score` or `sliced_score`;
    samplers ask it, and the part `outliers`.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        base: Annotated[Any, nb.Nested("dataset", "generate")],
        of: Annotated[Any, nb.Nested("arch")] = "mlp(hidden=(128, 128), activation=silu)",
    ) -> None:
        super().__init__(base, given, wanted, "energy")
        self.net = of.entry.obj((given[0] + 1, *given[1:]), (1,), **of.kwargs)
        if any(isinstance(one, nn.BatchNorm1d | nn.BatchNorm2d) for one in self.net.modules()):
            raise nb.UsageError(
                f"arch energy: with batch norm {of.display} gives a picture a density that depends on those beside it: "
                "leave it out, such as small_cnn(norm=false, activation=silu)"
            )

    def log_density(self, x: Any, sigma: Any) -> Any:
        """(N, C, H, W) and levels (N, 1, 1, 1) → (N,), in nats, up to a constant at each level."""
        plane = (sigma.log() / 4).expand(len(x), 1, *x.shape[2:])
        bent = self.net(torch.cat([self.base.whitened(x, sigma), plane], dim=1)).flatten()
        known = self.base.variances.mean()
        return self.base.log_density(x, sigma) + known / (known + sigma.flatten() ** 2) * bent
