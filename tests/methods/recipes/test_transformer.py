"""The transformer of text: it never looks ahead, parts reach all of its matrices, and what optimisers hold for it."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.recipes.weight_matrices import weight_matrices


def transformer(given: int = 8, letters: int = 5, **more: int) -> Any:
    torch.manual_seed(0)
    return bind("transformer", "arch").entry.obj(
        (given,), (letters, given), **{"dim": 8, "depth": 2, "heads": 2} | more
    )


def test_it_never_looks_ahead():
    net = transformer()
    x = torch.tensor([[0, 1, 2, 3, 4, 0, 1, 2]])
    other = torch.tensor([[0, 1, 2, 3, 1, 1, 1, 1]])
    one, two = net(x), net(other)
    assert one.shape == (1, 5, 8)
    assert torch.equal(one[..., :4], two[..., :4]) and not torch.allclose(one[..., 4:], two[..., 4:])
    assert torch.allclose(net(x[:, :3]), one[..., :3], atol=1e-6)
    with pytest.raises(nb.UsageError, match="positions for 8 characters, not 9"):
        net(torch.zeros(1, 9, dtype=torch.long))


def test_parts_reach_each_of_its_matrices():
    matrices = weight_matrices(transformer(), (8,))
    assert not matrices.failure
    linear = [one for one in matrices if one.kind == "linear"]
    # Of each block query, key, value, output and the two layers; and the head.
    assert len(linear) == 2 * 6 + 1 and all(one.executed and one.called for one in linear)
    assert [one.kind for one in matrices].count("embedding") == 1


def test_other_shapes_are_refused():
    for given, wanted in (((1, 8, 8), (10,)), ((8,), (5, 9))):
        with pytest.raises(nb.UsageError, match="in the track text"):
            bind("transformer", "arch").entry.obj(given, wanted)


def test_what_a_step_saves_is_counted_by_kind():
    made = bind("saved_by_kind", "part").entry.obj()
    net = transformer(given=16, letters=5, dim=8, depth=1, heads=2)
    batch = {"given": torch.zeros(4, 16, dtype=torch.long)}
    made.observe(net, batch, lambda batch: net(batch["given"]).square().mean(), 0, 10)
    figures = made.figures()
    vector = 4 * 16 * 8 * 4
    # The inputs of query, key and value are one; those of both layers (8 and 32 values) and of the head follow.
    assert figures["saved_linear_bytes"] == (1 + 1 + 4 + 1) * vector
    # Three inputs, with mean and deviation of each.
    assert figures["saved_norm_bytes"] == 3 * vector + 3 * 2 * 4 * 16 * 4
    # Query, key, value, and what comes out, which is the input of the output layer, beside sums of exponentials.
    assert 4 * vector <= figures["saved_attention_bytes"] <= 4 * vector + 4 * 2 * 16 * 4 + 64
    # The input of GELU, places in the alphabet, and what is squared.
    assert 4 * vector < figures["saved_other_bytes"] <= 4 * vector + 4 * 16 * 8 + 4 * 16 * 5 * 4


def test_sampled_rows_are_fewer_of_the_linear_kind_alone():
    def saved(parts: tuple[str, ...]) -> dict[str, float]:
        net: Any = transformer(given=64, letters=5, dim=8, depth=2, heads=2)
        for spec in parts:
            made = bind(spec, "part")
            made.entry.obj(**made.kwargs).prepare(net, (64,))
        look = bind("saved_by_kind", "part").entry.obj()
        batch = {"given": torch.zeros(16, 64, dtype=torch.long)}
        look.observe(net, batch, lambda batch: net(batch["given"]).square().mean(), 0, 10)
        figures: dict[str, float] = look.figures()
        return figures

    exact, tenth = saved(()), saved(("wta_crs(ratio=0.1)",))
    assert {name for name in exact if abs(exact[name] - tenth[name]) > 0.01 * exact[name]} == {"saved_linear_bytes"}
    # The head keeps all of its rows; query, key and value each keep a sample of their own.
    head = 16 * 64 * 8 * 4
    assert tenth["saved_linear_bytes"] < head + 0.1 * 2 * (3 + 1 + 1 + 4) * head * 1.2


@pytest.mark.parametrize(("optimizer", "states"), [("adamw", 2), ("sgd_sai", 1), ("sgd_sai_released", 1), ("sgd", 1)])
def test_state_of_networks_of_published_sizes(optimizer: str, states: int):
    """GPT-2 (124 million weights and a head of its own) and ViT-S, counted without their memory."""
    gpt2: Any = on_meta("transformer(dim=768, depth=12, heads=12)", (1024,), (50257, 1024))
    vit: Any = on_meta("vit(dim=384, depth=12, heads=6, patch=16)", (3, 224, 224), (1000,))
    assert weights_of(gpt2) == 124_439_808 + 50257 * 769
    assert abs(weights_of(vit) - 22.05e6) < 0.1e6
    small = transformer()
    made = bind(optimizer, "optimizer")
    own = made.entry.obj(list(small.parameters()), **made.kwargs)
    small(torch.zeros(1, 8, dtype=torch.long)).square().mean().backward()
    own.step()
    for weight in small.parameters():
        held = [value for value in own.state[weight].values() if torch.is_tensor(value) and value.ndim]
        assert sum(value.numel() for value in held) == states * weight.numel()


def on_meta(spec: str, given: tuple[int, ...], wanted: tuple[int, ...]) -> Any:
    with torch.device("meta"):
        made = bind(spec, "arch")
        return made.entry.obj(given, wanted, **made.kwargs)


def weights_of(net: Any) -> int:
    return sum(weight.numel() for weight in net.parameters())


def test_scales_are_divided_by_their_largest():
    one, two = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    gradients = torch.tensor([1.0, -1.0, 3.0]), torch.tensor([5.0, 5.0, 6.0])
    scales = [float(g.norm() / g.std(correction=0)) for g in gradients]
    made = bind("sgd_sai_released(lr=0.1, weight_decay=0.5)", "optimizer")
    own = made.entry.obj([one, two], **made.kwargs)
    for _ in range(2):
        one.grad, two.grad = (g.clone() for g in gradients)
        again = made.entry.obj([one, two], **made.kwargs)
        again.load_state_dict(own.state_dict())
        own = again
        before = [one.detach().clone(), two.detach().clone()]
        own.step()
        for weight, old, g, scale in zip((one, two), before, gradients, scales, strict=True):
            torch.testing.assert_close(weight.data, old * 0.95 - 0.1 * scale / max(scales) * g)
