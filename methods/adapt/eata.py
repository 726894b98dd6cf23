from __future__ import annotations

import math
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le
from noisebench.datasets.classify._arrays import labelled_arrays
from noisebench.methods.adapt._adapting import (
    Labelled,
    LearnsByStream,
    Rate,
    StreamLearner,
    all_kept,
    entropy_of,
    refuse_other_channels,
)
from torch import nn

_KEPT = 0.9
"""How much of the mean prediction stays at each batch."""
_TOGETHER = 64
"""Pictures of which a gradient is taken at once, for the Fisher information."""


@nb.method(
    "eata",
    track="adapt",
    shows_source=True,
    cite="S. Niu et al., Efficient test-time model adaptation without forgetting, ICML 2022",
)
class EATA(LearnsByStream):
    """EATA: TENT from pictures alone that are sure and new, and held to what mattered before.

    As `tent(method, lr)`, of pictures whose entropy is below the share `below` of that of an even guess, log K, and
    whose probabilities have a cosine below `margin` with their running mean over what was learned from; the surer
    weighs more. data: pictures of the track `classify` such as the classifier was trained on, whose labels are not
    read: by their Fisher information, times `fisher`, scales and shifts are held to where they began. Without them
    nothing holds. Values are those of the authors for CIFAR-10; they step by SGD, here Adam steps as for TENT.
    """

    def __init__(
        self,
        *,
        method: Labelled,
        lr: Rate = 0.001,
        below: Annotated[float, Gt(0), Le(1)] = 0.4,
        margin: Annotated[float, Gt(0), Le(1)] = 0.4,
        fisher: Annotated[float, Ge(0), Le(1e9)] = 1.0,
        data: Annotated[Any, nb.Nested("dataset", track="classify", many=True)] = (),
    ) -> None:
        super().__init__(method, lr, all_kept, "eata")
        self.below, self.margin, self.fisher, self.data = below, margin, fisher, data

    def setup(self, device: Any) -> None:
        """Set up the classifier and its Fisher information. Raises as `tent` does."""
        super().setup(device)
        self.information: list[torch.Tensor] | None = None
        if self.data:
            learner = StreamLearner(self.source, self.lr)
            pictures = torch.cat([torch.from_numpy(labelled_arrays(one).pictures) for one in self.data])
            self.information = fisher_information(learner.net, affine_of(learner), pictures.to(device))

    def begin(self, info: Any) -> None:
        """Forget what was learned."""
        super().begin(info)
        self.first = [one.detach().clone() for one in affine_of(self.learner)]
        self.mean: torch.Tensor | None = None

    def classify(self, pictures: Any, info: Any) -> Any:
        """(B, C, H, W) → logits and those of the source, (B, 2 K). Raises `Skip` for other channels."""
        refuse_other_channels(self.inner, pictures)
        learner = self.learner
        with torch.enable_grad():
            logits = learner.net(pictures)
            now = logits.log_softmax(dim=1)
            loss = self._loss(now)
            if loss is not None:
                learner.optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                learner.optimizer.step()
        with torch.no_grad():
            return torch.cat([logits.detach(), learner.source(pictures)], dim=1)

    def _loss(self, now: torch.Tensor) -> torch.Tensor | None:
        """What is made smaller, of log-probabilities (B, K); None where no picture is learned from."""
        entropy, limit = entropy_of(now), self.below * math.log(now.shape[1])
        chosen, seen = entropy.detach() < limit, now.detach().exp()
        if self.mean is not None:
            chosen &= nn.functional.cosine_similarity(self.mean[None], seen, dim=1).abs() < self.margin
        if not chosen.any():
            return None
        mean = seen[chosen].mean(dim=0)
        self.mean = mean if self.mean is None else _KEPT * self.mean + (1 - _KEPT) * mean
        loss = (entropy * (limit - entropy.detach()).exp())[chosen].mean()
        if self.information is not None:
            moved = zip(self.information, affine_of(self.learner), self.first, strict=True)
            loss = loss + self.fisher * sum((f * (now - then).square()).sum() for f, now, then in moved)
        return loss


def affine_of(learner: StreamLearner) -> list[torch.Tensor]:
    """The scales and shifts that learn."""
    return [one for group in learner.optimizer.param_groups for one in group["params"]]


def fisher_information(net: nn.Module, of: list[torch.Tensor], pictures: torch.Tensor) -> list[torch.Tensor]:
    """The mean over batches of the squared gradient of the loss of the likeliest classes, by each of some values."""
    total = [torch.zeros_like(one) for one in of]
    # A batch of one picture has no statistics: what is left over is not used.
    parts = torch.split(pictures, _TOGETHER)
    batches = [one for one in parts if len(one) == _TOGETHER or len(pictures) < _TOGETHER]
    with torch.enable_grad():
        for batch in batches:
            logits = net(batch)
            loss = nn.functional.cross_entropy(logits, logits.detach().argmax(dim=1))
            for sum_, gradient in zip(total, torch.autograd.grad(loss, of), strict=True):
                sum_ += gradient.square() / len(batches)
    return total
