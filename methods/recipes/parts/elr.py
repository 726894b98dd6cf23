from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le, Lt

_LEAST = 1e-4
"""Probabilities are cut to between this and one less it, as the authors do."""


@nb.part("elr", cite="S. Liu et al., Early-learning regularization prevents memorization of noisy labels, NeurIPS 2020")
class ELR:
    """Early-learning regularisation: what a network said of an item before it learned a wrong label is kept up.

    Of each item the running mean t of its probabilities p is kept, of which the share `kept` stays at each visit; to
    the loss is added `weight` times the mean of log(1 - p · t). For classifiers whose objective calls the network once,
    on the pictures as they are, such as `supervised`.
    """

    def __init__(
        self, *, weight: Annotated[float, Ge(0), Le(1e6)] = 3.0, kept: Annotated[float, Ge(0), Lt(1)] = 0.7
    ) -> None:
        self.weight, self.kept = weight, kept
        self.means: dict[int, torch.Tensor] = {}

    def prepare(self, net: Any) -> Any:
        """Know the network, which stays as it is."""
        self.net = net
        return net

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The batch as it is. Raises `UsageError` where items have no index, or labels are no classes."""
        if "index" not in batch or batch["wanted"].ndim != 1:
            raise nb.UsageError("part elr is for labelled pictures: give a method of the track classify")
        self._items, self._logits = batch["index"].tolist(), list[Any]()
        self._handle = self.net.register_forward_hook(lambda net, given, output: self._logits.append(output))
        return batch

    def loss(self, net: Any, loss: Any, step: int, steps: int) -> Any:
        """The loss with what is added. Raises `UsageError` where the objective did not call the network once."""
        self._handle.remove()
        if len(self._logits) != 1 or len(self._logits[0]) != len(self._items):
            raise nb.UsageError("part elr: the objective does not call the network once a step: give supervised")
        p = self._logits[0].float().softmax(dim=1).clamp(_LEAST, 1 - _LEAST)
        seen = p.detach()
        seen = (seen / seen.sum(dim=1, keepdim=True)).cpu()
        for item, one in zip(self._items, seen, strict=True):
            self.means[item] = self.kept * self.means.get(item, torch.zeros_like(one)) + (1 - self.kept) * one
        means = torch.stack([self.means[item] for item in self._items]).to(p.device)
        return loss + self.weight * (1 - (means * p).sum(dim=1)).log().mean()

    def state(self) -> dict[str, Any]:
        """The running means."""
        return {"means": self.means}

    def load(self, state: Any) -> None:
        """Go on from there."""
        self.means = state["means"]
