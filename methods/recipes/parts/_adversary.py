"""A network that tells whole pictures of a set from generated ones, and what it and the generator learn from that."""

from __future__ import annotations

import itertools
from typing import Any

import torch
import torch.nn.functional as F
from noisebench.recipes.archs.generator import doublings_of
from torch import nn

_EVERY = 4
"""Steps of which one looks at gradients by true pictures (Karras et al., CVPR 2020)."""


class Adversary(nn.Module):
    """A number for each picture (N, C, H, W) on [0, 1]: above 0 it is held to be true.

    Halvings and 3x3 convolutions; before its last layers it sees how much the pictures of a batch differ (Karras et
    al., ICLR 2018), so that a maker of always the same ones is found out. shift: pictures are moved by as many pixels
    at most, true and made ones alike (Zhao et al., NeurIPS 2020), so that few true ones cannot be learnt by heart.
    """

    def __init__(self, shape: tuple[int, ...], width: int, shift: int = 0) -> None:
        super().__init__()
        self.shift = shift
        widths = [width * 2 ** min(level, 2) for level in range(doublings_of(shape) + 1)]
        layers: list[nn.Module] = [nn.Conv2d(shape[0], width, 3, padding=1), nn.LeakyReLU(0.2)]
        for before, after in itertools.pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(0.2), nn.AvgPool2d(2, ceil_mode=True)]
        self.layers = nn.Sequential(*layers)
        self.last = nn.Sequential(
            nn.Conv2d(widths[-1] + 1, widths[-1], 3, padding=1), nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * widths[-1], 1),
        )  # fmt: skip

    def forward(self, pictures: Any) -> Any:
        x = self.layers(2 * pictures - 1)
        differ = (x.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
        return self.last(torch.cat([x, differ.expand(len(x), 1, *x.shape[2:])], dim=1))[:, 0]

    def _moved(self, pictures: Any) -> Any:
        """Each by itself, edges repeated."""
        if not self.shift:
            return pictures
        height, width = pictures.shape[-2:]
        down, across = torch.randint(-self.shift, self.shift + 1, (2, len(pictures), 1), device=pictures.device)
        rows = (torch.arange(height, device=pictures.device) + down).clamp(0, height - 1)
        columns = (torch.arange(width, device=pictures.device) + across).clamp(0, width - 1)
        items = torch.arange(len(pictures), device=pictures.device)[:, None, None]
        moved = pictures.transpose(0, 1)[:, items, rows[:, :, None], columns[:, None, :]]
        return moved.transpose(0, 1)

    def doubt(self, generated: Any) -> Any:
        """The generator's loss: how little its pictures pass for true ones. This network gets no gradient."""
        frozen = [parameter.requires_grad_(False) for parameter in self.parameters()]
        doubt = F.softplus(-self(self._moved(generated))).mean()
        for parameter in frozen:
            parameter.requires_grad_(True)
        return doubt

    def mistakes(self, true: Any, generated: Any, r1: float) -> Any:
        """This network's loss: how little it tells true pictures from generated ones. The generator gets no gradient.

        r1: half of this times the squared gradient by true pictures is added, of which there must be some.
        """
        true = self._moved(true).detach().requires_grad_(r1 > 0)
        logits = self(true)
        wrong = F.softplus(-logits).mean() + F.softplus(self(self._moved(generated.detach()))).mean()
        if r1:
            (slope,) = torch.autograd.grad(logits.sum(), true, create_graph=True)
            wrong = wrong + r1 / 2 * slope.square().flatten(1).sum(dim=1).mean()
        return wrong


def learn(
    network: Adversary, optimizer: torch.optim.Optimizer, true: Any, generated: Any, r1: float, step: int
) -> None:
    """One step on true and generated pictures; in every fourth the gradient by true ones counts, four times as much."""
    mistakes = network.mistakes(true, generated, _EVERY * r1 if step % _EVERY == 0 else 0.0)
    optimizer.zero_grad()
    torch.autograd.backward(mistakes)
    optimizer.step()
