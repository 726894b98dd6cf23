"""What the last layer of a classifier is given: the features that it learned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ...components.registry import Bound
from ...text.errors import UsageError

Extractor = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""Pictures (N, C, H, W) on [−1, 1] → features (N, D)."""


def last_layer(judge: Bound) -> Extractor:
    """What goes into the last linear layer of a `trained(…)` of `classify`, trained here once and kept in the cache.

    It sees pictures as it was trained to, on [0, 1], clipped. The seed of a recipe that says none is 0. Raises
    `UsageError` for a network without a linear layer, or that asks it several times, and for pictures of another shape.
    """
    from torch import nn

    from ...training.learned import learned

    network = learned(judge, 0, "judge")
    layers = [part for part in network.net.modules() if isinstance(part, nn.Linear)]
    if not layers:
        raise UsageError(f"judge: {judge.display} has no linear layer to take features from: give another arch")

    def features(pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        import torch

        if pictures.shape[1:] != network.given:
            raise UsageError(f"judge: it was trained on pictures {network.given}, samples are {pictures.shape[1:]}")
        seen: list[Any] = []
        hook = layers[-1].register_forward_pre_hook(lambda layer, given: seen.append(given[0].flatten(1)))
        try:
            with torch.no_grad():
                for part in torch.split(torch.from_numpy(((pictures + 1) / 2).clip(0, 1)), 256):
                    network.net(part)
        finally:
            hook.remove()
        if sum(map(len, seen)) != len(pictures):
            raise UsageError(f"judge: {judge.display} asks its last linear layer several times: give another arch")
        return torch.cat(seen).numpy()

    return features
