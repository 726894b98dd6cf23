from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.recipes.archs._diffusion import LEVELS, noised
from noisebench.recipes.archs._inner_network import module_in
from noisebench.recipes.archs.consistency import ConsistencyFunction


def consistency_function_in(net: Any) -> ConsistencyFunction:
    """The consistency function of a network. Raises `UsageError` where there is none."""
    return module_in(net, ConsistencyFunction, "objective consistency needs a network of arch=consistency")


def noised_at_random(batch: Any, places: int) -> tuple[Any, Any, Any, Any]:
    """x, its level and the next lower one of so many, for each item at random; and what the noise was.

    Levels are tensors (N, 1, 1, 1) of whole numbers.
    """
    clean = 2 * batch["wanted"] - 1
    place = torch.randint(1, places + 1, (len(clean), 1, 1, 1), device=clean.device)
    level, lower = (torch.round(LEVELS * one / places).long() for one in (place, place - 1))
    noise = torch.randn_like(clean)
    return noised(clean, noise, level), level, lower, noise


@nb.objective(
    "consistency",
    cite="Y. Song et al., Consistency models, ICML 2023; Y. Song, P. Dhariwal, Improved techniques for training "
    "consistency models, ICLR 2024",
)
def consistency(
    net: Any,
    batch: Any,
    *,
    places: Annotated[int, Ge(1), Le(LEVELS)] = 50,
    loss: Annotated[Any, nb.Nested("loss")] = "charbonnier(eps=0.001)",
) -> Any:
    """Consistency: two places of one way from noise to the picture lead to the same picture.

    A part such as `consistency_distillation` says where the way of a trained diffusion leads; without one, the second
    place is that of the same noise at the next lower of `places` levels, and what the network makes of it, without
    gradient, is aimed at: consistency training, which needs no teacher. At level 0 that is the true picture.
    The loss, pseudo-Huber for one, is of pictures on [-1, 1].
    """
    function = consistency_function_in(net)
    if "aim" not in batch:
        x, level, lower, noise = noised_at_random(batch, places)
        with torch.no_grad():
            aim = function.clean_at(noised(2 * batch["wanted"] - 1, noise, lower), batch["given"], lower)
        batch = batch | {"x": x, "level": level, "aim": aim}
    estimate = function.clean_at(batch["x"], batch["given"], batch["level"])
    batch["made"] = estimate
    return loss.entry.obj(estimate, batch["aim"], **loss.kwargs)
