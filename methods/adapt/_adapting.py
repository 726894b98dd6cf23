"""What methods that learn from a stream share: a classifier's network, normalised by the statistics of each batch."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Gt, Le
from torch import nn

Labelled = Annotated[Any, nb.Nested("method", track="classify")]
Rate = Annotated[float, Gt(0), Le(10)]
Kept = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Log-probabilities (B, K) now, and of the classifier before it learned → which pictures are learned from, (B,)."""


def normalised_by_batch(inner: nb.Classifier, who: str) -> nn.Module:
    """A copy of the network of a classifier, whose batch norms use the statistics of each batch; nothing is trained.

    Raises `UsageError` where it has no network, or one without batch norm; the copy does for a batch of which a norm
    sees one value a channel.
    """
    networks = (
        [value for value in vars(inner.instance).values() if isinstance(value, nn.Module)] if inner.instance else []
    )
    if len(networks) != 1:
        raise nb.UsageError(f"method {who} is for a classifier that holds one network, unlike {inner.bound.display}")
    net = copy.deepcopy(networks[0]).eval().requires_grad_(False)
    norms = norms_of(net)
    if not norms:
        raise nb.UsageError(
            f"method {who} needs a network with batch norm, such as arch=small_cnn or small_resnet: "
            f"{inner.bound.display} has none"
        )
    for norm in norms:
        norm.track_running_stats, norm.running_mean, norm.running_var = False, None, None
        norm.register_forward_pre_hook(_refuse_one_value)
    return net


def _refuse_one_value(norm: nn.Module, inputs: tuple[Any, ...]) -> None:
    if inputs[0].numel() == inputs[0].shape[1]:
        raise nb.UsageError("a batch of one picture has no statistics: give the stream a batch= that leaves none alone")


def refuse_other_channels(inner: nb.Classifier, pictures: torch.Tensor) -> None:
    """Raise `Skip` for pictures (B, C, H, W) of other channels than those of a classifier that was trained here."""
    given = getattr(inner.instance, "given", ())
    if given and pictures.shape[1] != given[0]:
        raise nb.Skip(f"the network of {inner.bound.display} is for {given[0]} channels, not {pictures.shape[1]}")


def norms_of(net: nn.Module) -> list[nn.BatchNorm1d | nn.BatchNorm2d]:
    """The batch norms of a network."""
    return [one for one in net.modules() if isinstance(one, nn.BatchNorm1d | nn.BatchNorm2d)]


class StreamLearner:
    """A network whose batch norms' scales and shifts follow a stream, beside what it was at first."""

    def __init__(self, source: nn.Module, rate: float) -> None:
        self.source, self.net = source, copy.deepcopy(source)
        affine = [p for norm in norms_of(self.net) for p in (norm.weight, norm.bias) if p is not None]
        for parameter in affine:
            parameter.requires_grad_(True)
        self.optimizer = torch.optim.Adam(affine, lr=rate)

    def step(self, pictures: torch.Tensor, kept: Kept) -> torch.Tensor:
        """Logits of a batch, and behind them those of the source, (B, 2 K); then it learns from the batch.

        The mean entropy of what is `kept` is made smaller by one step of Adam; nothing is, where that is none.
        """
        with torch.enable_grad():
            logits = self.net(pictures)
            now = logits.log_softmax(dim=1)
            with torch.no_grad():
                before = self.source(pictures)
                chosen = kept(now.detach(), before.log_softmax(dim=1))
            if chosen.any():
                self.optimizer.zero_grad()
                entropy_of(now)[chosen].mean().backward()  # type: ignore[no-untyped-call]
                self.optimizer.step()
        return torch.cat([logits.detach(), before], dim=1)


class LearnsByStream:
    """A classifier whose batch norms learn from a stream, from what is `kept` of each batch; `who` it is in messages.

    Each stream begins with the classifier as it was trained.
    """

    def __init__(self, method: nb.Bound, lr: float, kept: Kept, who: str) -> None:
        self.inner = nb.Classifier(method)
        self.lr, self.kept, self.who = lr, kept, who

    def setup(self, device: Any) -> None:
        """Set up the classifier. Raises `Skip` where its weights are missing, `UsageError` where no norm can learn."""
        self.inner.setup(device)
        self.source = normalised_by_batch(self.inner, self.who)
        if not any(norm.affine for norm in norms_of(self.source)):
            raise nb.UsageError(
                f"method {self.who}: the batch norms of {self.inner.bound.display} have nothing to learn"
            )

    def begin(self, info: Any) -> None:
        """Forget what was learned."""
        self.learner = StreamLearner(self.source, self.lr)

    def classify(self, pictures: Any, info: Any) -> Any:
        """(B, C, H, W) → logits and those of the source, (B, 2 K). Raises `Skip` for other channels."""
        refuse_other_channels(self.inner, pictures)
        return self.learner.step(pictures, self.kept)


def entropy_of(log_probabilities: torch.Tensor) -> torch.Tensor:
    """The entropy of log-probabilities (B, K), in nats, (B,)."""
    return -(log_probabilities.exp() * log_probabilities).sum(dim=1)


def all_kept(now: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """Keep every picture."""
    return torch.ones(len(now), dtype=torch.bool, device=now.device)


def surer(now: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """Keep the pictures whose likeliest class before is now at least as likely."""
    first = before.argmax(dim=1, keepdim=True)
    return (now.gather(1, first) >= before.gather(1, first))[:, 0]


def sure_enough(share: float) -> Kept:
    """Keep the pictures whose entropy is below a share of the largest one, log K."""
    return lambda now, before: entropy_of(now) < share * math.log(now.shape[1])
