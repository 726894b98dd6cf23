"""Few pictures that stand for many: learned, so that a network's gradients on them match those on the real ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from noisebench.recipes.parts._example_scores import one_thread
from torch import nn

_REAL = 256
_IMAGE_MOMENTUM, _NET_RATE = 0.5, 0.01


@dataclass(frozen=True)
class Condensation:
    """How pictures are learned: `outer` new networks, `inner` steps of the pictures by each at `rate`.

    `contrastive`: gradients are summed over classes before they are compared (DCC), but for the share `warmup` of
    networks; else compared class by class (DC). `augmented`: real and learned pictures are changed alike in each step
    (DSA). Between two steps the network is trained for `epochs` on the learned pictures.
    """

    outer: int
    inner: int
    rate: float
    epochs: int
    contrastive: bool
    augmented: bool
    warmup: float


def condense(
    real: torch.Tensor,
    labels: torch.Tensor,
    start: torch.Tensor,
    start_labels: torch.Tensor,
    build: Callable[[], nn.Module],
    course: Condensation,
    *,
    seed: int,
    say: Callable[[int, int], None],
) -> torch.Tensor:
    """The learned pictures, on [0, 1], begun at `start` (M, C, H, W), which `start_labels` (M,) label.

    On one thread of a CPU, so that a seed gives the same pictures.
    """
    learned = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([learned], lr=course.rate, momentum=_IMAGE_MOMENTUM)
    classes = sorted(set(start_labels.tolist()))
    places = {c: (labels == c).nonzero().flatten() for c in classes}
    say(0, course.outer)
    with one_thread(), torch.random.fork_rng(devices=[]):
        for loop in range(course.outer):
            digest = hashlib.sha256(f"condense|{seed}|{loop}".encode()).digest()
            torch.manual_seed(int.from_bytes(digest[:8], "little") >> 1)
            net = build()
            together = course.contrastive and loop >= course.warmup * course.outer
            trained = torch.optim.SGD(net.parameters(), lr=_NET_RATE, momentum=0.5)
            for _ in range(course.inner):
                _settle(net, real)
                optimizer.zero_grad()
                torch.autograd.backward(_distance(net, real, places, learned, start_labels, together, course.augmented))
                optimizer.step()
                with torch.no_grad():
                    learned.clamp_(0, 1)
                _train(net, trained, learned.detach(), start_labels, course)
            say(loop + 1, course.outer)
    return learned.detach()


def _distance(
    net: nn.Module,
    real: torch.Tensor,
    places: dict[int, torch.Tensor],
    learned: torch.Tensor,
    learned_labels: torch.Tensor,
    together: bool,
    augmented: bool,
) -> torch.Tensor:
    """How far gradients of real and of learned pictures are apart: class by class, or of all classes together."""
    of_real, of_learned = [], []
    for c, at in places.items():
        chosen = at[torch.randperm(len(at))[:_REAL]]
        seed = int(torch.randint(1 << 30, ()))
        change = (lambda x, seed=seed: changed(x, seed)) if augmented else (lambda x: x)
        label = torch.full((len(chosen),), c)
        of_real.append([g.detach() for g in _gradients(net, change(real[chosen]), label, graph=False)])
        mine = learned_labels == c
        of_learned.append(_gradients(net, change(learned[mine]), learned_labels[mine], graph=True))
    if together:
        of_real, of_learned = (
            [[torch.stack(g).mean(dim=0) for g in zip(*side, strict=True)]] for side in (of_real, of_learned)
        )
    return torch.stack([matched(a, b) for a, b in zip(of_real, of_learned, strict=True)]).sum()


def matched(real: list[torch.Tensor], learned: list[torch.Tensor]) -> torch.Tensor:
    """The sum of 1 - cosine over layers and their output rows; what has one axis, such as a bias, adds nothing."""
    distances = [
        (1 - F.cosine_similarity(a.flatten(1), b.flatten(1), dim=1, eps=1e-6)).sum()
        for a, b in zip(real, learned, strict=True)
        if a.ndim > 1
    ]
    return torch.stack(distances).sum()


def _gradients(net: nn.Module, given: torch.Tensor, labels: torch.Tensor, *, graph: bool) -> list[torch.Tensor]:
    loss = F.cross_entropy(net(given), labels)
    return list(torch.autograd.grad(loss, list(net.parameters()), create_graph=graph))


def _settle(net: nn.Module, real: torch.Tensor) -> None:
    """Batch norm takes its means from real pictures, and holds them while gradients are compared."""
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if norms:
        for norm in norms:
            norm.momentum = 1.0
        net.train()
        with torch.no_grad():
            net(real[torch.randperm(len(real))[:_REAL]])
    net.eval()


def _train(net: nn.Module, optimizer: Any, learned: torch.Tensor, labels: torch.Tensor, course: Condensation) -> None:
    net.train()
    for _ in range(course.epochs):
        for part in torch.tensor_split(torch.randperm(len(learned)), list(range(_REAL, len(learned), _REAL))):
            given = changed(learned[part], int(torch.randint(1 << 30, ()))) if course.augmented else learned[part]
            optimizer.zero_grad()
            torch.autograd.backward(F.cross_entropy(net(given), labels[part]))
            optimizer.step()


def changed(pictures: torch.Tensor, seed: int) -> torch.Tensor:
    """All pictures shifted, turned, scaled and brightened alike, by a seed; differentiable."""
    rng = torch.Generator().manual_seed(seed)
    turn, scale_x, scale_y, x, y, light = (2 * torch.rand(6, generator=rng) - 1).tolist()
    angle = torch.tensor(turn * 0.26)  # 15 degrees
    cosine, sine = torch.cos(angle), torch.sin(angle)
    rows = torch.stack([
        torch.stack([cosine * (1 + 0.2 * scale_x), -sine, torch.tensor(0.125 * x)]),
        torch.stack([sine, cosine * (1 + 0.2 * scale_y), torch.tensor(0.125 * y)]),
    ])  # fmt: skip
    grid = F.affine_grid(rows.expand(len(pictures), 2, 3), list(pictures.shape), align_corners=False)
    moved: torch.Tensor = F.grid_sample(pictures, grid, align_corners=False)
    bright: float = 1 + 0.2 * light
    return moved * bright


def k_centres(pictures: torch.Tensor, count: int) -> list[int]:
    """Places of `count` pictures: the one nearest to the mean, then each time the one farthest from those chosen."""
    flat = pictures.flatten(1).double()
    chosen = [int((flat - flat.mean(dim=0)).square().sum(dim=1).argmin())]
    while len(chosen) < count:
        chosen.append(int(torch.cdist(flat, flat[chosen]).amin(dim=1).argmax()))
    return chosen
