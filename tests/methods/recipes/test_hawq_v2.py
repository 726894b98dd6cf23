"""Mixed-precision bits of weights: the trace, the choice within a size, and what is stored."""

from __future__ import annotations

import itertools
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from built_components import built_part
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.parts.hawq_v2 import cheapest, drawn, error, products, quantised
from noisebench.training.trainer import Trainer
from own_networks import GIVEN, SIZES, Attentive, train_with
from torch import nn


def trainer(part: str, steps: int = 8, arch: str = "dncnn(depth=4, width=4, norm=True)") -> Trainer:
    spec = f"trained(arch={arch}, objective=supervised(loss=l2), parts={part}, steps={steps}, checks=1)"
    return Trainer(recipe_of(bind(spec, "method").kwargs), (1, 12, 12), (1, 12, 12), 0, "cpu")


def advance(one: Trainer, steps: int) -> Trainer:
    for _ in range(steps):
        rng = torch.Generator().manual_seed(one.step)
        one.advance({n: torch.rand(2, 1, 12, 12, generator=rng).numpy() for n in ("given", "wanted")})
    return one


def finished(part: str, steps: int = 8) -> Trainer:
    one = advance(trainer(part, steps), steps)
    one.finish()
    return one


def test_a_trace_is_exact_from_one_vector_where_the_hessian_is_diagonal() -> None:
    layer = nn.Linear(3, 2, bias=False)
    loss = nn.functional.mse_loss(layer(torch.eye(3)), torch.zeros(3, 2))  # H = 2/6 I, of six weights
    assert products(loss, [layer.weight]) == pytest.approx([2.0])


