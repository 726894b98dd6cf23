"""Sparsity of a network: which weights are left, when the others go, and what is stored."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from built_components import built_part
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.weight_matrices import trained_weight
from noisebench.text.errors import UsageError
from noisebench.training.trainer import Trainer
from own_networks import GIVEN, SIZES, train_with
from torch import nn

DECAYS = ["exp", "linear", "stepwise", "geometric", "srste", "ste", "one_shot"]


def sparse_after(decay: str, steps: int = 8) -> Trainer:
    """A small network trained with that part, as it is used afterwards."""
    return trained(f"nm(n=2, m=8, decay={decay})", steps)


def trained(parts: str, steps: int = 8) -> Trainer:
    spec = f"trained(arch=dncnn(depth=4, width=16, norm=False), parts={parts}, steps={steps}, checks=1)"
    one = Trainer(recipe_of(bind(spec, "method").kwargs), (1, 12, 12), (1, 12, 12), 0, "cpu")
    rng = torch.Generator().manual_seed(0)
    for _ in range(steps):
        one.advance({n: torch.rand(2, 1, 12, 12, generator=rng).numpy() for n in ("given", "wanted")})
    one.finish()
    return one


@pytest.mark.parametrize("decay", DECAYS)
def test_of_each_m_weights_along_the_input_just_n_are_left_in_the_checkpoint(decay: str) -> None:
    from safetensors.torch import load

    one = sparse_after(decay)
    stored = [w for w in load(one.weights()).values() if w.ndim == 4]
    sparse = [w for w in stored if w.shape[1] % 8 == 0]
    assert len(sparse) == 3 and len(stored) == 4
    for w in sparse:
        assert ((w.movedim(1, -1).reshape(-1, 8) != 0).sum(dim=1) == 2).all()
    figures = one.figures()
    assert figures["nm_covers"] == pytest.approx(1 - 16 * 9 / (2 * 16 * 9 + 2 * 16 * 16 * 9))
    assert figures["zeros"] == pytest.approx(0.75 * figures["nm_covers"]) and figures["kept_blocks"] == 1
    assert figures["nonzero_weights"] == 16 * 9 + 2 * 16 * 16 * 9 / 4 + 16 * 9 / 4


def test_a_block_that_lost_its_pattern_is_counted() -> None:
    one = sparse_after("exp")
    one.net.load_state_dict({n: torch.ones_like(v) if v.ndim == 4 else v for n, v in one.net.state_dict().items()})
    assert one.figures()["zeros"] == 0 and one.figures()["kept_blocks"] == 0


def test_a_sparse_network_comes_back_from_its_weights_as_it_was() -> None:
    from noisebench.training.network import build, made_parts
    from safetensors.torch import load

    one = sparse_after("exp")
    other = build(one.recipe, made_parts(one.recipe), (1, 12, 12), (1, 12, 12))
    other.load_state_dict(load(one.weights()))
    x = torch.rand(1, 1, 12, 12)
    assert torch.equal(one.net(x), other.eval()(x))


def test_what_fades_is_whole_at_first_and_gone_at_its_share_of_the_steps() -> None:
    for decay, half in (("linear", 0.5), ("exp", 1e-3**0.5)):
        rule = built_part(f"nm(n=1, m=4, decay={decay}, until=0.5)")
        assert [rule.pattern(p, 8).rest for p in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([1.0, half, 0.0, 0.0])


@pytest.mark.parametrize(
    ("spec", "phases"),
    [
        ("stepwise, n=1, m=8", ["7:8", "4:8", "2:8", "1:8"]),
        ("stepwise, n=1, m=16", ["15:16", "8:16", "4:16", "2:16", "1:16"]),
        ("stepwise, n=2, m=8", ["7:8", "4:8", "2:8"]),
        ("stepwise, n=3, m=8", ["7:8", "4:8", "3:8"]),
        ("geometric, n=1, m=8", ["8:64", "4:32", "2:16", "1:8"]),
        ("geometric, n=1, m=16", ["4:64", "4:64", "2:32", "1:16"]),
    ],
)
def test_a_pattern_tightens_in_phases_of_equal_length(spec: str, phases: list[str]) -> None:
    rule = built_part(f"nm(decay={spec})")
    found = [rule.pattern(step / 240, 64) for step in range(240)]
    assert [f"{n}:{m}" for n, m, _ in found] == [phase for phase in phases for _ in range(240 // len(phases))]
    assert {rest for *_, rest in found} == {0.0}


def test_projections_of_attention_are_sparse_and_all_weights_of_the_network_are_counted() -> None:
    rule = built_part("nm(n=1, m=8)")
    net: Any = train_with(rule)
    figures = rule.figures()
    whole = {"stem", "positions", "mix", "unused"}
    assert {one.name for one in rule.covered} == SIZES.keys() - whole
    for weight in (net.blocks.self_attn.in_proj_weight, net.blocks.self_attn.out_proj.weight, net.head.weight):
        assert ((weight.reshape(-1, 8) != 0).sum(dim=1) == 1).all()
    covered, size = sum(SIZES[one.name] for one in rule.covered), sum(SIZES.values())
    assert figures["nm_covers"] == covered / size and figures["kept_blocks"] == 1
    assert figures["zeros"] == pytest.approx(7 / 8 * covered / size)
    assert figures["nonzero_weights"] == size - covered * 7 / 8


def test_a_vision_transformer_is_covered_but_for_what_has_no_blocks() -> None:
    made = bind("vit(dim=16, depth=2, patch=2)", "arch")
    rule = built_part("nm(n=1, m=8)")
    train_with(rule, made.entry.obj(GIVEN, (3,), **made.kwargs))
    size = 16 * 4 + 16 * 16 + 2 * 12 * 16 * 16 + 3 * 16
    assert rule.figures()["nm_covers"] == 1 - (16 * 4 + 16 * 16) / size  # first convolution and positions


def test_weights_that_were_used_in_training_are_counted_over_its_steps() -> None:
    def used(decay: str, steps: int = 8) -> float:
        """The share that is used of what the part covers."""
        figures = sparse_after(decay, steps).figures()
        return 1 - (1 - figures["used_in_training"]) / figures["nm_covers"]

    assert used("one_shot") == 1
    assert used("srste") == pytest.approx(0.25)
    assert used("exp") == pytest.approx(0.75 + 0.25 * 0.25)
    assert used("stepwise", 9) == pytest.approx((7 / 8 + 4 / 8 + 2 / 8) / 3)


def test_a_restricted_gradient_is_times_what_is_left_of_its_weight() -> None:
    whole, rule = nn.Linear(8, 3), built_part("nm_restricted(n=2, m=8, decay=linear, until=1.0)")
    net = rule.prepare(whole, (8,))
    stored = net.parametrizations.weight.original
    rule.batch({}, 3, 4)  # a quarter is left
    net(torch.rand(5, 8)).square().sum().backward()
    plain = stored.grad.clone()
    rule.before_step(net, 3, 4)
    share = stored.grad / plain
    assert sorted(share[0].tolist()) == pytest.approx([0.25] * 6 + [1.0] * 2)
    assert ((share > 0.5) == (stored.abs() >= stored.abs().topk(2, dim=1).values[:, 1:])).all()


@pytest.mark.parametrize("name", ["nm", "nm_restricted"])
def test_what_leaves_nothing_out_or_fits_no_layer_is_refused_by_its_own_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"^part {name}: n=4 of m=4 leaves nothing out: give"):
        built_part(f"{name}(n=4, m=4)")
    with pytest.raises(UsageError, match=f"^part {name}: .*multiple of 8 .*: give"):
        built_part(name).prepare(nn.Conv2d(3, 4, 3), (3, 8, 8))


@pytest.mark.parametrize("name", ["nm", "hawq_v2"])
def test_a_network_from_before_the_end_of_its_steps_is_refused(name: str) -> None:
    due = f"^part {name} is complete only after the last step: give keep=last and stop=steps$"
    for more in ("keep=best", "stop=gl", "keep=best, stop=patience"):
        with pytest.raises(UsageError, match=due):
            recipe_of(bind(f"trained(parts=(clip, {name}), {more})", "method").kwargs)
        recipe_of(bind(f"trained(parts=(clip, binary), {more})", "method").kwargs)


@pytest.mark.parametrize("order", ["(nm, hawq_v2({}))", "(hawq_v2({}), nm)"])
def test_a_sparse_network_may_have_few_bits_too(order: str) -> None:
    one = trained(order.format("budget=3, allocation=uniform"))
    covered = one.parts[0 if order.startswith("(nm") else 1].covered
    for matrix in covered:
        stored = trained_weight(one.net, matrix).detach()
        assert ((stored.movedim(1, -1).reshape(-1, 8) != 0).sum(dim=1) <= 1).all()
        assert all(len(channel.unique()) <= 7 for channel in stored)
