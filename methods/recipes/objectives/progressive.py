from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from noisebench.recipes.objectives._denoising import network_output, read_as
from noisebench.recipes.objectives.consistency_model import neighbours
from noisebench.recipes.objectives.denoise import scales

_PLACES = 18


@nb.objective(
    "progressive", cite="T. Salimans, J. Ho, Progressive distillation for fast sampling of diffusion models, ICLR 2022"
)
@read_as(scales)
def progressive(net: Any, batch: Any, *, loss: Annotated[Any, nb.Nested("loss")] = "l2") -> Any:
    """Progressive distillation: what a part aims at is seen, the picture to which two steps of a teacher lead as one.

    The part is `progressive_teacher`; without it the picture itself is seen, and nothing is distilled. The network is
    read as that of `denoise`, and the loss is of what it gives, so that each level counts alike. It is
    `arch=diffusion_unet`; `few_steps` asks it, with noise=kept.
    """
    if "aim" not in batch:
        batch = neighbours(batch, _PLACES, 0.0) | {"aim": 2 * batch["wanted"] - 1}
    x, sigma = batch["x"], batch["sigma"]
    into, kept, reach = scales(sigma)
    output = network_output(net, into * x, sigma, batch.get("labels"))
    return loss.entry.obj(output, (batch["aim"] - kept * x) / reach, **loss.kwargs)
