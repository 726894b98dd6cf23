from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Gt, Le
from noisebench.recipes.objectives._denoising import Drop, denoising_loss, read_as, uniform_draws
from noisebench.recipes.objectives.v import scales

Level = Annotated[float, Gt(0), Le(1e6)]


@nb.objective(
    "v_between",
    cite="T. Salimans, J. Ho, Progressive distillation for fast sampling of diffusion models, ICLR 2022; S. Lin, "
    "B. Liu, J. Li, X. Yang, Common diffusion noise schedules and sample steps are flawed, WACV 2024",
)
@nb.checked(nb.at_most("least", "most"))
@read_as(scales)
def v_between(
    net: Any,
    batch: Any,
    *,
    least: Level = 0.002,
    most: Level = 14.6,
    drop: Drop = 0.1,
    loss: Annotated[Any, nb.Nested("loss")] = "l2",
) -> Any:
    """v-prediction at levels of noise between two: of a schedule that ends early, or of pure noise alone.

    `v` with the time of each item drawn evenly between those of `least` and `most`. The schedule of Stable Diffusion
    ends at 14.6, where 0.5 % of the power is the picture's; one whose end has no signal has most=10000, and
    least=most=10000 is the network of `one_more_step`. drop: share of labels that are left out.
    """
    first, last = (torch.atan(torch.tensor(level, dtype=torch.float64)) for level in (least, most))
    time = first + (last - first) * uniform_draws(batch).double()
    sigma = torch.tan(time).clamp(least, most).to(batch["wanted"].dtype)
    return denoising_loss(net, batch, scales, sigma, drop, loss)
