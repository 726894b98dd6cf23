from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Gt, Le
from noisebench.recipes.objectives._noisy_pictures import restored


@nb.objective(
    "sure",
    cite="S. Soltanayev, S. Y. Chun, Training deep learning based denoisers without ground truth data, NeurIPS 2018",
)
def sure(
    net: Any,
    batch: Any,
    *,
    sigma: Annotated[float, Gt(0), Le(255)],
    eps: Annotated[float, Gt(0), Le(1)] = 1e-3,
) -> Any:
    """SURE: Stein's unbiased estimate of the squared error under Gaussian noise of a known level.

    It is mean((f(y) - y)²) - sigma² + 2 sigma² div, with the divergence a pixel by one probe b of normal noise:
    div = mean(b (f(y + eps b) - f(y))) / eps (S. Ramani et al., Monte-Carlo SURE, IEEE TIP 2008). sigma: the level, on
    the scale of 0 to 255. The truth of the batch is not read.
    """
    y = batch["given"]
    output = restored(net, y)
    probe = torch.randn_like(y)
    divergence = (probe * (net(y + eps * probe) - output)).mean() / eps
    variance = (sigma / 255) ** 2
    return (output - y).square().mean() - variance + 2 * variance * divergence
