"""SignalTrain: the last samples of a part against what the effect makes of them, and few high frequencies."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.recipes.archs._inner_network import module_in
from noisebench.recipes.archs.signaltrain import SignalTrain


@nb.objective(
    "signaltrain", cite="S. H. Hawley et al., Profiling audio compressors with deep neural networks, AES 147, 2019"
)
def signaltrain(
    net: Any,
    batch: Any,
    *,
    loss: Annotated[Any, nb.Nested("loss")] = "log_cosh",
    weight: Annotated[float, Ge(0), Le(1)] = 2e-6,
) -> Any:
    """SignalTrain: the loss of the last samples that are told, and `weight` times the mean of the magnitudes told.

    A magnitude at the bin k of K weighs exp(7 k / K): 1,100 times as much at the highest frequency as at the lowest.
    The network is `arch=signaltrain`; the target is cut to the samples that it tells.
    """
    model = module_in(net, SignalTrain, "objective signaltrain needs a network of arch=signaltrain")
    output, magnitudes = model.last_samples(batch["given"][..., -model.context :])
    bins = magnitudes.shape[1]
    rising = torch.exp(7 * torch.arange(bins, device=output.device, dtype=output.dtype) / bins)
    error = loss.entry.obj(output, batch["wanted"][..., -model.output_length :], **loss.kwargs)
    return error + weight * (magnitudes * rising[:, None]).mean()
