from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge
from noisebench.recipes.objectives._noisy_pictures import picked, restored

_PAIRS = torch.tensor([[0, 1], [1, 0], [2, 3], [3, 2], [0, 2], [2, 0], [1, 3], [3, 1]])
"""Neighbours of a cell whose pixels are 0 1 above 2 3."""


@nb.objective("neighbor2neighbor", cite="T. Huang et al., Neighbor2Neighbor, CVPR 2021")
def neighbor2neighbor(net: Any, batch: Any, *, gamma: Annotated[float, Ge(0)] = 1.0) -> Any:
    """Neighbor2Neighbor: of each cell of 2x2 pixels two neighbours are drawn; one is the input, the other the target.

    The loss is the mean square of f(a) - b, and gamma times that of f(a) - b - (a' - b'), where a' and b' are drawn at
    the same places from f(y), through which no gradient flows: this takes back that neighbours differ by more than
    noise. The truth of the batch is not read. Sides of the crop are even.
    """
    y = batch["given"]
    items, _, height, width = y.shape
    if height % 2 or width % 2:
        raise nb.UsageError(f"objective neighbor2neighbor needs crops of even sides, not {height}×{width}")
    cells = items, 1, (height // 2) * (width // 2)
    first, second = _PAIRS.to(y.device)[torch.randint(len(_PAIRS), cells, device=y.device)].unbind(-1)
    given, wanted = picked(y, first, 2), picked(y, second, 2)
    with torch.no_grad():
        whole = restored(net, y)
        of_given, of_wanted = picked(whole, first, 2), picked(whole, second, 2)
    wrong = net(given) - wanted
    return wrong.square().mean() + gamma * (wrong - (of_given - of_wanted)).square().mean()
