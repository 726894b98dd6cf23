from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.recipes.objectives._kspace import drawn_levels, measured_noise, sampled_of

Level = Annotated[float, Ge(0), Le(1e5)]


def _refuse_misfits(labelled: int | None, weight: float, least: float, most: float) -> None:
    if labelled == 0 and weight == 0:
        raise nb.UsageError("objective noise2recon: labelled=0 and weight=0 leave no loss: give more for one of them")
    if least > most:
        raise nb.UsageError(f"objective noise2recon: least={least:g} is above most={most:g}: give less for least")


@nb.objective("noise2recon", cite="A. D. Desai et al., Noise2Recon, Magnetic Resonance in Medicine 2023")
@nb.checked(_refuse_misfits)
def noise2recon(
    net: Any,
    batch: Any,
    *,
    of: Annotated[Any, nb.Nested("objective")] = "supervised",
    labelled: Annotated[int, Ge(0)] | None = None,
    weight: Annotated[float, Ge(0)] = 0.1,
    least: Level = 10.0,
    most: Level = 50.0,
) -> Any:
    """Noise2Recon: the truth of a few scans, and of the others that more noise must not change the reconstruction.

    The loss is that of `of` on the labelled items plus `weight` times the mean of |f(y + e) - f(y)| on the others. e:
    noise on the measured points alone, whose deviation (of 255, of real and imaginary part) is drawn for each item
    evenly between least and most; both branches have the same points, and no gradient flows through f(y). labelled: so
    many items of the training set, the first ones, are (see `sampler=labelled`), and of the others no truth is read;
    none: both terms are of all items, as with `of=ssdu`, which reads no truth. For `regime=kspace(…)`.
    """
    sampled, given = sampled_of(batch, "objective noise2recon"), batch["given"]
    first = torch.ones(len(given), dtype=torch.bool, device=given.device)
    others = first
    if labelled is not None:
        first = batch["place"] < labelled
        others = ~first
    loss = given.new_zeros(())
    if first.any():
        loss = of.entry.obj(net, {name: value[first] for name, value in batch.items()}, **of.kwargs)
    if weight == 0 or not others.any():
        return loss
    clean, sampled = given[others], sampled[others]
    noise = measured_noise(clean, sampled, drawn_levels(len(clean), least, most, clean.device))
    with torch.no_grad():
        target = net(clean)
    return loss + weight * (net(clean + noise) - target).abs().mean()
