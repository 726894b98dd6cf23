"""A network as a user brings one, and a short training of it with one part."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

GIVEN = (1, 8, 8)
CLASSES = 3


class Attentive(nn.Module):
    """A classifier whose head is defined first, with torch's own attention, a bare matrix, and an unused layer."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(16, CLASSES)
        self.blocks = nn.TransformerEncoderLayer(16, 2, 32, 0.1, batch_first=True)
        self.mix = nn.Parameter(torch.randn(16, 16) / 4)
        self.unused = nn.Linear(2, 2)
        self.stem = nn.Conv2d(1, 16, 4, stride=4)
        self.norm = nn.BatchNorm2d(16)
        self.positions = nn.Parameter(torch.randn(1, 4, 16))

    def forward(self, x: Any) -> Any:
        y = self.norm(self.stem(x)).flatten(2).transpose(1, 2) + self.positions
        return self.head((self.blocks(y) @ self.mix).mean(dim=1))


SIZES = {
    "stem": 16 * 16, "positions": 4 * 16, "blocks.self_attn.in_proj_weight": 48 * 16,
    "blocks.self_attn.out_proj": 16 * 16, "blocks.linear1": 32 * 16, "blocks.linear2": 16 * 32, "mix": 16 * 16,
    "head": 16 * CLASSES, "unused": 4,
}  # fmt: skip
"""Of its weight matrices, in the order in which a pass uses them."""


def train_with(part: Any, net: nn.Module | None = None, steps: int = 4) -> nn.Module:
    """A network trained with `part` for a few steps, by SGD."""
    torch.manual_seed(0)
    net = part.prepare(net or Attentive(), GIVEN)
    assert net is not None
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    labels = torch.arange(8) % CLASSES

    def loss_of(batch: Any) -> Any:
        return F.cross_entropy(net(batch["given"]), labels)

    for step in range(steps):
        batch = {"given": torch.rand(8, *GIVEN), "wanted": labels, "index": torch.arange(8)}
        if hasattr(part, "batch"):
            batch = part.batch(batch, step, steps)
        if hasattr(part, "observe"):
            part.observe(net, batch, loss_of, step, steps)
        optimizer.zero_grad()
        loss = loss_of(batch)
        (part.loss(net, loss, step, steps) if hasattr(part, "loss") else loss).backward()
        if hasattr(part, "before_step"):
            part.before_step(net, step, steps)
        optimizer.step()
    if hasattr(part, "finish"):
        part.finish(net)
    return net
