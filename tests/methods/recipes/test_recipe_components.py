"""Components of recipes: the exact properties that their papers and definitions give."""

from __future__ import annotations

import copy
from typing import Any

import noisebench as nb
import pytest
import torch
from built_components import built_part
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.training.trainer import Trainer
from own_networks import GIVEN, SIZES, Attentive
from torch import nn


def optimizer(spec: str, *weights: torch.Tensor) -> Any:
    made = bind(spec, "optimizer")
    return made.entry.obj(list(weights), **made.kwargs)


def weight(*values: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values))


def test_sgd_sai_moves_by_momentum_with_the_rate_that_the_first_gradient_set() -> None:
    w = weight(1.0, 2.0, 3.0)
    made = optimizer("sgd_sai(lr=0.1, momentum=0.9, weight_decay=0.5, eps=1e-8)", w)
    first, second = torch.tensor([1.0, -1.0, 3.0]), torch.tensor([4.0, 0.0, -2.0])
    scale = first.norm() / first.std(correction=0)
    due = torch.tensor([1.0, 2.0, 3.0]) * 0.95 - 0.1 * scale * first
    w.grad = first.clone()
    made.step()
    torch.testing.assert_close(w.data, due)
    due = due * 0.95 - 0.1 * scale * (0.9 * first + 0.1 * second)
    w.grad = second.clone()
    made.step()
    torch.testing.assert_close(w.data, due)


def test_sgd_sai_takes_a_rate_of_one_where_a_tensor_has_one_element() -> None:
    w = weight(2.0)
    made = optimizer("sgd_sai(lr=0.1, weight_decay=0.0)", w)
    w.grad = torch.tensor([3.0])
    made.step()
    torch.testing.assert_close(w.data, torch.tensor([1.7]))


def test_sgd_sai_waits_for_the_first_gradient_of_a_tensor_that_is_not_0() -> None:
    late, never_late = weight(1.0, 2.0), weight(1.0, 2.0)
    made, due = (optimizer("sgd_sai(lr=0.1, weight_decay=0.5)", w) for w in (late, never_late))
    late.grad = torch.zeros(2)
    for _ in range(2):
        made.step()
    assert late.tolist() == [1.0, 2.0] and not made.state[late]
    for gradient in ([3.0, -1.0], [0.0, 0.0], [1.0, 2.0]):
        late.grad, never_late.grad = torch.tensor(gradient), torch.tensor(gradient)
        # A training that goes on from a snapshot holds what one without a stop does.
        again = optimizer("sgd_sai(lr=0.1, weight_decay=0.5)", late)
        again.load_state_dict(made.state_dict())
        made = again
        made.step()
        due.step()
        assert torch.equal(late, never_late) and late.tolist() != [1.0, 2.0]


def test_sgd_sai_trains_what_lies_behind_a_layer_that_begins_at_0() -> None:
    made = bind("diffusion_unet", "arch")
    net = made.entry.obj((1, 8, 8), (1, 8, 8), **made.kwargs)
    own = optimizer("sgd_sai(lr=0.01, weight_decay=0.0)", *net.parameters())
    before = [p.detach().clone() for p in net.parameters()]
    rng = torch.Generator().manual_seed(0)
    for _ in range(6):
        own.zero_grad()
        x = torch.rand(2, 1, 8, 8, generator=rng)
        (net(x, torch.full((2,), 0.5)) - x).square().mean().backward()
        own.step()
    moved = sum(p.numel() for p, b in zip(net.parameters(), before, strict=True) if not torch.equal(p, b))
    assert moved > 0.9 * sum(b.numel() for b in before)


def test_sgd_sai_holds_half_of_what_adamw_holds() -> None:
    def held(name: str) -> float:
        spec = f"trained(arch=unet(width=8), optimizer={name}, steps=2, checks=1)"
        one = Trainer(recipe_of(bind(spec, "method").kwargs), (1, 16, 16), (1, 16, 16), 0, "cpu")
        rng = torch.Generator().manual_seed(0)
        one.advance({n: torch.rand(2, 1, 16, 16, generator=rng).numpy() for n in ("given", "wanted")})
        return one.cost()["optimizer_bytes"] / one.cost()["parameter_bytes"]

    assert held("sgd_sai") == 1.0
    assert 0.49 < held("sgd_sai") / held("adamw") <= 0.5
    assert held("diffgrad") == pytest.approx(3, abs=0.01)


