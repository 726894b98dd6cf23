"""Score regression beside its tangent kernel: pairs that stay, the expansion of a network, and the rule of theory."""

from __future__ import annotations

import copy
import math
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from built_components import built
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.parts.kernel_stop import stopping_step
from noisebench.training.trainer import Trainer
from torch import nn


def trainer(
    parts: str, steps: int, *, arch: str = "wide_mlp(width=16)", optimizer: str = "sgd(lr=0.1, momentum=0.0)"
) -> Trainer:
    spec = (
        f"trained(arch={arch}, objective=score_regression, optimizer={optimizer}, schedule=constant, parts={parts}, "
        f"batch=6, steps={steps}, checks=1)"
    )
    shape = (1, 1, 3)
    return Trainer(recipe_of(bind(spec, "method", "generate").kwargs), shape, shape, 0, "cpu")


def points() -> dict[str, Any]:
    drawn = np.random.default_rng(0).standard_normal((6, 1, 1, 3)).astype(np.float32)
    return {"given": drawn, "wanted": drawn, "labels": np.full(6, -1)}


def advanced(one: Trainer, steps: int) -> Trainer:
    for _ in range(steps):
        one.advance(points())
    return one


def loss(net: Any, clean: Any, **params: Any) -> float:
    return float(bind("score_regression", "objective").entry.obj(net, {"wanted": clean}, **params))


class Seen(nn.Module):
    """A network that gives zeros, and remembers what it was given."""

    classes = 0

    def forward(self, x: Any, level: Any = None, labels: Any = None) -> Any:
        self.x, self.level = x, level
        return torch.zeros_like(x)


def test_a_picture_has_the_same_pairs_at_each_step_and_whatever_stands_beside_it() -> None:
    net, clean = Seen(), torch.rand(3, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    loss(net, clean)
    first, level = net.x, net.level
    loss(net, clean[[2, 0]])
    assert torch.equal(net.x, first[[2, 0]]) and torch.equal(net.level, level[[2, 0]])
    loss(net, clean, pairs=4)
    assert net.x.shape[0] == 12 and len(torch.unique(net.level)) == 12


def test_levels_lie_between_the_ends_and_a_network_of_zeros_is_off_by_the_picture() -> None:
    net, clean = Seen(), torch.rand(64, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    found = loss(net, clean, least=0.5, most=2.0)
    sigma = (4 * net.level).exp()
    assert 0.5 <= float(sigma.min()) < 0.6 and 1.7 < float(sigma.max()) <= 2
    assert found == pytest.approx(float((2 * clean - 1).square().mean()), rel=1e-6)


def test_wide_layers_begin_at_nothing_and_are_told_the_level() -> None:
    torch.manual_seed(0)
    net = built("wide_mlp(width=64)", "arch", (1, 1, 3), (1, 1, 3))
    x, level = torch.rand(5, 1, 1, 3), torch.zeros(5)
    assert net(x, level).abs().max() < 1e-6
    with torch.no_grad():
        net.weight.add_(torch.randn_like(net.weight))
    assert (net(x, level + 1) - net(x, level)).abs().max() > 1e-3


def test_an_expansion_equals_the_network_at_first_and_its_derivative_along_the_way() -> None:
    torch.manual_seed(0)
    net = built("mlp(hidden=(8,), activation=tanh)", "arch", (1, 2, 2), (3,)).double()
    x, small = torch.rand(4, 1, 2, 2, dtype=torch.float64), 1e-5
    start = copy.deepcopy(net)
    one = built("linearised", "part").prepare(net)
    assert torch.allclose(one(x), start(x), atol=1e-14)
    ways = [torch.randn_like(weight) for weight in one.moved]
    with torch.no_grad():
        for moved, way in zip(one.moved, ways, strict=True):
            moved.copy_(3 * way)
        for weight, way in zip(start.parameters(), ways, strict=True):
            weight.add_(small * way)
    slope = (start(x) - net(x)) / small
    assert torch.allclose(one(x) - net(x), 3 * slope, atol=1e-3)


def test_descent_on_the_expansion_is_regression_with_the_tangent_kernel() -> None:
    """Of n values r = (I - 2 rate K / n)^steps r0 is left, with K the products of derivatives."""
    one = trainer("linearised", 7)
    net, seen = one.net, []
    handle = net.register_forward_pre_hook(lambda _, given: seen.append(given))
    batch = {name: torch.from_numpy(value) for name, value in points().items()}
    one._plain_loss(batch)
    handle.remove()
    slopes = []
    for value in net(*seen[0]).flatten():
        slopes.append(torch.cat([g.flatten() for g in torch.autograd.grad(value, list(net.moved), retain_graph=True)]))
    rows = torch.stack(slopes).double()
    due = (2 * batch["wanted"] - 1).flatten().double()
    left = due.clone()
    for _ in range(7):
        left = left - 2 * 0.1 / len(left) * rows @ (rows.T @ left)
    advanced(one, 7)
    assert float(one._plain_loss(batch)) == pytest.approx(float(left.square().mean()), rel=1e-4)


def test_a_network_with_batch_norm_has_no_expansion() -> None:
    with pytest.raises(nb.UsageError, match="linearised.*BatchNorm2d.*norm=false"):
        built("linearised", "part").prepare(built("small_cnn", "arch", (1, 8, 8), (10,)))


def test_one_eigenvalue_is_stopped_where_the_rule_says() -> None:
    """With λ = 1 at all n values and η of 1 or more, 1/√η exceeds 1/(2e·noise·η) from η > (1/(2e·noise))²."""
    noise, rate = 0.01, 0.25
    edge = (1 / (2 * math.e * noise)) ** 2 / (2 * rate)
    assert stopping_step(torch.ones(4, dtype=torch.float64), rate, noise) == math.floor(edge)


def test_the_network_ends_with_the_weights_of_that_step() -> None:
    one = advanced(trainer("kernel_stop(noise=0.2)", 40), 40)
    stop = one.parts[0].step
    assert 1 < stop < 40
    one.finish()
    other = advanced(trainer("()", 40), stop)
    assert torch.equal(one.net.weight, other.net.weight) and one.figures()["kernel_stop"] == stop


def test_a_resumed_training_ends_with_the_same_weights() -> None:
    one, other = advanced(trainer("kernel_stop(noise=0.2)", 40), 40), trainer("kernel_stop(noise=0.2)", 40)
    other.resume(advanced(trainer("kernel_stop(noise=0.2)", 40), 30).snapshot())
    advanced(other, 10)
    for each in (one, other):
        each.finish()
    assert torch.equal(one.net.weight, other.net.weight)


@pytest.mark.parametrize("optimizer", ["adam", "sgd(lr=0.1, weight_decay=10.0)"])
def test_the_rule_is_for_gradient_descent(optimizer: str) -> None:
    with pytest.raises(nb.UsageError, match=r"kernel_stop.*momentum=0"):
        advanced(trainer("kernel_stop(noise=0.2)", 4, optimizer=optimizer), 1)


def test_a_kernel_that_is_too_large_is_refused_before_a_step() -> None:
    one = trainer("kernel_stop(noise=0.2)", 4, arch="wide_mlp(width=65536)")
    many = {name: np.repeat(value, 40, axis=0) for name, value in points().items()}
    with pytest.raises(nb.UsageError, match=r"kernel_stop.*fewer items"):
        one.advance(many)
    assert one.step == 0
