"""How hard an example is to a network: the error of its probabilities, or the norm of its gradient."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import nn

Score = Literal["el2n", "grand"]
_TOGETHER = 32
"""Gradients of single examples that are held at once."""
_BATCH, _RATE, _MOMENTUM = 64, 0.05, 0.9


def example_scores(net: nn.Module, given: torch.Tensor, labels: torch.Tensor, score: Score) -> torch.Tensor:
    """A score each, (B,): larger is harder. In eval mode, so that no example's score depends on the others.

    `el2n`: the distance of softmax from the label as a one-hot vector; `grand`: the norm of the gradient of its
    cross-entropy in all parameters (M. Paul et al., NeurIPS 2021). Labels are (B,) int64.
    """
    training = net.training
    net.eval()
    try:
        if score == "grand":
            return _gradient_norms(net, given, labels)
        with torch.no_grad():
            probabilities = net(given).float().softmax(dim=1)
            far: torch.Tensor = (probabilities - F.one_hot(labels, probabilities.shape[1])).norm(dim=1)
            return far
    finally:
        net.train(training)


def _gradient_norms(net: nn.Module, given: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    parameters = {name: p.detach() for name, p in net.named_parameters() if p.requires_grad}

    def loss(values: dict[str, torch.Tensor], x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = torch.func.functional_call(net, values, (x.unsqueeze(0),))
        return F.cross_entropy(logits, label.unsqueeze(0))

    def norm(x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        gradients = torch.func.grad(loss)(parameters, x, label)
        return torch.stack([g.square().sum() for g in gradients.values()]).sum().sqrt()

    norms: torch.Tensor = torch.func.vmap(norm, chunk_size=_TOGETHER)(given, labels)
    return norms.detach()


def mean_scores(
    build: Callable[[], nn.Module],
    given: torch.Tensor,
    labels: torch.Tensor,
    score: Score,
    *,
    nets: int,
    epochs: int,
    seed: int,
    say: Callable[[int, int], None],
) -> torch.Tensor:
    """The mean score of each example over networks of their own beginnings, each trained on all for some epochs.

    By SGD with momentum on one thread of a CPU, so that a seed gives the same scores; `say` hears of epochs done.
    """
    total = torch.zeros(len(given), dtype=torch.float64)
    say(0, nets * (epochs + 1))
    with one_thread(), torch.random.fork_rng(devices=[]):
        for number in range(nets):
            digest = hashlib.sha256(f"example scores|{seed}|{number}".encode()).digest()
            torch.manual_seed(int.from_bytes(digest[:8], "little") >> 1)
            net = build()
            optimizer = torch.optim.SGD(net.parameters(), lr=_RATE, momentum=_MOMENTUM)
            for epoch in range(epochs):
                _train_once(net, given, labels, optimizer)
                say(number * (epochs + 1) + epoch + 1, nets * (epochs + 1))
            for part in torch.tensor_split(torch.arange(len(given)), list(range(1024, len(given), 1024))):
                total[part] += example_scores(net, given[part], labels[part], score).double() / nets
            say((number + 1) * (epochs + 1), nets * (epochs + 1))
    return total


def _train_once(net: nn.Module, given: torch.Tensor, labels: torch.Tensor, optimizer: Any) -> None:
    """One epoch, in an order of torch's generator."""
    net.train()
    for part in torch.tensor_split(torch.randperm(len(given)), list(range(_BATCH, len(given), _BATCH))):
        if len(part) > 1:  # batch norm has no mean of one
            optimizer.zero_grad()
            F.cross_entropy(net(given[part]), labels[part]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread of torch: what is computed does not depend on how many a machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
