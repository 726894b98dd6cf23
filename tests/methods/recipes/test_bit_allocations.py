"""Bits by the trace beside many random allocations of the same size: what is compared, and that nothing changes."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import pytest
import torch
from built_components import built_part
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.training.trainer import Trainer
from own_networks import train_with
from torch import nn


def trainer(parts: str) -> Trainer:
    spec = f"trained(arch=dncnn(depth=4, width=4), objective=supervised(loss=l2), parts={parts}, steps=6, checks=1)"
    return Trainer(recipe_of(bind(spec, "method").kwargs), (1, 12, 12), (1, 12, 12), 0, "cpu")


def advance(one: Trainer, steps: int) -> Trainer:
    for _ in range(steps):
        rng = torch.Generator().manual_seed(one.step)
        one.advance({n: torch.rand(2, 1, 12, 12, generator=rng).numpy() for n in ("given", "wanted")})
    return one


def test_a_training_is_the_same_with_and_without_and_goes_on_where_it_stopped() -> None:
    spec = "bit_allocations(budgets=(3, 4.5), draws=5)"
    own, plain, again = advance(trainer(spec), 6), advance(trainer("()"), 6), trainer(spec)
    assert own.weights() == plain.weights()
    again.resume(advance(trainer(spec), 4).snapshot())
    assert advance(again, 2).figures() == own.figures()
    names = {"loss_whole", "loss_uniform_3", "front"}
    names |= {f"{kind}_{size}" for kind in ("loss_trace", "loss_random", "beaten") for size in ("3", "4.5")}
    assert own.figures().keys() == names


def test_bits_go_to_the_layer_that_needs_them() -> None:
    class Two(nn.Module):
        """The loss needs one of two layers alone."""

        def __init__(self) -> None:
            super().__init__()
            self.used, self.idle = nn.Linear(64, 4), nn.Linear(64, 4)

        def forward(self, x: Any) -> Any:
            return self.used(x.flatten(1))[:, :3] + 0 * self.idle(x.flatten(1))[:, :3]

    rule = built_part("bit_allocations(bits=(2, 8), budgets=(5,), draws=20)")
    train_with(rule, Two())
    figures = rule.figures()
    # By the trace the used layer has 8 bits; at random it has 2 about as often.
    assert 0.2 < figures["beaten_5"] < 0.8
    assert abs(figures["loss_trace_5"] - figures["loss_whole"]) < abs(figures["loss_uniform_5"] - figures["loss_whole"])


def test_sizes_that_no_bits_fit_and_networks_without_layers_are_refused() -> None:
    with pytest.raises(nb.UsageError, match=r"bits=\(4, 8\) .* budgets=\(3.0,\).* fewer bits"):
        built_part("bit_allocations(bits=(4, 8), budgets=(3.0,))")
    with pytest.raises(nb.UsageError, match="^part bit_allocations: .*layer: leave"):
        built_part("bit_allocations").prepare(nn.ReLU(), (1, 8, 8))