def test_the_mean_of_many_vectors_is_the_exact_trace_of_each_layer() -> None:
    torch.manual_seed(0)
    x = torch.randn(6, 3)
    weights = [torch.randn(4, 3, requires_grad=True), torch.randn(1, 4, requires_grad=True)]
    y = (torch.tanh(x @ weights[0].T) @ weights[1].T).detach() + 0.1

    def loss(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (torch.tanh(x @ a.T) @ b.T - y).square().mean()

    hessian: Any = torch.autograd.functional.hessian(loss, tuple(weights))
    due = [float(hessian[i][i].reshape(w.numel(), w.numel()).trace()) for i, w in enumerate(weights)]
    found = np.array([products(loss(*weights), weights) for _ in range(2000)])
    assert np.abs(found.mean(0) - due).max() < 4 * (found.std(0) / 2000**0.5).max()
    assert found.mean(0) == pytest.approx(due, rel=0.1)


def test_a_layer_without_a_part_in_the_loss_has_a_trace_of_nothing() -> None:
    used, idle = nn.Linear(2, 1, bias=False), nn.Linear(2, 1)
    loss = used(torch.ones(1, 2)).square().mean()
    assert products(loss, [used.weight, idle.weight])[1] == 0
    assert products(used(torch.ones(1, 2)).sum(), [used.weight]) == [0]


def test_weights_are_rounded_to_equal_steps_up_to_the_largest_of_their_channel() -> None:
    weight = torch.tensor([[3.0, 1.4, -1.6, 0.4], [0.3, -0.14, 0.16, 0.0]])
    due = torch.tensor([[3.0, 1.0, -2.0, 0.0], [0.3, -0.1, 0.2, 0.0]])
    torch.testing.assert_close(quantised(weight, 3), due)
    torch.testing.assert_close(quantised(torch.zeros(1, 4), 2), torch.zeros(1, 4))
    assert error(weight, 3) == pytest.approx(3 * 0.4**2 + 2 * 0.04**2, rel=1e-4)


@pytest.mark.parametrize("budget", [2, 2.5, 3, 4.7, 8])
def test_the_choice_is_the_best_of_all_that_fit(budget: float) -> None:
    rng = np.random.default_rng(int(budget * 10))
    sizes, bits = [9, 1000, 72, 300, 300], (2, 3, 4, 6, 8)
    scales = 10.0 ** rng.uniform(-4, 2, 5)
    costs = [[scale * 4.0**-b * rng.uniform(0.5, 1) for b in bits] for scale in scales]
    most = budget * sum(sizes)

    def cost(choice: Any) -> float:
        return float(sum(costs[i][bits.index(b)] for i, b in enumerate(choice)))

    fitting = [c for c in itertools.product(bits, repeat=5) if np.dot(c, sizes) <= most]
    found = cheapest(costs, sizes, bits, most)
    assert np.dot(found, sizes) <= most
    assert cost(found) == pytest.approx(min(map(cost, fitting)), rel=1e-9)


def test_random_allocations_are_of_the_same_size_and_differ_by_their_draw() -> None:
    sizes = [9 * 16, 16 * 16 * 9, 16 * 16 * 9, 16 * 16 * 9, 9 * 16]
    found = [drawn(sizes, (2, 3, 4, 6, 8), 4.0, draw) for draw in range(5)]
    averages = [np.dot(sizes, bits) / sum(sizes) for bits in found]
    assert all(3.88 <= average <= 4 for average in averages) and len(set(map(tuple, found))) == 5
    assert drawn(sizes, (2, 8), 2.0, 0) == [2] * 5


@pytest.mark.parametrize("allocation", ["trace", "error", "uniform", "random"])
def test_the_checkpoint_has_the_levels_of_the_bits_and_comes_back_as_it_is(allocation: str) -> None:
    from noisebench.training.network import build, made_parts
    from safetensors.torch import load

    one = finished(f"hawq_v2(budget=3, allocation={allocation})")
    figures = one.figures()
    stored = {name: w for name, w in load(one.weights()).items() if name.endswith("weight.original")}
    assert len(stored) == 4
    total = 0
    for name, w in stored.items():
        bits = int(figures["bits_" + name.removesuffix(".parametrizations.weight.original")])
        total += bits * w.numel()
        for channel in w.flatten(1):
            steps = channel / channel.abs().max() * (2 ** (bits - 1) - 1)
            torch.testing.assert_close(steps, steps.round(), atol=1e-4, rtol=0)
    sizes = [w.numel() for w in stored.values()]
    assert figures["average_bits"] == total / sum(sizes) <= 3
    assert figures["packed_bytes"] == sum(
        -(-w.numel() * int(figures["bits_" + n.removesuffix(".parametrizations.weight.original")]) // 8)
        for n, w in stored.items()
    ) + 4 * (4 + 4 + 4 + 1)
    other = build(one.recipe, made_parts(one.recipe), (1, 12, 12), (1, 12, 12))
    other.load_state_dict(load(one.weights()))
    x = torch.rand(1, 1, 12, 12)
    assert torch.equal(one.net(x), other.eval()(x))


def test_until_its_share_of_the_steps_a_network_is_that_of_a_training_without_the_part() -> None:
    own, plain = advance(trainer("hawq_v2(budget=2, at=0.5)"), 4), advance(trainer("()"), 4)
    held = {name.replace("parametrizations.weight.original", "weight"): w for name, w in own.net.state_dict().items()}
    for name, w in plain.net.state_dict().items():
        assert torch.equal(held[name], w), name
    x = torch.rand(1, 1, 12, 12)
    assert torch.equal(own.net.eval()(x), plain.net.eval()(x))
    advance(own, 1)
    assert len(own.net.eval()(x).unique()) > 2 and own.parts[0].chosen


def test_a_stopped_training_goes_on_with_the_bits_that_it_chose() -> None:
    whole = finished("hawq_v2(budget=3, at=0.4)", 10)
    for stop in (3, 6):  # among the steps that measure, and after the choice
        held = advance(trainer("hawq_v2(budget=3, at=0.4)", 10), stop).snapshot()
        other = trainer("hawq_v2(budget=3, at=0.4)", 10)
        other.resume(held)
        advance(other, 10 - stop).finish()
        assert other.weights() == whole.weights()
        assert {n: v for n, v in other.figures().items() if n != "trace_seconds"} == {
            n: v for n, v in whole.figures().items() if n != "trace_seconds"
        }


@pytest.mark.parametrize("allocation", ["trace", "uniform"])
def test_projections_of_attention_have_bits_and_all_weights_of_the_network_are_counted(allocation: str) -> None:
    rule = built_part(f"hawq_v2(budget=3, allocation={allocation})")
    net: Any = train_with(rule)
    figures = rule.figures()
    assert {one.name for one in rule.covered} == SIZES.keys() - {"positions", "mix"}
    bits = int(figures["bits_blocks.self_attn.in_proj_weight"])
    assert all(len(channel.unique()) < 2**bits for channel in net.blocks.self_attn.in_proj_weight.detach())
    covered, size = sum(SIZES[one.name] for one in rule.covered), sum(SIZES.values())
    packed = sum(SIZES[one.name] * figures[f"bits_{one.name}"] for one in rule.covered)
    assert figures["hawq_v2_covers"] == covered / size and packed <= 3 * covered
    assert figures["average_bits"] == (packed + 32 * (size - covered)) / size
    assert figures["packed_bytes"] >= figures["average_bits"] * size / 8
    if allocation == "trace":
        assert figures["trace_blocks.self_attn.in_proj_weight"] != 0


def test_of_a_vision_transformer_only_positions_have_no_bits() -> None:
    made = bind("vit(dim=16, depth=2, patch=2)", "arch")
    rule = built_part("hawq_v2(budget=4, allocation=uniform)")
    train_with(rule, made.entry.obj(GIVEN, (3,), **made.kwargs))
    size, positions = 16 * 4 + 16 * 16 + 2 * 12 * 16 * 16 + 3 * 16, 16 * 16
    assert rule.figures()["average_bits"] == (4 * (size - positions) + 32 * positions) / size


@pytest.mark.parametrize("allocation", ["trace", "error", "uniform", "random"])
def test_inputs_have_bits_too_within_the_budget_and_come_back_as_they_are(allocation: str) -> None:
    from noisebench.training.network import build, made_parts
    from safetensors.torch import load

    spec = f"hawq_v2(budget=3, activations=True, allocation={allocation})"
    one = finished(spec)
    figures = one.figures()
    bits = [figures[f"input_bits_{layer.name}"] for layer in one.parts[0].covered]
    # Of a picture the first layer gets one channel, and each of the others four.
    assert figures["average_input_bits"] == np.dot([1, 4, 4, 4], bits) / 13 <= 3
    seen: list[Any] = []
    conv = one.net.get_submodule(one.parts[0].covered[1].module)
    hook = conv.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x = torch.rand(1, 1, 12, 12)
    given = one.net(x)
    hook.remove()
    assert len(seen[0].unique()) <= 2 ** bits[1]
    other = build(one.recipe, made_parts(one.recipe), (1, 12, 12), (1, 12, 12))
    other.load_state_dict(load(one.weights()))
    assert torch.equal(given, other.eval()(x))
    held = advance(trainer(spec), 3).snapshot()
    again = trainer(spec)
    again.resume(held)
    advance(again, 5).finish()
    assert again.weights() == one.weights()


def test_the_cost_of_an_input_is_its_mean_trace_times_the_error_of_an_item() -> None:
    layer = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(2))
    rule = built_part("hawq_v2(bits=(2,), budget=2, activations=True)")
    net = rule.prepare(nn.Sequential(layer), (2,))
    batch = {"given": torch.tensor([[0.0, 1.0], [3.0, 2.0], [0.0, 0.4], [1.0, 1.6]])}
    net.train()(batch["given"])
    net.eval()
    rule._weigh_inputs(lambda batch: net(batch["given"]).square().sum(dim=1).mean(), batch)
    # Levels 0, 1, 2, 3; H = 2 I of an item; errors 0, 0, 0.4² and 0.4².
    assert rule.input_costs[0] == pytest.approx([2.0 * 2 * 0.4**2 / 4])


def test_what_cannot_be_chosen_is_refused() -> None:
    with pytest.raises(Exception, match="none of bits=\\(4, 8\\) is within budget=3"):
        built_part("hawq_v2(bits=(4, 8), budget=3)")
    with pytest.raises(Exception, match="budget=2.5 is no whole number"):
        built_part("hawq_v2(budget=2.5, allocation=uniform)")
    with pytest.raises(nb.UsageError, match="^part hawq_v2: .*convolution.*: leave out"):
        built_part("hawq_v2").prepare(nn.ReLU(), (1, 8, 8))
    with pytest.raises(nb.UsageError, match="^part hawq_v2: .*out_proj.* inputs: give activations=false"):
        built_part("hawq_v2(activations=True)").prepare(Attentive(), GIVEN)
