"""A part that cannot act on a network says so before the first step, with its name and what to do."""

from __future__ import annotations

import noisebench as nb
import pytest
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.training.trainer import Trainer


@pytest.mark.parametrize(
    ("parts", "arch"),
    [
        ("nm(n=1, m=128)", "mlp(hidden=(64,))"),
        ("nm_restricted(n=1, m=128)", "mlp(hidden=(64,))"),
        ("noisefit", "mlp(hidden=())"),
        ("noisefit_v1", "small_cnn(width=4)"),
        ("noisefit_v1(k=3)", "vit(dim=8, depth=2, heads=2)"),
        ("noisefit_response", "small_cnn(width=4)"),
        ("noise_response", "mlp(hidden=())"),
    ],
)
def test_a_part_refuses_a_network_before_the_first_step(parts: str, arch: str) -> None:
    recipe = recipe_of(bind(f"trained(arch={arch}, parts={parts}, steps=2, checks=1)", "method", "classify").kwargs)
    name = parts.partition("(")[0]
    with pytest.raises(nb.UsageError, match=f"^part {name}\\b.*: (give|leave out) "):
        Trainer(recipe, (1, 8, 8), (10,), 0, "cpu")
