"""Early-learning regularisation: its term against the formula, and that it keeps what was learned first."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.parts.elr import ELR
from noisebench.training.trainer import Trainer
from torch import nn


def one_step(part: ELR, net: nn.Module, given: torch.Tensor, index: list[int]) -> Any:
    """What is added to a loss of 0."""
    part.batch({"index": torch.tensor(index), "wanted": torch.zeros(len(given), dtype=torch.int64)}, 0, 10)
    net(given)
    return part.loss(net, torch.zeros(()), 0, 10)


def test_the_term_is_that_of_the_formula_and_the_mean_runs_by_item() -> None:
    torch.manual_seed(0)
    net, given = nn.Linear(5, 3), torch.randn(4, 5)
    part = ELR(weight=2.0, kept=0.7)
    part.prepare(net)
    p = net(given).softmax(dim=1)
    first = 0.3 * p.detach()
    expected = 2 * (1 - (first * p).sum(1)).log().mean()
    assert float(one_step(part, net, given, [0, 1, 2, 3]).detach()) == pytest.approx(float(expected.detach()))
    second = 0.7 * first + 0.3 * p.detach()
    added = one_step(part, net, given, [0, 1, 2, 3])
    assert float(added.detach()) == pytest.approx(float((2 * (1 - (second * p).sum(1)).log().mean()).detach()))
    added.backward()
    assert net.weight.grad is not None and bool(net.weight.grad.abs().sum() > 0)
    assert torch.allclose(part.means[2], second[2], atol=1e-6)


def test_an_objective_that_calls_the_network_twice_is_refused() -> None:
    net, given = nn.Linear(5, 3), torch.randn(2, 5)
    part = ELR()
    part.prepare(net)
    part.batch({"index": torch.tensor([0, 1]), "wanted": torch.zeros(2, dtype=torch.int64)}, 0, 10)
    net(given), net(given)
    with pytest.raises(nb.UsageError, match=r"elr.*supervised"):
        part.loss(net, torch.zeros(()), 0, 10)


def test_a_training_goes_on_where_it_was() -> None:
    spec = "trained(arch=mlp(hidden=(8,)), parts=elr, steps=6, checks=1, batch=8, validation=10)"
    recipe = recipe_of(bind(spec, "method", "classify").kwargs)
    rng = np.random.default_rng(0)
    batches = [
        {
            "given": rng.random((8, 1, 8, 8), np.float32),
            "wanted": rng.integers(0, 10, 8),
            "truth": rng.integers(0, 10, 8),
            "index": rng.integers(0, 12, 8),
        }
        for _ in range(6)
    ]
    whole = Trainer(recipe, (1, 8, 8), (10,), 0, "cpu")
    losses = [whole.advance(batch) for batch in batches]
    first, second = (Trainer(recipe, (1, 8, 8), (10,), 0, "cpu") for _ in range(2))
    for batch in batches[:3]:
        first.advance(batch)
    second.resume(first.snapshot())
    assert [second.advance(batch) for batch in batches[3:]] == losses[3:]
