"""WTA-CRS: what is exact, what is unbiased, what is stored, and how far the estimate is off."""

from __future__ import annotations

from functools import partial
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from built_components import built_part
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.parts._row_sampling import draw_rows, relative_errors
from noisebench.training.trainer import Trainer
from own_networks import GIVEN, SIZES, Attentive, train_with
from torch import nn


@nb.arch("gelus")
class Gelus(nn.Module):
    """Three layers, each on the values of one pixel, with GELU between: it saves its input and not what it gives."""

    def __init__(self, given: Any, wanted: Any, *, width: int = 8, layer: str = "linear", norm: bool = False) -> None:
        super().__init__()
        self.linear = layer == "linear"

        def made(a: int, b: int) -> nn.Module:
            return nn.Linear(a, b) if self.linear else nn.Conv2d(a, b, 1)

        self.body = nn.Sequential(
            made(given[0], width), nn.GELU(), made(width, width), nn.GELU(), made(width, wanted[0])
        )
        if norm:
            self.body.insert(0, nn.BatchNorm2d(given[0]))

    def forward(self, x: Any) -> Any:
        return self.body(x.movedim(1, -1)).movedim(-1, 1) if self.linear else self.body(x)


_SGD = "optimizer=sgd(lr=0.1), precision=float32, steps=8, checks=1"
GELUS = "trained(arch=gelus{}, objective=supervised(loss=l2), " + _SGD + "{})"


def trainer(arch: str = "", parts: str = "") -> Trainer:
    spec = GELUS.format(arch, f", parts={parts}" if parts else "")
    return Trainer(recipe_of(bind(spec, "method").kwargs), (3, 6, 6), (3, 6, 6), 0, "cpu")


def batch(step: int = 0, n: int = 4, indexed: bool = True) -> dict[str, Any]:
    rng = np.random.default_rng(step)
    made: dict[str, Any] = {name: rng.random((n, 3, 6, 6), np.float32) for name in ("given", "wanted")}
    return {**made, "index": np.arange(n) + 4 * (step % 2)} if indexed else made


