from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.recipes.archs._holed import with_hole
from noisebench.recipes.archs.standardised import standardised_as_a_whole
from noisebench.recipes.objectives._noisy_pictures import put_together, restored, taken_apart


@nb.objective(
    "blind_spot",
    cite="S. Laine et al., High-quality self-supervised deep image denoising, NeurIPS 2019; "
    "W. Lee et al., AP-BSN, CVPR 2022",
)
def blind_spot(
    net: Any,
    batch: Any,
    *,
    loss: Annotated[Any, nb.Nested("loss")] = "l1",
    stride: Annotated[int, Ge(1), Le(64)] = 1,
) -> Any:
    """Blind spot: each pixel is told from those around it, in pictures of every s-th pixel where noise is correlated.

    The network has a hole (`arch=dbsn`), so noise that does not reach from one of its pixels to the next cannot be
    told. stride: the network is given pictures of every s-th pixel, 5 for the noise of cameras as AP-BSN has it; sides
    of a crop are multiples of it. The truth of the batch is not read.
    """
    y = batch["given"]
    with with_hole(net, True), standardised_as_a_whole(net, y, stride**2):
        output = put_together(restored(net, taken_apart(y, stride, "objective blind_spot")), stride)
    return loss.entry.obj(output, y, **loss.kwargs)
