from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge
from noisebench.recipes.archs._band import aliasing_score, nyquist
from torch import nn

_CHEN = "L. Chen, L. Gu, Y. Fu, When semantic segmentation meets frequency aliasing, ICLR 2024"
_ROUNDING = 1e-9
"""Scores below are what roundings leave: their order says nothing."""
_STRIDED = nn.Conv2d | nn.AvgPool2d | nn.MaxPool2d


@nb.part("aliasing", cite=_CHEN)
class Aliasing:
    """Aliasing: how much of what enters a network's strided layers is beyond what they can carry; it only looks.

    At the last `looks` steps each picture of the batch goes through the network by itself, in eval mode. The score of a
    layer is the share of its input's power at the frequency sqrt(C_out / C_in) / (2 stride) and beyond. Figures:
    `aliasing_1`, `aliasing_2`, … of the layers in the order in which they are passed, the mean over pictures; and
    `aliasing_error_correlation`, the rank correlation over pictures of the mean score with the loss, where both vary.
    """

    def __init__(self, *, looks: Annotated[int, Ge(1)] = 16) -> None:
        self.looks = looks
        self.scores: list[list[float]] = []
        self.losses: list[float] = []

    def prepare(self, net: Any) -> Any:
        """The strided layers; the network stays as it is. Raises `UsageError` where there is none."""
        self.layers = [layer for layer in net.modules() if isinstance(layer, _STRIDED) and max(_strides(layer)) > 1]
        if not self.layers:
            raise nb.UsageError(
                "part aliasing: the network has no convolution or pooling with a stride: leave out the part"
            )
        return net

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """Note the scores of each picture of the batch, and its loss."""
        if step < steps - self.looks:
            return
        scores: list[float] = []

        def look(layer: Any, inputs: Any) -> None:
            x = inputs[0]
            outputs = layer.out_channels if isinstance(layer, nn.Conv2d) else x.shape[1]
            scores.append(float(aliasing_score(x, nyquist(x.shape[1], outputs, _strides(layer)))))

        handles = [layer.register_forward_pre_hook(look) for layer in self.layers]
        net.eval()
        try:
            with torch.no_grad():
                for place in range(len(batch["given"])):
                    scores.clear()
                    self.losses.append(
                        float(loss_of({name: value[place : place + 1] for name, value in batch.items()}))
                    )
                    self.scores.append(list(scores))
        finally:
            net.train()
            for handle in handles:
                handle.remove()

    def state(self) -> dict[str, Any]:
        """What was noted."""
        return {"scores": torch.tensor(self.scores), "losses": torch.tensor(self.losses)}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what was noted."""
        self.scores, self.losses = state["scores"].tolist(), state["losses"].tolist()

    def figures(self) -> dict[str, float]:
        """The mean score of each layer, and how scores go with losses."""
        if not self.scores:
            return {}
        scores, losses = torch.tensor(self.scores).double(), torch.tensor(self.losses).double()
        scores[scores < _ROUNDING] = 0.0
        figures = {f"aliasing_{n}": float(score) for n, score in enumerate(scores.mean(dim=0), 1)}
        ranks = torch.stack([_ranks(scores.mean(dim=1)), _ranks(losses)])
        if len(losses) > 1 and (ranks.std(dim=1) > 0).all():
            figures["aliasing_error_correlation"] = float(torch.corrcoef(ranks)[0, 1])
        return figures


def _strides(layer: Any) -> tuple[int, int]:
    stride = layer.stride
    return (stride, stride) if isinstance(stride, int) else (stride[0], stride[1])


def _ranks(values: Any) -> Any:
    """The rank of each value; equal ones share the mean of theirs."""
    below = (values[None] < values[:, None]).sum(dim=1)
    return below + ((values[None] == values[:, None]).sum(dim=1) - 1) / 2
