"""Neighbor2Neighbor: of each cell of 2x2 pixels two neighbours are drawn; one is the input, the other the target."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge

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
    items, channels, height, width = y.shape
    if height % 2 or width % 2:
        raise nb.UsageError(f"objective neighbor2neighbor needs crops of even sides, not {height}×{width}")
    pairs = _PAIRS.to(y.device)[torch.randint(len(_PAIRS), (items, 1, height // 2 * (width // 2)), device=y.device)]

    def halves(picture: torch.Tensor) -> list[torch.Tensor]:
        cells = torch.nn.functional.pixel_unshuffle(picture, 2).view(items, channels, 4, -1)
        return [
            cells.gather(2, pairs[..., one].expand(-1, channels, -1)[:, :, None]).view(
                items, channels, height // 2, width // 2
            )
            for one in (0, 1)
        ]

    first, second = halves(y)
    with torch.no_grad():
        whole = net(y)
        if whole.shape != y.shape:
            raise nb.UsageError(
                f"objective neighbor2neighbor: the network makes {tuple(whole.shape)} of {tuple(y.shape)}"
            )
        of_first, of_second = halves(whole)
    wrong = net(first) - second
    return wrong.square().mean() + gamma * (wrong - (of_first - of_second)).square().mean()
