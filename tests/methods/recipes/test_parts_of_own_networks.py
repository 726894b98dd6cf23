"""Recipes of papers on a network that a user brings: each line of the guide, and what cannot act says so at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import noisebench as nb
import pytest
import torch
import torch.nn.functional as F
from built_components import built
from noisebench.components.registry import bind
from own_networks import CLASSES, GIVEN, train_with
from torch import nn

GUIDE = Path(__file__).parents[3] / "docs" / "training.md"
ROWS = re.findall(r"`(optimizer|parts)=(\w[^`]*)`", GUIDE.read_text(encoding="utf-8").partition("| to the recipe |")[2])
PARTS = [spec for kind, spec in ROWS if kind == "parts"]


def own_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 1), nn.ReLU(), nn.Flatten(),
        nn.Linear(8 * 36, 16), nn.ReLU(), nn.Linear(16, CLASSES),
    )  # fmt: skip


@pytest.mark.parametrize("spec", [spec for spec in PARTS if not spec.startswith("batch_hessian")])
def test_each_part_of_the_guide_trains_a_network_of_ones_own(spec: str) -> None:
    part, net = built(spec, "part"), own_network()
    if not hasattr(part, "prepare"):
        part.prepare = lambda net, given: net
    net = train_with(part, net, steps=60)
    assert all(value.isfinite().all() for value in net.parameters())
    assert part.figures() and all(value == value for value in part.figures().values())


@pytest.mark.parametrize("spec", [spec for kind, spec in ROWS if kind == "optimizer"])
def test_each_optimiser_of_the_guide_lowers_the_loss_of_a_network_of_ones_own(spec: str) -> None:
    net, x, labels = own_network(), torch.rand(16, *GIVEN), torch.arange(16) % CLASSES
    bound = bind(spec, "optimizer")
    optimizer = bound.entry.obj(net.parameters(), **bound.kwargs)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss: Any = F.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("spec", [spec for spec in PARTS if not spec.startswith(("saved_by_kind", "batch_hessian"))])
def test_a_part_without_a_layer_to_act_on_says_so_before_the_first_step(spec: str) -> None:
    with pytest.raises(nb.UsageError, match=rf"^part {spec.partition('(')[0]}.*: (leave|give)"):
        built(spec, "part").prepare(nn.Sequential(nn.BatchNorm2d(1), nn.ReLU()), GIVEN)


def test_a_batch_that_is_too_small_is_refused_at_the_first_step() -> None:
    with pytest.raises(nb.UsageError, match="^part batch_hessian: a batch of 4 of 4: give a larger batch="):
        built("batch_hessian(batches=(2, 4))", "part").observe(
            nn.Identity(), {"given": torch.zeros(4, *GIVEN)}, lambda batch: batch["given"].sum(), 0, 100
        )