def test_adam_of_two_rates_is_adam_on_each_part_of_the_network() -> None:
    parts, alone = [weight(1.0, -2.0), weight(3.0), weight(0.5)], [weight(1.0, -2.0), weight(3.0), weight(0.5)]
    own = optimizer("adam_two_rates(lr=0.1, first_lr=0.003)", *parts)
    rivals = [torch.optim.Adam(alone[:2], lr=0.003), torch.optim.Adam(alone[2:], lr=0.1)]
    for step in range(5):
        for a, b in zip(parts, alone, strict=True):
            a.grad, b.grad = torch.full_like(a, 1.0 + step), torch.full_like(b, 1.0 + step)
        for one in (own, *rivals):
            one.step()
    assert all(torch.equal(a, b) for a, b in zip(parts, alone, strict=True))
    with pytest.raises(nb.UsageError, match="first=3, and 3 tensors are trained"):
        optimizer("adam_two_rates(first=3)", *parts)


def test_each_step_of_diffgrad_is_from_half_to_one_times_that_of_adam() -> None:
    a, b = weight(*torch.linspace(-1, 1, 64).tolist()), weight(*torch.linspace(-1, 1, 64).tolist())
    own, adam = optimizer("diffgrad(lr=0.01)", a), torch.optim.Adam([b], lr=0.01)
    rng = torch.Generator().manual_seed(1)
    before = torch.zeros(64)
    for _ in range(20):
        gradient = torch.randn(64, generator=rng) * torch.logspace(-4, 2, 64)
        starts = a.data.clone(), b.data.clone()
        for one in (a, b):
            one.grad = gradient.clone()
        own.step()
        adam.step()
        ratio = (a.data - starts[0]).double() / (b.data - starts[1]).double()
        torch.testing.assert_close(ratio, torch.sigmoid((before - gradient).abs()).double(), rtol=2e-3, atol=2e-3)
        assert (ratio > 0.498).all() and (ratio < 1.002).all()
        before = gradient


def test_diffgrad_remembers_the_gradient_where_gradients_are_zeroed_in_place() -> None:
    w = weight(0.0)
    made = optimizer("diffgrad(lr=1.0)", w)
    w.grad = torch.tensor([5.0])
    made.step()
    w.grad.zero_()
    assert made.state[w]["before"].item() == 5.0


