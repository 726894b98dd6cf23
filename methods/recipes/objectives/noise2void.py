from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le, Lt
from noisebench.recipes.objectives._noisy_pictures import restored


@nb.objective("noise2void", cite="A. Krull, T.-O. Buchholz, F. Jug, Noise2Void, CVPR 2019")
def noise2void(
    net: Any,
    batch: Any,
    *,
    share: Annotated[float, Gt(0), Lt(1)] = 0.016,
    radius: Annotated[int, Ge(1), Le(64)] = 2,
) -> Any:
    """Noise2Void: a few pixels are replaced by neighbours, and the network is to tell what they were.

    share: of the pixels, each drawn by itself and hidden in all channels; radius: its neighbour is drawn from the
    square of so many pixels to each side, itself left out, edges being mirrored. The loss is the mean square over the
    hidden pixels against their noisy values: noise that is independent between pixels cannot be foretold, so what is
    learned is the mean. The truth of the batch is not read.
    """
    y = batch["given"]
    items, _, height, width = y.shape
    if radius >= min(height, width):
        raise nb.UsageError(f"objective noise2void: radius={radius} needs crops of more than {radius} pixels a side")
    hidden = torch.rand(items, 1, height, width, device=y.device) < share
    # Over the places of the square without its middle, numbered by rows.
    side = 2 * radius + 1
    place = torch.randint(side * side - 1, (items, height, width), device=y.device)
    place = place + (place >= side * side // 2)
    rows = _mirrored(torch.arange(height, device=y.device)[:, None] + place // side - radius, height)
    columns = _mirrored(torch.arange(width, device=y.device) + place % side - radius, width)
    at = rows * width + columns
    # Mirrored at an edge, a pixel may be its own neighbour: such a one would be told.
    hidden &= (at != torch.arange(height * width, device=y.device).view(height, width))[:, None]
    neighbours = y.flatten(2).gather(2, at.flatten(1)[:, None].expand(-1, y.shape[1], -1))
    output = restored(net, torch.where(hidden, neighbours.view_as(y), y))
    wrong = (output - y).square() * hidden
    return wrong.sum() / (hidden.sum() * y.shape[1]).clamp(min=1)


def _mirrored(at: torch.Tensor, size: int) -> torch.Tensor:
    """Places mirrored at both edges, which stand once."""
    at = at.abs()
    return torch.where(at >= size, 2 * (size - 1) - at, at)
