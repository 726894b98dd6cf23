"""The two versions of NoiseFiT that its authors released: blocks, how much noise, which blocks, and the loss."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from built_components import built_part
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.parts.noisefit import divergence, spread
from noisebench.recipes.parts.noisefit_response import chosen_factors
from noisebench.recipes.parts.noisefit_v1 import dosed
from noisebench.training.trainer import Trainer
from own_networks import GIVEN, train_with
from torch import nn

VERSIONS = ("noisefit_v1", "noisefit_response")


class Idle(nn.Module):
    """A network that has blocks and does not use them."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(64, 3)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(8, 8)) for _ in range(3))

    def forward(self, x: Any) -> Any:
        return self.head(x.flatten(1))


def vit(depth: int = 4) -> Any:
    made = bind(f"vit(dim=16, depth={depth}, patch=4)", "arch")
    return made.entry.obj(GIVEN, (3,), **made.kwargs)


def trainer(parts: str) -> Trainer:
    spec = f"trained(arch=vit(dim=16, depth=4, patch=4), {parts}data=digits(split=train), batch=4, steps=4, checks=1)"
    return Trainer(recipe_of(bind(spec, "method", "classify").kwargs), GIVEN, (3,), 0, "cpu")


def advanced(one: Trainer, steps: range) -> Trainer:
    for step in steps:
        rng = np.random.default_rng(step)
        one.advance({"given": rng.random((4, *GIVEN), np.float32), "wanted": np.arange(4) % 3})
    return one


@pytest.mark.parametrize("name", VERSIONS)
def test_noise_is_on_the_blocks_of_a_transformer_and_of_a_residual_network(name: str) -> None:
    rule, net = built_part(f"{name}(start=0.0)"), vit()
    train_with(rule, net, steps=1)
    assert [*(rule.layers if name == "noisefit_v1" else rule.blocks)] == [*net.blocks]
    assert 1 <= len(rule.chosen) <= 3 and rule.figures()["noisefit_injected_snr"] > 1
    made = bind("small_resnet(width=4)", "arch")
    rule = built_part(f"{name}(start=0.0)")
    train_with(rule, made.entry.obj(GIVEN, (3,), **made.kwargs), steps=1)
    assert rule.figures()["noisefit_injected_snr"] > 1


@pytest.mark.parametrize("name", VERSIONS)
def test_a_network_without_blocks_is_refused_before_training(name: str) -> None:
    made = bind("mlp(hidden=(8, 8))", "arch")
    with pytest.raises(nb.UsageError, match=f"^part {name} needs blocks.*: leave out .*noisefit"):
        built_part(name).prepare(made.entry.obj(GIVEN, (3,), **made.kwargs), GIVEN)
    with pytest.raises(nb.UsageError, match=f"^part {name} .*each block .*once.*: leave out"):
        built_part(name).prepare(Idle(), GIVEN)


def test_more_blocks_than_there_are_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="^part noisefit_v1: k=3 of 2 blocks: give"):
        built_part("noisefit_v1").prepare(vit(2), GIVEN)


def test_the_first_version_chooses_by_s0_and_injects_its_square() -> None:
    rule = built_part("noisefit_v1(s0=0.2, start=0.0)")
    h = torch.randn(4, 9, 16, generator=torch.Generator().manual_seed(0))
    for choosing, s0 in ((True, 0.2), (False, 0.04)):
        rule._choosing = choosing
        torch.manual_seed(1)
        found = rule._noisy(nn.Identity(), h)
        torch.manual_seed(1)
        torch.testing.assert_close(found, h + torch.randn_like(h) * spread(h, s0, 0.1, -1))


def test_a_dose_is_the_ratio_of_the_signal_to_the_noise_that_is_injected() -> None:
    h = 7 * torch.randn(64, 50, 32, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(h.shape, generator=torch.Generator().manual_seed(1)) * dosed(h, spread(h, 0.1, 0.1, -1), 5.0)
    assert float(h.abs().mean() / noise.abs().mean()) == pytest.approx(5, rel=0.01)
    rule = built_part("noisefit_v1(ratio=5.0, start=0.0)")
    train_with(rule, vit(), steps=1)
    assert rule.figures()["noisefit_injected_snr"] == pytest.approx(5, rel=0.1)


def test_blocks_are_chosen_by_their_response_and_get_the_least_noise_that_is_enough() -> None:
    # Nine blocks: at most three, one of each third of the depth first. The third column is the factor 1.
    response = torch.ones(9, 5) * 1e-3
    response[1] = response[2] = response[7] = torch.tensor([0.1, 0.5, 1.0, 1.1, 1.2])
    response[4] = torch.tensor([0.6, 0.92, 0.95, 0.96, 0.97])
    rise = torch.zeros(9, 5)
    assert chosen_factors(response, rise) == {1: 2, 4: 1, 7: 2}
    rise[4, 1:] = 0.03  # above 2 %: only the least factor is left of that block
    assert chosen_factors(response, rise)[4] == 0
    rise[:] = 0.5  # of all: then all count
    assert set(chosen_factors(response, rise)) == {1, 4, 7}


def test_the_present_version_sends_no_gradient_through_its_noise_and_targets() -> None:
    rule, net = built_part("noisefit_response(alpha=0.25, lam=2.0, start=0.0)"), vit(2)
    rule.prepare(net, GIVEN)
    rule.chosen = {1: 2}
    x, wanted = torch.rand(3, *GIVEN), torch.tensor([0, 1, 2])
    rule.batch({"wanted": wanted}, 0, 1)
    clean = net(x)
    torch.manual_seed(5)
    found = rule.loss(net, clean.square().mean(), 0, 1)
    torch.manual_seed(5)
    noisy = []
    for _ in range(2):
        h = net.blocks(net.patches(x).flatten(2).transpose(1, 2) + net.positions)
        still = h.detach()
        deviation = spread(still, 0.25 / float(still.std(correction=0)), 0.1, -1)  # 1 / sqrt(16)
        noisy.append(net.head(net.norm(h + torch.randn_like(h) * deviation).mean(dim=1)))
    apart = (divergence(clean.detach(), noisy[0]) + divergence(clean.detach(), noisy[1])) / 2
    due = 0.25 * clean.square().mean() + 0.75 * apart + 2 * divergence(noisy[1].detach(), noisy[0])
    torch.testing.assert_close(found, due)
    grads = [torch.autograd.grad(one, list(net.parameters()), retain_graph=True) for one in (found, due)]
    for own, expected in zip(*grads, strict=True):
        torch.testing.assert_close(own, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", VERSIONS)
def test_a_stopped_training_goes_on_with_the_blocks_that_were_chosen(name: str) -> None:
    parts = f"parts={name}(start=0.25), "
    whole, half, other = advanced(trainer(parts), range(4)), advanced(trainer(parts), range(3)), trainer(parts)
    other.resume(half.snapshot())
    advanced(other, range(3, 4))
    assert other.weights() == whole.weights() and other.figures() == whole.figures()
    assert advanced(trainer(parts), range(1)).weights() == advanced(trainer(""), range(1)).weights()
    assert not any(module._forward_hooks for module in whole.net.modules())
