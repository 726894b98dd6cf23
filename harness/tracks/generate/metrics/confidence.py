from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge

from ....components.decorators import metric
from ....components.registry import Bound, bind
from ....spec.parameter_types import Nested
from ....text.errors import NotDefined
from ..scored import Batch


@metric("confidence", title="confidence", track="generate", order=82)
def confidence(
    batch: Batch, *, judge: Annotated[Any, Nested("method", track="classify")], seed: Annotated[int, Ge(0)] = 0
) -> float:
    """How sure a classifier is of the class that was asked for: its probability, the mean over samples.

    judge: a `trained(…)` of the track `classify`, which is trained here, once, and kept in the cache; `seed` is that of
    a recipe that says none. It is shown samples on [0, 1], clipped. It tells most where nothing of the sampler has seen
    it or its data: `data=digits(split=test)` is such. Not defined where no labels were asked for.
    """
    if batch.labels is None:
        return NotDefined("no class was asked for")
    net, given, classes = _learned(judge.canonical, seed)
    if given != batch.shape or int(batch.labels.max()) >= classes:
        return NotDefined(f"the judge knows {classes} classes of pictures {given}")
    import torch

    pictures = torch.from_numpy(((batch.samples + 1) / 2).clip(0, 1).astype(np.float32)).reshape(-1, *batch.shape)
    with torch.no_grad():
        probabilities = torch.cat([net(part) for part in torch.split(pictures, 256)]).double().softmax(dim=1).numpy()
    return float(probabilities[np.arange(len(probabilities)), batch.labels].mean())


@lru_cache(maxsize=2)
def _learned(judge: str, seed: int) -> tuple[Any, tuple[int, ...], int]:
    from ....training.learned import learned

    bound: Bound = bind(judge, "method", "classify")
    network = learned(bound, seed, "metric confidence")
    return network.net, network.given, network.wanted[0]
