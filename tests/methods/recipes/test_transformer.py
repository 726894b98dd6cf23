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
        with pytest.raises(nb.UsageError, match="train it in the track text"):
            bind("transformer", "arch").entry.obj(given, wanted)
