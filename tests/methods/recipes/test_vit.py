"""The vision transformer: its shapes, and what attention over patches with positions must and must not tell apart."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from noisebench.components.registry import bind
from noisebench.recipes.archs.vit import Block
from noisebench.recipes.weight_matrices import weight_matrices
from torch import nn


def vit(given: tuple[int, ...], wanted: tuple[int, ...] = (10,), **more: int) -> Any:
    own = {"dim": 8, "depth": 2, "heads": 2, "patch": 2, **more}
    words = ", ".join(f"{name}={value}" for name, value in own.items())
    made = bind(f"vit({words})", "arch")
    torch.manual_seed(0)
    return made.entry.obj(given, wanted, **made.kwargs)


@pytest.mark.parametrize(
    ("given", "patch", "places"), [((1, 8, 8), 2, 16), ((3, 8, 12), 4, 6), ((2, 7, 5), 3, 6), ((1, 3, 3), 8, 1)]
)
def test_a_picture_becomes_as_many_patches_as_cover_it(given: tuple[int, ...], patch: int, places: int) -> None:
    net = vit(given, (7,), patch=patch)
    assert net.positions.shape == (1, places, 8)
    assert net(torch.rand(5, *given)).shape == (5, 7)


def test_its_parameters_are_those_of_the_definition() -> None:
    block = 4 * 8 * 8 + 4 * 8 + 2 * 4 * 8 * 8 + 4 * 8 + 8 + 2 * 2 * 8
    patches, positions, norm, head = 4 * 8 + 8, 16 * 8, 2 * 8, 10 * 8 + 10
    counted = sum(p.numel() for p in vit((1, 8, 8), depth=3).parameters())
    assert counted == 3 * block + patches + positions + norm + head


def test_blocks_begin_with_weights_of_their_own() -> None:
    first, second = vit((1, 8, 8)).blocks
    assert not torch.equal(first.linear1.weight, second.linear1.weight)


def test_a_block_is_one_of_torch_with_each_matrix_of_attention_as_a_layer() -> None:
    torch.manual_seed(0)
    due = nn.TransformerEncoderLayer(8, 2, 32, 0.0, "gelu", batch_first=True, norm_first=True)
    torch.manual_seed(0)
    own, x = Block(8, 2), torch.randn(3, 5, 8)
    torch.testing.assert_close(own(x), due(x), rtol=1e-6, atol=1e-6)
    attention = own.attention
    joint = torch.cat([attention.query.weight, attention.key.weight, attention.value.weight])
    assert torch.equal(joint, due.self_attn.in_proj_weight) and torch.equal(own.linear1.weight, due.linear1.weight)
    own(x).square().sum().backward()
    due(x).square().sum().backward()
    grads = [layer.weight.grad for layer in (attention.query, attention.key, attention.value)]
    assert all(grad is not None for grad in grads)
    torch.testing.assert_close(torch.cat(grads), due.self_attn.in_proj_weight.grad, rtol=1e-4, atol=1e-5)  # type: ignore[arg-type]


def test_a_pass_calls_each_matrix_of_attention_as_a_linear_layer() -> None:
    found = weight_matrices(vit((1, 8, 8), depth=1), (1, 8, 8))
    assert [one.name for one in found] == [
        "patches", "positions", *(f"blocks.0.attention.{name}" for name in ("query", "key", "value", "out")),
        "blocks.0.linear1", "blocks.0.linear2", "head",
    ]  # fmt: skip
    assert all(one.called and (one.kind == "linear") == (one.name[:1] in "bh") for one in found)


def test_only_positions_tell_one_order_of_patches_from_another() -> None:
    net, x = vit((1, 4, 4)).eval(), torch.rand(1, 1, 4, 4)
    moved = torch.cat([x[..., 2:, :], x[..., :2, :]], dim=2)
    assert (net(x) - net(moved)).abs().max() > 1e-3
    net.positions.data.zero_()
    torch.testing.assert_close(net(x), net(moved))


def test_training_and_evaluation_give_the_same_output() -> None:
    net, x = vit((1, 8, 8)), torch.rand(4, 1, 8, 8)
    trained = net.train()(x).detach()
    with torch.no_grad():
        torch.testing.assert_close(net.eval()(x), trained, rtol=1e-4, atol=1e-5)


def test_what_it_cannot_be_made_of_is_said_in_one_line() -> None:
    with pytest.raises(
        Exception, match=r"takes pictures \(C, H, W\) and gives logits \(classes,\), not \(1, 8, 8\) to \(1, 8, 8\)"
    ):
        vit((1, 8, 8), (1, 8, 8))
    with pytest.raises(Exception, match="dim=9 .*heads=2: give dim=8"):
        vit((1, 8, 8), dim=9)
    with pytest.raises(Exception, match=r"for pictures of \(1, 8, 8\), not \(1, 8, 4\)"):
        vit((1, 8, 8))(torch.rand(2, 1, 8, 4))
