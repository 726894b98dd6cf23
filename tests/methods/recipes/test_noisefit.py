"""Noise on hidden layers while a network is fine-tuned: its spread, the choice of layers, the loss, what is left."""

from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.parts.noisefit import divergence, spread
from noisebench.training.trainer import Trainer
from own_networks import GIVEN, SIZES, Attentive, train_with
from torch import nn


def part(spec: str, *layers: nn.Module, given: tuple[int, ...] = (4,)) -> tuple[Any, Any]:
    """A part, and a network of the layers that is prepared by it for inputs of a shape."""
    made = bind(spec, "part")
    one = made.entry.obj(**made.kwargs)
    return one, one.prepare(nn.Sequential(*layers), given)


def trainer(parts: str, steps: int = 4, arch: str = "dncnn(depth=5, width=4)") -> Trainer:
    spec = f"trained(arch={arch}{parts and f', parts={parts}'}, batch=2, steps={steps}, checks=1)"
    return Trainer(recipe_of(bind(spec, "method").kwargs), (1, 12, 12), (1, 12, 12), 0, "cpu")


def advanced(one: Trainer, steps: range) -> Trainer:
    for step in steps:
        rng = np.random.default_rng(step)
        one.advance({name: rng.random((2, 1, 12, 12), np.float32) for name in ("given", "wanted")})
    return one


def test_the_spread_is_that_of_its_formula() -> None:
    h = torch.tensor([[1.0, 2.0, 4.0, 9.0, 3.0], [0.0, 0.0, 1.0, 1.0, 5.0]], dtype=torch.float64)
    mad = [1.0, 1.0]  # of |h - 3| = 2 1 1 6 0 and |h - 1| = 1 1 0 0 4
    variances = [7.76, 3.44]
    due = [
        [
            0.1 * float(h.std(correction=0)) * m * math.exp(-0.1 * abs(x - middle) / m) * min(math.exp(v / 5.6), 5)
            for x in row
        ]
        for row, m, v, middle in zip(h.tolist(), mad, variances, (3, 1), strict=True)
    ]
    torch.testing.assert_close(spread(h, 0.1, 0.1), torch.tensor(due, dtype=torch.float64))


def test_channels_are_compared_along_their_axis() -> None:
    h = torch.randn(2, 6, 3, 4, generator=torch.Generator().manual_seed(0))
    rows = spread(h.movedim(1, -1).reshape(-1, 6), 0.1, 0.1, -1)
    torch.testing.assert_close(spread(h, 0.1, 0.1).movedim(1, -1).reshape(-1, 6), rows)


def test_noise_is_unbiased_and_adds_three_percent_of_variance() -> None:
    torch.manual_seed(0)
    h = torch.randn(64, 64, 20, 20)
    s = spread(h, 0.1, 0.1)
    drawn = torch.cat([(torch.randn_like(h) * s).flatten() for _ in range(8)]).double()
    assert abs(float(drawn.mean())) < 4 * float(drawn.std()) / len(drawn) ** 0.5
    assert float(s.square().mean() / h.var()) == pytest.approx(0.028, abs=0.003)


def test_flat_features_get_next_to_no_noise() -> None:
    assert float(spread(torch.zeros(2, 3, 4, 4), 0.1, 0.1).max()) == 0
    assert torch.isfinite(spread(torch.full((2, 1, 4, 4), 3.0), 0.1, 0.1)).all()


def test_divergence_is_kl_of_logits_and_mean_square_of_pictures() -> None:
    clean, noisy = torch.tensor([[0.0, math.log(3)]]), torch.zeros(1, 2)
    due = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    assert float(divergence(clean, noisy)) == pytest.approx(due, abs=1e-6)
    assert float(divergence(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 2.0))) == 4


def test_layers_are_chosen_by_signal_over_noise_and_the_last_is_none_of_them() -> None:
    for snr, due in (("high", [1, 2]), ("low", [0, 3])):
        torch.manual_seed(0)
        one, net = part(f"noisefit(k=2, snr={snr}, start=0.0)", *(nn.Linear(16, 16) for _ in range(5)), given=(16,))
        for layer, scale in zip(net, (30.0, 0.1, 0.5, 200.0, 1.0), strict=True):
            # Noise grows with the square of features, so that small ones have the higher ratio.
            layer.weight.data = scale * torch.linalg.qr(torch.randn(16, 16)).Q
            nn.init.zeros_(layer.bias)
        one.batch({}, 0, 1)
        one.loss(net, net(torch.randn(8, 16)).square().mean(), 0, 1)
        assert one.chosen == due, one.ratios


