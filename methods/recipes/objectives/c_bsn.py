from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le
from noisebench.recipes.archs._holed import with_hole
from noisebench.recipes.archs.standardised import standardised_as_a_whole
from noisebench.recipes.objectives._noisy_pictures import one_of_each_cell, picked, put_together, restored, taken_apart


@nb.objective("c_bsn", cite="Y. I. Jang et al., C-BSN, ICCV 2023")
def c_bsn(
    net: Any,
    batch: Any,
    *,
    stride: Annotated[int, Ge(1), Le(64)] = 5,
    cell: Annotated[int, Ge(2), Le(64)] = 2,
    weight: Annotated[float, Ge(0)] = 1.0,
    invariance: Annotated[float, Ge(0)] = 2.0,
    rise: Annotated[float, Gt(0), Le(1)] = 0.4,
) -> Any:
    """C-BSN: a blind-spot network that is used with its hole open, held to what it gives of smaller pictures with it.

    With b(·) the network with its hole, f(·) without, and S one pixel at random of each cell, the loss is
    |b(y in pictures of every stride-th pixel) - y| + r (|f(y) - y| + invariance |S f(y) - b(S y)|), all means; both S
    take the same places, and no gradient flows through b(S y). r rises from 0 to `weight` over the share `rise` of the
    steps. Use `arch=dbsn(holed=false)`, so that what is trained is also what is used; sides of a crop are multiples of
    stride and of cell. The truth of the batch is not read.
    """
    y = batch["given"]
    with with_hole(net, True), standardised_as_a_whole(net, y, stride**2):
        blind = put_together(restored(net, taken_apart(y, stride, "objective c_bsn")), stride)
    loss = (blind - y).abs().mean()
    r = weight * min(1.0, float(batch["progress"][0]) / rise)
    if r == 0:
        return loss
    if y.shape[2] % cell or y.shape[3] % cell:
        raise nb.UsageError(f"objective c_bsn needs crops whose sides are multiples of cell={cell}")
    places = one_of_each_cell(cell, y)
    with torch.no_grad(), with_hole(net, True), standardised_as_a_whole(net, y, 1):
        target = net(picked(y, places, cell))
    with with_hole(net, False):
        whole = net(y)
    reconstruction = (whole - y).abs().mean()
    return loss + r * (reconstruction + invariance * (picked(whole, places, cell) - target).abs().mean())
