from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Lt
from noisebench.recipes.objectives._kspace import picture_of, sampled_of, spectrum
from noisebench.recipes.objectives._noisy_pictures import restored


@nb.objective("ssdu", cite="B. Yaman et al., Self-supervised learning of physics-guided reconstruction neural networks "
              "without fully sampled reference data, MRM 84, 2020")  # fmt: skip
def ssdu(
    net: Any,
    batch: Any,
    *,
    share: Annotated[float, Gt(0), Lt(1)] = 0.4,
    centre: Annotated[int, Ge(0)] = 2,
) -> Any:
    """SSDU: some measured points are held back, and what the network makes of the others is to agree with them.

    share: of the measured points, each drawn by itself, that are held back. The loss is the mean modulus of the
    difference, over the points held back, of the spectrum of the output and what was measured. A point and its mirror,
    which say the same of a real picture, are held back together. Points of less than `centre` steps from frequency 0 in
    each axis are shown and judged both: the authors' network puts back what it is shown, and one that does not would be
    free to choose the brightness. The truth of the batch is not read. For `regime=kspace(…)`.
    """
    sampled = sampled_of(batch, "objective ssdu")
    inner = sampled * central(sampled, centre)
    held_out = held_back(sampled - inner, share)
    measured = spectrum(batch["given"])
    output = restored(net, picture_of(measured * (sampled - held_out)))
    judged = held_out + inner
    wrong = (spectrum(output) - measured).abs() * judged
    return wrong.sum() / (judged.sum() * wrong.shape[1]).clamp(min=1)


def central(like: Any, steps: int) -> Any:
    """(H, W), true less than so many steps from frequency 0 in each axis."""
    rows, columns = (torch.arange(side, device=like.device) for side in like.shape[2:])
    near = [torch.minimum(axis, len(axis) - axis) < steps for axis in (rows, columns)]
    return near[0][:, None] & near[1]


def held_back(sampled: Any, share: float) -> Any:
    """1 at the measured points that are held back, each with its mirror: as `sampled`, (N, 1, H, W)."""
    draws = torch.rand(sampled.shape, device=sampled.device)
    draws = torch.minimum(draws, _mirrored(draws))
    # The least of two draws is below 1 - sqrt(1 - p) with probability p; a point that is its own mirror has one draw.
    places = torch.arange(draws[0, 0].numel(), device=draws.device).view(draws.shape[2:])
    below = torch.where(_mirrored(places) == places, share, 1 - (1 - share) ** 0.5)
    return sampled * (draws < below)


def _mirrored(planes: Any) -> Any:
    """Each point's value at the opposite frequency."""
    return planes.flip((-2, -1)).roll((1, 1), (-2, -1))
