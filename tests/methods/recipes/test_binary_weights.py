"""Binary weights and inputs: what is used, what gradient passes, and how far the estimator is from the sign."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import pytest
import torch
from built_components import built_part
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.parts.binary import Sign, SlopeEstimator
from noisebench.training.trainer import Trainer
from own_networks import GIVEN, SIZES, Attentive, train_with
from torch import nn


def three(width: int = 4) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, width, 3), nn.Conv2d(width, width, 3), nn.Conv2d(width, 1, 3))


def trained(spec: str, steps: int = 4, stop: int | None = None) -> Trainer:
    spec = f"trained(arch=dncnn(depth=4, width=4), parts={spec}, steps={steps}, checks=1)"
    one = Trainer(recipe_of(bind(spec, "method").kwargs), (1, 12, 12), (1, 12, 12), 0, "cpu")
    return advanced(one, stop or steps)


def advanced(one: Trainer, steps: int) -> Trainer:
    for _ in range(steps):
        rng = torch.Generator().manual_seed(one.step)
        one.advance({n: torch.rand(2, 1, 12, 12, generator=rng).numpy() for n in ("given", "wanted")})
    return one


def test_reste_nears_the_sign_as_its_exponent_grows_and_its_gradient_grows_wilder() -> None:
    x = 0.5 * torch.randn(400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = [SlopeEstimator("reste", o) for o in (1.0, 2.0, 3.0)]
    gaps = [float((one.value(x) - x.sign()).square().mean().sqrt()) for one in found]
    spreads = [float(one.slope(x).var()) for one in found]
    assert gaps == pytest.approx([0.673, 0.487, 0.381], abs=2e-3)
    assert spreads == pytest.approx([0.003, 0.79, 2.18], abs=0.02)


@pytest.mark.parametrize(
    ("estimator", "due"),
    [
        (SlopeEstimator("ste"), [1.0, 1.0, 1.0, 0.0, 0.0]),
        (SlopeEstimator("reste", o=1.0), [1.0, 1.0, 1.0, 1.0, 0.0]),
        (SlopeEstimator("reste", o=2.0), [10**0.5, 10**0.5, 1.0, 0.5 * 1.44**-0.5, 0.0]),
        (SlopeEstimator("tanh"), [1.0, 0.997504, 0.940015, 0.201304, 0.070651]),
        (SlopeEstimator("ede", t=0.1), [1.0, 0.999975, 0.999375, 0.979547, 0.961043]),
        (SlopeEstimator("ede", t=10.0), [10.0, 7.864477, 0.265922, 0.0, 0.0]),
    ],
)
def test_the_gradient_that_passes_is_that_of_the_estimator(estimator: SlopeEstimator, due: list[float]) -> None:
    x = torch.tensor([0.0, 0.05, 0.25, 1.44, 2.0], dtype=torch.float64, requires_grad=True)
    y: Any = Sign.apply(x, estimator)  # type: ignore[no-untyped-call]
    assert y.tolist() == [1.0] * 5
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == pytest.approx(due, abs=1e-5)


@pytest.mark.parametrize("kind", ["tanh", "ede"])
def test_the_slope_of_a_tanh_is_its_derivative(kind: Any) -> None:
    one = SlopeEstimator(kind).at(0.75, 3.0)
    x = torch.linspace(-2, 2, 101, dtype=torch.float64)
    change = (one.value(x + 1e-6) - one.value(x - 1e-6)) / 2e-6
    torch.testing.assert_close(one.slope(x), change, atol=1e-6, rtol=1e-6)


def test_estimators_near_the_sign_by_their_schedules() -> None:
    assert [SlopeEstimator("reste").at(p, 3.0).o for p in (0.0, 0.5, 1.0)] == pytest.approx([1, 3 - 2**0.5, 3])
    assert [SlopeEstimator("ede").at(p, 3.0).t for p in (0.0, 0.5, 1.0)] == pytest.approx([0.1, 1, 10])
    rule = built_part("binary(estimator=ede)")
    rule.prepare(three(), GIVEN)
    rule.batch({}, 50, 100)
    assert all(user.estimator.t == pytest.approx(1) for user in rule.users) and len(rule.users) == 1


def test_binary_layers_have_two_values_each_and_zero_is_on_one_side() -> None:
    net = three()
    scale = float(net[1].weight.detach().abs().mean())
    net[1].weight.data[0, 0, 0, 0] = 0.0
    net = built_part("binary(estimator=reste)").prepare(net, GIVEN)
    values = net[1].weight.detach().unique()
    assert len(values) == 2 and float(values[1]) == pytest.approx(scale, rel=0.05) and values[0] == -values[1]
    assert len(net[0].weight.detach().unique()) > 2 and len(net[2].weight.detach().unique()) > 2


def test_binary_inputs_are_signs_about_the_mean_of_their_channel() -> None:
    net = built_part("binary(activations=True)").prepare(three(), GIVEN)
    seen: list[torch.Tensor] = []
    net[1].binary_input.register_forward_hook(lambda *a: seen.append(a[2]))
    net(5 + torch.randn(4, 1, 12, 12))
    assert sorted(seen[0].detach().unique().tolist()) == [-1, 1]
    assert (seen[0].detach().mean(dim=(0, 2, 3)).abs() < 0.3).all()
    linear = built_part("binary(activations=True)").prepare(
        nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)), (7, 3)
    )
    assert linear(torch.rand(5, 7, 3)).shape == (5, 7, 2)


@pytest.mark.parametrize("spec", ["binary", "binary(activations=True)"])
def test_the_checkpoint_has_two_values_a_layer_and_comes_back_as_it_is(spec: str) -> None:
    from noisebench.training.network import build, made_parts
    from safetensors.torch import load

    one = trained(spec)
    one.finish()
    stored = [w for name, w in load(one.weights()).items() if name.endswith("original")]
    assert [len(w.unique()) for w in stored] == [2, 2]
    other = build(one.recipe, made_parts(one.recipe), (1, 12, 12), (1, 12, 12))
    other.load_state_dict(load(one.weights()))
    x = torch.rand(1, 1, 12, 12)
    assert torch.equal(one.net(x), other.eval()(x))


def test_packed_weights_take_a_bit_each_and_a_scale_a_layer() -> None:
    rule = built_part("binary")
    rule.prepare(three(width=8), GIVEN)
    assert rule.figures()["packed_bytes"] == 8 * 8 * 9 / 8 + 4 + 4 * (9 * 8 + 9 * 8)


def test_error_and_stability_are_those_of_the_weights_and_gradients() -> None:
    net = three()
    rule = built_part("binary(estimator=ste)")
    rule.prepare(net, GIVEN)
    weight = net[1].parametrizations.weight.original
    weight.data[:] = torch.tensor([0.5, -0.5, 2.0, -0.5]).reshape(4, 1, 1, 1)
    weight.grad = torch.tensor([1.0, -3.0, 1.0, 3.0]).reshape(4, 1, 1, 1).expand_as(weight).clone()
    rule.before_step(net, 0, 100)
    rule.before_step(net, 1, 100)  # is no step at which it looks
    figures = rule.figures()
    assert figures["estimating_error"] == pytest.approx((3 / 4 * 0.25) ** 0.5)
    assert figures["gradient_variance"] == pytest.approx(1)
    assert figures["slope_variance"] == pytest.approx(3 / 16)


def test_figures_of_a_stopped_training_are_those_of_a_whole_one() -> None:
    whole, half = trained("binary", 6), trained("binary", 6, stop=3)
    other = Trainer(half.recipe, (1, 12, 12), (1, 12, 12), 0, "cpu")
    other.resume(half.snapshot())
    assert advanced(other, 3).figures() == whole.figures()


def test_a_network_without_inner_layers_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="^part binary: .*first .*last: leave out"):
        built_part("binary").prepare(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), (2,))


def test_the_first_and_the_last_layer_of_a_pass_stay_and_attention_is_binary() -> None:
    rule = built_part("binary")
    net: Any = train_with(rule)
    assert {one.name for one in rule.covered} == SIZES.keys() - {"stem", "head", "positions", "mix"}
    for weight in (net.blocks.self_attn.in_proj_weight, net.blocks.self_attn.out_proj.weight):
        assert len(weight.unique()) == 2
    assert len(net.head.weight.unique()) > 2 and len(net.stem.weight.unique()) > 2
    covered, size = sum(SIZES[one.name] for one in rule.covered), sum(SIZES.values())
    assert rule.figures()["binary_covers"] == covered / size
    packed = sum(-(-SIZES[one.name] // 8) + 4 for one in rule.covered)
    assert rule.figures()["packed_bytes"] == packed + 4 * (size - covered)


def test_inputs_that_attention_hides_are_not_binary() -> None:
    with pytest.raises(nb.UsageError, match=r"uses blocks.self_attn.in_proj_weight itself, .* give activations=false"):
        built_part("binary(activations=True)").prepare(Attentive(), GIVEN)


def test_a_vision_transformer_is_binary_between_patches_and_head() -> None:
    made = bind("vit(dim=16, depth=2, patch=2)", "arch")
    rule = built_part("binary")
    train_with(rule, made.entry.obj(GIVEN, (3,), **made.kwargs))
    assert sum(one.size for one in rule.covered) == 2 * 12 * 16 * 16


@pytest.mark.parametrize("parts", ["(nm(n=1, m=4), binary)", "(binary, nm(n=1, m=4))"])
def test_weights_that_another_part_makes_sparse_are_not_binary(parts: str) -> None:
    with pytest.raises(nb.UsageError, match="^part binary: another part .*signs.*: leave out"):
        trained(parts)