def products(n: int = 64) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Inputs and gradients with heavy tails, and their sum of products."""
    rng = torch.Generator().manual_seed(0)
    x, g = (torch.randn(n, width, generator=rng, dtype=torch.float64) for width in (5, 3))
    x *= torch.exp(1.5 * torch.randn(n, 1, generator=rng, dtype=torch.float64))
    return x, g, x.T @ g


def estimates(sampling: Any, weights: torch.Tensor, k: int, draws: int) -> torch.Tensor:
    x, g, _ = products()
    torch.manual_seed(1)
    made = []
    for _ in range(draws):
        rows, factors = draw_rows(weights, k, sampling)
        made.append((x[rows] * factors[:, None]).T @ g[rows])
    return torch.stack(made)


def test_the_winners_are_as_many_as_make_the_rest_smallest_a_draw() -> None:
    # (1 - P_C) / (k - |C|) of |C| = 0, 1, 2 is 1/3, 1/4, 1/5: two winners, and one of the others, each by its scale.
    weights = torch.tensor([0.05, 0.5, 0.1, 0.3, 0.05])
    seen = set()
    torch.manual_seed(0)
    for _ in range(60):
        rows, factors = draw_rows(weights, 3, "wta")
        assert rows[:2].tolist() == [1, 3] and factors[:2].tolist() == [1.0, 1.0]
        seen.add((int(rows[2]), round(float(factors[2]), 4)))
    assert seen == {(2, 2.0), (0, 4.0), (4, 4.0)}


@pytest.mark.parametrize("sampling", ["wta", "crs"])
@pytest.mark.parametrize("stale", [False, True])
def test_the_estimate_is_unbiased_and_varies_as_its_formula_says_whatever_the_weights(
    sampling: Any, stale: bool
) -> None:
    x, g, whole = products()
    own = x.norm(dim=1) * (torch.rand(64, generator=torch.Generator().manual_seed(2)) + 0.1 if stale else g.norm(dim=1))
    draws = 4000
    made = estimates(sampling, own, 12, draws)
    squared = (made - whole).square().sum(dim=(1, 2))
    bias = (made.mean(dim=0) - whole).square().sum()
    assert float(bias) < 3 * float(squared.mean()) / draws
    due = relative_errors(x, g, own, 12)[sampling]
    assert float(squared.mean() / whole.square().sum()) == pytest.approx(due, rel=0.1)


def test_top_k_alone_is_biased_by_what_it_leaves_out() -> None:
    x, g, whole = products()
    own = x.norm(dim=1) * g.norm(dim=1)
    made = estimates("topk", own, 12, 2)
    assert torch.equal(made[0], made[1])
    error = float((made[0] - whole).square().sum() / whole.square().sum())
    assert error == pytest.approx(relative_errors(x, g, own, 12)["topk"], rel=1e-6)


def test_winners_take_away_most_of_the_variance_where_few_rows_are_heavy_and_none_where_all_are_alike() -> None:
    rng = torch.Generator().manual_seed(3)
    x, g = torch.randn(512, 16, generator=rng), torch.randn(512, 8, generator=rng)
    errors = {}
    for tail in (0.0, 2.0):
        heavy = x / x.norm(dim=1, keepdim=True) * torch.exp(tail * torch.randn(512, 1, generator=rng))
        flat = g / g.norm(dim=1, keepdim=True)
        errors[tail] = relative_errors(heavy, flat, heavy.norm(dim=1), 51)
    assert errors[2.0]["wta"] < 0.3 * errors[2.0]["crs"]
    assert errors[0.0]["wta"] == pytest.approx(errors[0.0]["crs"], rel=1e-3)


def test_rows_of_nothing_are_never_kept_and_a_sum_of_few_rows_is_exact() -> None:
    weights = torch.tensor([0.0, 2.0, 0.0, 1.0, 0.0])
    for sampling in ("wta", "topk"):
        rows, factors = draw_rows(weights, 3, sampling)  # type: ignore[arg-type]
        assert rows.tolist() == [1, 3] and factors.tolist() == [1.0, 1.0]
    assert set(draw_rows(weights, 50, "crs")[0].tolist()) == {1, 3}
    for sampling in ("wta", "crs", "topk"):
        assert draw_rows(torch.zeros(5), 3, sampling)[0].tolist() == []  # type: ignore[arg-type]


@pytest.mark.parametrize("layer", ["linear", "convolution"])
@pytest.mark.parametrize("sampling", ["wta", "crs", "topk"])
def test_outputs_and_gradients_of_inputs_and_biases_are_exact(layer: str, sampling: str) -> None:
    def gradients(parts: str) -> tuple[Any, dict[str, Any]]:
        one = trainer(f"(layer={layer})", parts)
        x = torch.from_numpy(batch()["given"]).requires_grad_()
        out = one.net(x)
        out.square().mean().backward()
        return (out, x.grad), {name: p.grad for name, p in one.net.named_parameters()}

    (out, to_x), plain = gradients("")
    (own_out, own_to_x), own = gradients(f"wta_crs(ratio=0.2, sampling={sampling})")
    assert torch.equal(out, own_out)
    torch.testing.assert_close(own_to_x, to_x)
    for name, gradient in plain.items():
        exact = name.endswith("bias") or name == "body.4.weight"
        assert torch.allclose(own[name], gradient, rtol=1e-4, atol=1e-7) == exact, name


@pytest.mark.parametrize("layer", ["linear", "convolution"])
def test_the_weight_gradient_in_a_network_is_right_on_average(layer: str) -> None:
    one, other = trainer(f"(layer={layer})", "wta_crs(ratio=0.2)"), trainer(f"(layer={layer})")
    made = []
    x = torch.from_numpy(batch()["given"])
    for net, times in ((one.net, 400), (other.net, 1)):
        for _ in range(times):
            made.append(torch.autograd.grad(net(x).square().mean(), net.body[2].weight)[0])
    *drawn, whole = made
    draws = torch.stack(drawn)
    bias = (draws.mean(dim=0) - whole).square().sum()
    assert float(bias) < 3 * float((draws - whole).square().sum(dim=(1, 2, *range(3, draws.ndim))).mean()) / 400


def test_what_a_step_saves_is_the_share_of_its_inputs_by_a_hand_count() -> None:
    n = 4 * 36
    # The input, what both layers give (GELU keeps that), two inputs of layers, and the difference that is squared.
    plain, own = trainer("(width=8)"), trainer("(width=8)", "wta_crs(ratio=0.25)")
    for one in (plain, own):
        one.advance(batch())
    assert plain.cost()["saved_bytes"] == 4 * n * (3 + 8 + 8 + 8 + 8 + 3)
    k = n // 4
    # A quarter of two inputs with the number of each row, instead of the inputs; the last layer keeps its own.
    assert own.cost()["saved_bytes"] == 4 * (k * (3 + 1) + n * 8 + k * (8 + 1) + n * 8 + n * 8 + n * 3)
    assert own.cost()["macs"] < plain.cost()["macs"]


def test_norms_of_gradients_are_those_of_the_last_visit_of_each_item_and_place() -> None:
    one = trainer("(width=8)", "wta_crs(ratio=0.25)")
    layer = list(one.parts[0].layers.values())[1]
    one.advance(batch(0))
    first = layer.norms.clone()
    assert first.shape == (4, 36) and (first > 0).all()
    one.advance(batch(1))
    assert layer.norms.shape == (8, 36) and torch.equal(layer.norms[:4], first)
    one.advance(batch(2))
    assert not torch.equal(layer.norms[:4], first)
    assert one.figures()["norm_bytes"] == 2 * 2 * 8 * 36
    known = layer.known_norms(72, torch.tensor([3, 20]))
    assert torch.equal(known[36:], torch.full((36,), float(known[36])))


def test_where_batches_tell_no_index_a_row_goes_by_its_own_norm() -> None:
    one = trainer("(width=8)", "wta_crs(ratio=0.25)")
    for step in range(3):
        one.advance(batch(step, indexed=False))
    assert one.figures()["norm_bytes"] == 0


def test_looking_finds_the_errors_of_all_three_and_leaves_the_training_as_it_is() -> None:
    one, other = (trainer("(layer=convolution, norm=True)", "wta_crs(ratio=0.1)") for _ in range(2))
    other.parts[0].observe = lambda *_: None
    for step in range(8):
        assert one.advance(batch(step)) == other.advance(batch(step))
    assert one.weights() == other.weights()
    found = one.figures()
    assert 0 < found["variance_wta"] <= found["variance_crs"] and found["bias_topk"] > 0
    assert set(other.figures()) == {"norm_bytes", "wta_crs_covers"}


def test_a_training_that_goes_on_is_the_one_that_was_never_stopped() -> None:
    one, other = trainer("", "wta_crs(ratio=0.1)"), trainer("", "wta_crs(ratio=0.1)")
    for step in range(8):
        if step == 4:
            other.resume(one.snapshot())
        for each in (one, *([other] if step >= 4 else [])):
            each.advance(batch(step))
    assert one.weights() == other.weights() and one.figures() == other.figures()


def test_few_rows_are_all_kept() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    x = torch.rand(10, 3)
    due = torch.autograd.grad(net(x).square().sum(), net[0].weight)[0]
    net = built_part("wta_crs(ratio=0.1)").prepare(net, (3,))
    assert torch.equal(torch.autograd.grad(net(x).square().sum(), net[0].weight)[0], due)


def test_a_network_without_such_a_layer_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="^part wta_crs: .*linear.*1×1.*: leave out"):
        built_part("wta_crs").prepare(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Linear(4, 2)), (1, 6, 6))


@pytest.mark.parametrize(
    ("first", "second"),
    [("wta_crs", "feedback_alignment"), ("feedback_alignment", "wta_crs"), ("wta_crs", "wta_crs")],
)
def test_layers_whose_forward_another_part_has_are_refused(first: str, second: str) -> None:
    net = prepared(first, nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)), (3,))
    with pytest.raises(nb.UsageError, match=f"part {second}: another part .*forward.*: leave out"):
        prepared(second, net, (3,))


def prepared(spec: str, net: nn.Module, given: tuple[int, ...]) -> nn.Module:
    one = built_part(spec)
    ready: nn.Module = one.prepare(net, given) if spec == "wta_crs" else one.prepare(net)
    return ready


def test_layers_that_a_pass_does_not_call_are_not_covered_and_the_last_is_that_of_the_pass() -> None:
    rule, net = built_part("wta_crs(ratio=0.3)"), Attentive()
    train_with(rule, net, steps=8)
    covered = [net.blocks.linear1, net.blocks.linear2]  # the head is last, and attention calls no projection
    assert list(rule.layers) == covered and all(layer.norms is not None for layer in rule.layers.values())
    figures = rule.figures()
    assert figures["wta_crs_covers"] == 2 * 32 * 16 / sum(SIZES.values())
    assert 0 < figures["variance_wta"] <= figures["variance_crs"]


def test_all_four_matrices_of_attention_in_a_vision_transformer_are_sampled() -> None:
    made = bind("vit(dim=16, depth=1, patch=2)", "arch")
    rule, net = built_part("wta_crs(ratio=0.3)"), made.entry.obj(GIVEN, (3,), **made.kwargs)
    train_with(rule, net)
    attention = net.blocks[0].attention
    for layer in (attention.query, attention.key, attention.value, attention.out):
        assert rule.layers[layer].norms is not None and len(rule.layers[layer].norms) == 8
    rest = 16 * 4 + 16 * 16 + 3 * 16  # patches, positions and head
    assert rule.figures()["wta_crs_covers"] == pytest.approx(12 * 16 * 16 / (12 * 16 * 16 + rest))


def test_looking_leaves_the_forward_that_was_there() -> None:
    one = trainer("(width=8)", "wta_crs(ratio=0.1)")
    module = next(iter(one.parts[0].layers))
    other = partial(module.forward)
    module.forward = other
    for step in range(8):
        one.advance(batch(step))
    assert one.parts[0].errors["wta"] and module.forward is other


@pytest.mark.parametrize(("arch", "known"), [("mlp(hidden=(8,))", True), ("vit(dim=8, depth=1, heads=2)", False)])
def test_the_macs_of_a_classifier_are_counted(arch: str, known: bool) -> None:
    spec = f"trained(arch={arch}, steps=2, checks=1)"
    one = Trainer(recipe_of(bind(spec, "method", "classify").kwargs), (1, 8, 8), (10,), 0, "cpu")
    rng = np.random.default_rng(0)
    one.advance({"given": rng.random((4, 1, 8, 8), np.float32), "wanted": np.arange(4)})
    cost = one.cost()
    assert cost["macs"] is not None and "macs" not in cost["reasons"]
    if known:  # both layers forward and for their weights, and the second for its input
        assert cost["macs"] == 4 * (2 * (64 * 8 + 8 * 10) + 8 * 10)


def test_a_gradient_that_had_vanished_counts_as_a_tenth_of_the_mean() -> None:
    one = trainer("(width=8)", "wta_crs(ratio=0.25)")
    layer = list(one.parts[0].layers.values())[1]
    layer.remember(torch.tensor([1e-9, 1.0, 1.0, 2.0]), torch.tensor([0, 1]))
    assert layer.known_norms(4, torch.tensor([0, 1])).tolist() == pytest.approx([0.1, 1.0, 1.0, 2.0], rel=1e-2)
