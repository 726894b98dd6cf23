"""Which weight matrices a network has: their order in a pass, what uses them, and that nothing of it changes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from noisebench.components.registry import bind
from noisebench.recipes.weight_matrices import (
    covered_share,
    first_and_last,
    rewritable,
    trained_weight,
    weight_matrices,
)
from noisebench.text.errors import UsageError
from own_networks import GIVEN, SIZES, Attentive
from torch import nn
from torch.nn.utils import parametrizations, parametrize


@pytest.mark.parametrize("training", [True, False])
def test_matrices_come_in_the_order_of_a_pass_and_unused_ones_last(training: bool) -> None:
    found = weight_matrices(Attentive().train(training), GIVEN)
    assert {one.name: one.size for one in found} == SIZES and [one.name for one in found] == list(SIZES)
    assert [one.name for one in found if not one.executed] == ["unused"]
    assert [one.name for one in found if not one.called] == ["blocks.self_attn.out_proj", "unused"]
    assert [one.kind for one in found[:5]] == [
        "convolution", "other", "attention projection", "attention projection", "linear",
    ]  # fmt: skip
    assert {one.name: one.kind for one in found}["mix"] == "linear"
    first, last = first_and_last("any", found)
    assert (first.name, last.name) == ("stem", "head")


def test_macs_are_those_of_one_item() -> None:
    macs = {one.name: one.macs for one in weight_matrices(Attentive(), GIVEN)}
    assert macs["stem"] == 4 * 16 * 16 and macs["head"] == 3 * 16 and macs["unused"] == macs["positions"] == 0
    assert macs["blocks.self_attn.in_proj_weight"] == 4 * 48 * 16 and macs["mix"] == 4 * 16 * 16


def test_nothing_of_the_network_and_no_draw_changes() -> None:
    net = Attentive()
    net.stem.eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    modes, draws = [module.training for module in net.modules()], torch.get_rng_state()
    hooks = [len(module._forward_pre_hooks) for module in net.modules()]
    weight_matrices(net, GIVEN)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert [module.training for module in net.modules()] == modes and torch.equal(torch.get_rng_state(), draws)
    assert [len(module._forward_pre_hooks) for module in net.modules()] == hooks
    assert all(value.grad is None for value in net.parameters()) and torch.backends.mha.get_fastpath_enabled()


def test_a_weight_that_is_computed_is_named_as_it_is_used() -> None:
    net = nn.Sequential(
        parametrizations.spectral_norm(nn.Conv2d(1, 4, 3)), parametrizations.weight_norm(nn.Conv2d(4, 4, 3)),
        nn.ConvTranspose2d(4, 2, 2),
    )  # fmt: skip
    found = weight_matrices(net, GIVEN)
    assert [(one.name, one.shape) for one in found] == [("0", (4, 1, 3, 3)), ("1", (4, 4, 3, 3)), ("2", (4, 2, 2, 2))]
    assert all(one.executed and one.macs > 0 and one.kind == "convolution" for one in found)
    assert [one.name for one in rewritable(net, found)] == ["0", "1"]


def test_tied_weights_are_one_matrix_and_a_sampler_is_left_when_all_is_seen() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.first = nn.Linear(4, 4), nn.Linear(4, 4)
            self.again = self.first
            self.passes = 0

        def forward(self, x: Any) -> Any:
            for _ in range(100):
                self.passes += 1
                x = self.last(self.again(self.first(x)))
            return x

    net = Tied()
    assert [one.name for one in weight_matrices(net, (4,))] == ["first", "last"] and net.passes == 1


def test_recurrent_weights_and_lookups_are_seen() -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells, self.table = nn.LSTM(4, 5, batch_first=True), nn.Embedding(3, 4)

        def forward(self, x: Any) -> Any:
            return self.cells(self.table((x > 0.5).long()[..., 0]))[0]

    found = weight_matrices(Words(), (7, 1))
    assert [one.name for one in found] == ["table", "cells.weight_ih_l0", "cells.weight_hh_l0"]
    assert found[0].kind == "embedding" and all(one.executed for one in found)


def test_a_network_without_a_pass_has_its_matrices_in_the_order_of_definition() -> None:
    class Two(Attentive):
        def forward(self, x: Any, sigma: Any) -> Any:
            return x

    found = weight_matrices(Two(), GIVEN)
    assert not any(one.executed for one in found) and sorted(one.name for one in found) == sorted(SIZES)
    assert found.failure.startswith("TypeError: ") and "'sigma'" in found.failure
    with pytest.raises(UsageError, match="part any .* TypeError: .*'sigma': mend it.* another arch"):
        first_and_last("any", found)


def test_an_error_of_a_pass_is_named_in_one_line() -> None:
    class Faulty(Attentive):
        def forward(self, x: Any) -> Any:
            raise ValueError("no\nsuch shape")

    for part in ("noisefit", "noise_response", "binary", "tract", "wta_crs"):
        with pytest.raises(UsageError) as refused:
            bind(part, "part").entry.obj().prepare(Faulty(), GIVEN)
        due = "and its forward raises ValueError: no such shape: mend it, or give another arch"
        assert str(refused.value).startswith(f"part {part} needs ") and str(refused.value).endswith(due)
    assert weight_matrices(Attentive(), GIVEN).failure == ""


def test_shares_are_of_all_weights_and_what_is_trained_is_behind_a_parametrisation() -> None:
    net = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 2))
    found = weight_matrices(net, (4,))
    assert covered_share(found[:1], found) == pytest.approx(24 / 36) and covered_share(found, found) == 1
    inner: Any = net[0]
    own = inner.weight
    parametrize.register_parametrization(inner, "weight", nn.Identity())
    assert trained_weight(net, found[0]) is own and torch.equal(found[0].of(net), own)


@pytest.mark.parametrize("arch", ["unet(width=8)", "dncnn(depth=3, width=8)", "nafnet(width=8)", "vit(depth=1)"])
def test_all_matrices_of_our_networks_are_executed(arch: str) -> None:
    made = bind(arch, "arch")
    net = made.entry.obj(GIVEN, (10,) if arch.startswith("vit") else GIVEN, **made.kwargs)
    found = weight_matrices(net, GIVEN)
    assert all(one.executed for one in found)
    counted = sum(value.numel() for value in net.parameters() if sum(side > 1 for side in value.shape) > 1)
    assert sum(one.size for one in found) == counted