def test_hidden_layers_are_those_that_a_pass_calls_in_its_order() -> None:
    made = bind("noisefit(k=3, start=0.0)", "part")
    rule, net = made.entry.obj(**made.kwargs), Attentive()
    train_with(rule, net, steps=1)
    assert rule.layers == [net.stem, net.blocks.linear1, net.blocks.linear2]  # attention calls no projection
    assert all(0 < ratio < math.inf for ratio in rule.ratios) and rule.chosen == [0, 1, 2]
    due = sum(SIZES[name] for name in ("stem", "blocks.linear1", "blocks.linear2")) / sum(SIZES.values())
    assert rule.figures()["noisefit_covers"] == due
    assert rule.figures()["noisefit_first_layer"] == 1


def test_of_a_vision_transformer_each_matrix_of_attention_has_a_ratio() -> None:
    made, arch = bind("noisefit(k=1, start=0.0)", "part"), bind("vit(dim=16, depth=1, patch=2)", "arch")
    rule, net = made.entry.obj(**made.kwargs), arch.entry.obj(GIVEN, (3,), **arch.kwargs)
    train_with(rule, net, steps=1)
    attention = net.blocks[0].attention
    assert rule.layers[1:5] == [attention.query, attention.key, attention.value, attention.out]
    assert len(rule.ratios) == 7 and all(ratio > 0 for ratio in rule.ratios)


def test_the_loss_is_the_mixture_of_three_passes() -> None:
    one, net = part("noisefit(k=1, alpha=0.25, lam=2.0, start=0.0)", nn.Linear(4, 6), nn.Linear(6, 5))
    x = torch.randn(3, 4)
    one.chosen = [0]
    one.batch({}, 0, 1)
    clean = net(x)
    torch.manual_seed(5)
    found = one.loss(net, clean.square().mean(), 0, 1)
    torch.manual_seed(5)
    h = net[0](x)
    first, second = (net[1](h + torch.randn_like(h) * spread(h, 0.1, 0.1)) for _ in range(2))
    apart = (divergence(clean, first) + divergence(clean, second)) / 2
    torch.testing.assert_close(found, 0.25 * clean.square().mean() + 0.75 * apart + 2 * divergence(second, first))


def test_before_its_start_training_is_plain_and_then_it_is_not() -> None:
    plain, own = trainer(""), trainer("noisefit(start=0.5)")
    assert advanced(plain, range(2)).weights() == advanced(own, range(2)).weights()
    assert advanced(plain, range(2, 3)).weights() != advanced(own, range(2, 3)).weights()


def test_a_batch_norm_remembers_nothing_of_noise_and_no_hook_stays() -> None:
    one = advanced(trainer("noisefit(start=0.0, s0=100.0)"), range(1))
    plain = advanced(trainer(""), range(1))
    assert all(torch.equal(a, b) for a, b in zip(one.net.buffers(), plain.net.buffers(), strict=True))
    assert not any(module._forward_hooks for module in one.net.modules())
    one.finish()
    x = torch.rand(1, 1, 9, 9)
    assert torch.equal(one.net(x), one.net(x))


def test_a_training_that_was_stopped_goes_on_with_the_layers_that_were_chosen() -> None:
    whole = advanced(trainer("(noisefit(k=2, start=0.25), noise_response(looks=2))"), range(4))
    half = advanced(trainer("(noisefit(k=2, start=0.25), noise_response(looks=2))"), range(3))
    other = trainer("(noisefit(k=2, start=0.25), noise_response(looks=2))")
    other.resume(half.snapshot())
    advanced(other, range(3, 4))
    assert other.weights() == whole.weights() and other.figures() == whole.figures()
    assert 1 <= whole.figures()["noisefit_first_layer"] < whole.figures()["noisefit_last_layer"] <= 4


def test_more_layers_than_there_are_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="noisefit: k=3 .* 1 hidden .*: give a smaller k"):
        part("noisefit", nn.Linear(2, 2), nn.Linear(2, 2), given=(2,))
    with pytest.raises(nb.UsageError, match="^part noise_response: .*before its last one: leave out"):
        part("noise_response", nn.Linear(2, 2), given=(2,))


def test_response_to_noise_is_the_root_mean_square_of_the_change() -> None:
    layers = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    one, net = part("noise_response(sd=0.5, looks=1)", *layers, given=(1, 1))
    net[0].weight.data.fill_(3.0)
    net[1].weight.data.fill_(2.0)
    torch.manual_seed(0)
    x = torch.randn(20_000, 1, 1)
    one.observe(net, {"given": x}, None, 0, 1)
    found = one.figures()
    assert found["input_noise_change"] == pytest.approx(3.0, rel=0.02)  # 0.5 · 6
    assert found["feature_noise_change"] == pytest.approx(3.0, rel=0.02)  # 0.5 · 3 · 2