def _first_layer_gradient(scale: float, rule: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The weight gradient of a first layer whose inputs are scaled and whose output gradients are not, and inputs."""
    rng = torch.Generator().manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1))
    if rule is not None:
        net = rule.prepare(net, (3, 8, 8))
    x = scale * torch.randn(4, 3, 8, 8, generator=rng)
    out = net(x)
    out.backward(torch.randn(out.shape, generator=torch.Generator().manual_seed(1)))
    if rule is not None:
        rule.before_step(net, 0, 1)
    return net[0].weight.grad, x


def test_tract_gives_the_gradient_of_its_formula() -> None:
    plain, x = _first_layer_gradient(1.0, None)
    own, _ = _first_layer_gradient(1.0, built_part("tract(lam=0.1)"))
    rows = nn.functional.unfold(x, 3, padding=1).transpose(1, 2).reshape(-1, 27).double()
    gram = rows.T @ rows / len(rows) + 0.1 * torch.eye(27, dtype=torch.float64)
    due = plain.reshape(8, 27).double() @ torch.linalg.inv(gram)
    torch.testing.assert_close(own.reshape(8, 27).double(), due, rtol=1e-4, atol=1e-4)


def test_tract_makes_the_step_of_pre_activations_hardly_depend_on_contrast() -> None:
    def steps(rule: str | None) -> list[float]:
        found = []
        for scale in (0.25, 0.5, 1, 2, 4):
            gradient, x = _first_layer_gradient(scale, built_part(rule) if rule else None)
            found.append(float(nn.functional.conv2d(x, gradient, padding=1).norm()))
        return found

    plain, own = steps(None), steps("tract(lam=0.1)")
    assert max(plain) / min(plain) == pytest.approx(256, rel=1e-3)
    assert max(own) / min(own) < 3


def test_tract_gives_the_same_gradient_where_a_layer_has_more_inputs_than_rows() -> None:
    from noisebench.recipes.parts.tract import preconditioned

    rng = torch.Generator().manual_seed(0)
    x, gradient = torch.randn(5, 12, generator=rng).double(), torch.randn(3, 12, generator=rng).double()
    due = gradient @ torch.linalg.inv(x.T @ x / 5 + 0.1 * torch.eye(12, dtype=torch.float64))
    torch.testing.assert_close(preconditioned(gradient, x.T, 0.1), due)


@pytest.mark.parametrize(
    "layer",
    [nn.Conv2d(2, 5, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(2, 3)), nn.Conv2d(2, 5, 1), nn.Linear(9, 5)],
)
def test_tract_takes_each_place_of_the_first_layer_as_a_row(layer: Any) -> None:
    from noisebench.recipes.parts.tract import _columns

    x = torch.rand(3, 2, 7, 9)
    weights, columns = layer.weight.reshape(5, -1), _columns(layer, x)
    due = layer(x) - (layer.bias if layer.weight.ndim == 2 else layer.bias[:, None, None])
    rows = due.movedim(1, -1) if layer.weight.ndim == 4 else due
    torch.testing.assert_close((weights @ columns).T, rows.reshape(-1, 5))


@pytest.mark.parametrize("beside", ["nm(n=2, m=8, decay=ste)", "hawq_v2(budget=4, allocation=uniform, at=0.5)"])
def test_tract_gives_the_gradient_of_its_formula_beside_a_part_that_masks_or_rounds_the_weight(beside: str) -> None:
    torch.manual_seed(0)
    net, rule, other = nn.Linear(16, 4), built_part("tract(lam=0.1)"), built_part(beside)
    for one in (rule, other):
        net = one.prepare(net, (16,))
    for step in range(2):  # of hawq_v2 the second is the first in few bits
        other.batch({}, step, 2)
        net.zero_grad()
        x, out = torch.randn(9, 16), torch.randn(9, 4)
        (net(x) * out).sum().backward()
        rule.before_step(net, step, 2)
        gram = x.T @ x / 9 + 0.1 * torch.eye(16)
        due = out.T @ x @ torch.linalg.inv(gram)
        torch.testing.assert_close(net.parametrizations.weight.original.grad, due, rtol=1e-3, atol=1e-4)


def test_tract_says_where_its_weight_has_no_gradient() -> None:
    net, rule = nn.Linear(3, 2), built_part("tract")
    rule.prepare(net, (3,))
    with pytest.raises(nb.UsageError, match="^part tract: .*first layer .*gradient: leave out"):
        rule.before_step(net, 0, 1)


def test_tract_refuses_a_network_without_a_first_layer() -> None:
    with pytest.raises(nb.UsageError, match="^part tract: .*convolution.*: leave out"):
        built_part("tract").prepare(nn.ReLU(), (3,))


def test_tract_takes_the_layer_that_a_pass_comes_to_first() -> None:
    torch.manual_seed(0)
    plain = Attentive()
    own = copy.deepcopy(plain)
    rule = built_part("tract(lam=0.1)")
    for net in (plain, rule.prepare(own, GIVEN)):
        torch.manual_seed(1)
        x = torch.rand(8, *GIVEN)
        net(x).square().sum().backward()
    rule.before_step(own, 0, 1)
    rows = nn.functional.unfold(x, 4, stride=4).transpose(1, 2).reshape(-1, 16)
    gram = rows.T @ rows / len(rows) + 0.1 * torch.eye(16)
    due = plain.stem.weight.grad.reshape(16, 16) @ torch.linalg.inv(gram)
    torch.testing.assert_close(own.stem.weight.grad.reshape(16, 16), due, rtol=1e-2, atol=1e-4)
    assert torch.equal(own.head.weight.grad, plain.head.weight.grad)
    assert rule.figures() == {"tract_covers": SIZES["stem"] / sum(SIZES.values())}


def test_tract_takes_the_patches_of_a_vision_transformer() -> None:
    made = bind("vit(dim=16, depth=1, patch=2)", "arch")
    net, rule = made.entry.obj(GIVEN, (3,), **made.kwargs), built_part("tract(lam=0.1)")
    rule.prepare(net, GIVEN)
    x = torch.rand(6, *GIVEN)
    net(x).square().sum().backward()
    plain, position = net.patches.weight.grad.clone().reshape(16, 4), net.positions.grad.clone()
    rule.before_step(net, 0, 1)
    columns = torch.nn.functional.unfold(x, 2, stride=2).movedim(1, 0).reshape(4, -1)
    due = plain @ torch.linalg.inv(columns @ columns.T / columns.shape[1] + 0.1 * torch.eye(4))
    torch.testing.assert_close(net.patches.weight.grad.reshape(16, 4), due, rtol=1e-4, atol=1e-4)
    assert torch.equal(net.positions.grad, position)


def test_tract_refuses_what_looks_vectors_up_first() -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head, self.table = nn.Linear(4, 3), nn.Embedding(2, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.head(self.table((x > 0.5).long()).mean(dim=1))
            return out

    with pytest.raises(Exception, match="^part tract .*, and table is first: leave out"):
        built_part("tract").prepare(Words(), (5,))


def standardised(values: torch.Tensor, net: nn.Module) -> nn.Module:
    rule = built_part("standardise")
    whole: nn.Module = rule.prepare(net)
    for step, given in enumerate((values, 100 * values)):
        assert torch.equal(rule.batch({"given": given}, step, 2)["given"], given)
    return whole


def test_standardise_takes_mean_and_deviation_of_the_first_batch() -> None:
    net = standardised(torch.tensor([[1.0, 3.0], [1.0, 3.0]]), nn.Identity())
    assert {name: float(value) for name, value in net.named_buffers()} == {"mean": 2.0, "deviation": 1.0}
    assert net(torch.tensor([[2.0, 5.0]])).tolist() == [[0.0, 3.0]]


def test_standardise_brings_a_picture_back_to_the_scale_of_its_input() -> None:
    x = 3 + 5 * torch.rand(2, 1, 4, 4)
    torch.testing.assert_close(standardised(x, nn.Identity())(x), x)
    assert standardised(x, nn.Flatten())(x).mean().abs() < 1e-5


def test_standardise_is_kept_with_the_weights() -> None:
    spec = "trained(arch=unet(width=4, depth=1), parts=(standardise, tract), steps=2, checks=1)"
    one, other = (Trainer(recipe_of(bind(spec, "method").kwargs), (1, 8, 8), (1, 8, 8), seed, "cpu") for seed in (0, 1))
    x = 7 * torch.rand(2, 1, 8, 8)
    for _ in range(2):
        one.advance({"given": x.numpy(), "wanted": x.numpy()})
    from safetensors.torch import load

    other.net.load_state_dict(load(one.weights()))
    assert float(other.net.mean) == pytest.approx(float(x.mean()))
    assert torch.equal(one.net(x), other.net(x))


def test_clip_scales_gradients_to_its_norm() -> None:
    net = nn.Linear(3, 2)
    for p in net.parameters():
        p.grad = torch.full_like(p, 5.0)
    built_part("clip(norm=0.5)").before_step(net, 0, 1)
    norm = torch.cat([p.grad.flatten() for p in net.parameters()]).norm()
    assert float(norm) == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize(("loss", "due"), [("l1", 1.5), ("l2", 2.5), ("charbonnier(eps=0.0001)", 1.5)])
def test_losses_are_means_over_all_values(loss: str, due: float) -> None:
    made = bind(loss, "loss")
    value = made.entry.obj(torch.tensor([1.0, 2.0]), torch.zeros(2), **made.kwargs)
    assert float(value) == pytest.approx(due, abs=1e-6)


def test_cosine_rises_then_falls_to_its_floor() -> None:
    made = bind("cosine(warmup=0.1, floor=0.25)", "schedule")
    values = [made.entry.obj(p, **made.kwargs) for p in (0.0, 0.05, 0.1, 0.55, 1.0)]
    assert 0 < values[0] < values[1] < values[2] == 1 > values[3] > values[4] == 0.25
    assert values[3] == pytest.approx(0.625)
