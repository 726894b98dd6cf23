from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le


@nb.objective(
    "inpainting", cite="Y.-G. Shin et al., PEPSI++: fast and lightweight network for image inpainting, TNNLS 2021"
)
def inpainting(
    net: Any,
    batch: Any,
    *,
    loss: Annotated[Any, nb.Nested("loss")] = "l1",
    coarse: Annotated[float, Ge(0), Le(1000)] = 0.5,
) -> Any:
    """Inpainting: the network is given the picture and its mask, and a coarse stage counts less and less.

    The loss of the whole picture against the truth. Of a network in two stages, as `pepsi` and `two_stage`, that of the
    coarse one is added, `coarse` times at first and falling evenly to nothing. There is no adversary. Use it with the
    method `inpainter` and a regime that discloses a mask. Raises `UsageError` for another one.
    """
    if "mask" not in batch:
        raise nb.UsageError(
            "objective inpainting needs a regime that discloses a mask, such as mask(keep=0.75, kind=holes)"
        )
    given, wanted = torch.cat([batch["given"], batch["mask"]], dim=1), batch["wanted"]
    staged = next((one for one in net.modules() if hasattr(one, "stages")), None)
    if staged is None:
        return loss.entry.obj(net(given), wanted, **loss.kwargs)
    fine, first = staged.stages(given)
    total = loss.entry.obj(fine, wanted, **loss.kwargs)
    remaining = 1 - float(batch["progress"][0])
    return total + coarse * remaining * loss.entry.obj(first, wanted, **loss.kwargs)
