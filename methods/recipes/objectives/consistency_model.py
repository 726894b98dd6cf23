from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.methods.generate._few_step_levels import LEAST, few_levels
from noisebench.recipes.objectives._denoising import DenoiserReading, Drop, read_as

_SPREAD = 0.5
"""What pictures on [-1, 1] are supposed to deviate by."""
Places = Annotated[int, Ge(2), Le(10_000)]


def scales(sigma: Any) -> tuple[Any, Any, Any]:
    """Those of `denoise`, but that at the least noise x itself is kept and the network reaches nowhere."""
    total, far = sigma**2 + _SPREAD**2, (sigma - LEAST).clamp(min=0)
    return total**-0.5, _SPREAD**2 / (far**2 + _SPREAD**2), _SPREAD * far * total**-0.5


def neighbours(batch: Any, places: int, drop: float) -> dict[str, Any]:
    """The batch with `x` at a level `sigma` at random, the next `lower` one, its `noise`, and labels, some left out.

    Levels are (N, 1, 1, 1), of `places` that lie evenly in the seventh root; the lowest has the least noise.
    """
    clean, labels = 2 * batch["wanted"] - 1, batch.get("labels")
    ladder = torch.tensor([*few_levels(places - 1)[:-1], LEAST], dtype=clean.dtype, device=clean.device)
    place = torch.randint(len(ladder) - 1, (len(clean), 1, 1, 1), device=clean.device)
    sigma, lower, noise = ladder[place], ladder[place + 1], torch.randn_like(clean)
    if labels is not None:
        labels = torch.where(torch.rand(len(labels), device=labels.device) < drop, -1, labels)
    labelled = {} if labels is None else {"labels": labels}
    return {**batch, **labelled, "x": clean + sigma * noise, "sigma": sigma, "lower": lower, "noise": noise}


@nb.objective(
    "consistency_model",
    cite="Y. Song et al., Consistency models, ICML 2023; Y. Song, P. Dhariwal, Improved techniques for training "
    "consistency models, ICLR 2024",
)
@read_as(scales)
def consistency_model(
    net: Any,
    batch: Any,
    *,
    places: Places = 18,
    drop: Drop = 0.1,
    loss: Annotated[Any, nb.Nested("loss")] = "charbonnier(eps=0.001)",
) -> Any:
    """Consistency models: two places of one way from noise to the picture lead to the same picture, told the class.

    What the network sees at one of `places` levels is to be what it sees, without gradient, at the next lower one: with
    the same noise, which needs no teacher (consistency training), or where the part `consistency_teacher` says that the
    way of a trained model leads. At the least noise a picture is itself. drop: share of labels that are left out. The
    loss is of pictures on [-1, 1]. The network is `arch=diffusion_unet`; `few_steps` asks it. `consistency` is the same
    for restorers.
    """
    if "aim" not in batch:
        batch = neighbours(batch, places, drop)
        near = batch["x"] + (batch["lower"] - batch["sigma"]) * batch["noise"]
        with torch.no_grad():
            batch["aim"] = SEEN(net, near, batch["lower"], batch.get("labels"))
    estimate = SEEN(net, batch["x"], batch["sigma"], batch.get("labels"))
    return loss.entry.obj(estimate, batch["aim"], **loss.kwargs)


SEEN = DenoiserReading(scales)
"""The picture that a network sees, as this objective reads it."""
