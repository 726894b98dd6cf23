"""Binary weights and activations: what is used, what gradient passes, and how far both are from the sign."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from noisebench.registry import bind
from torch import nn


def part(spec: str) -> Any:
    made = bind(spec, "part")
    return made.entry.obj(**made.kwargs)


def test_reste_nears_the_sign_as_its_exponent_grows_and_its_gradient_grows_wilder() -> None:
    from noisebench.recipes.parts.binary import slope

    x = 0.5 * torch.randn(400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    gaps = [float((x.sign() * x.abs() ** (1 / o) - x.sign()).square().mean().sqrt()) for o in (1, 2, 3)]
    spreads = [float(slope(x, o).var()) for o in (1, 2, 3)]
    assert gaps == pytest.approx([0.673, 0.487, 0.381], abs=2e-3)
    assert spreads == pytest.approx([0.003, 0.79, 2.18], abs=0.02)


def test_binary_layers_have_two_values_each_and_zero_is_on_one_side() -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3), nn.Conv2d(4, 1, 3))
    scale = float(net[1].weight.detach().abs().mean())
    net[1].weight.data[0, 0, 0, 0] = 0.0
    net = part("binary(estimator=reste)").prepare(net)
    values = net[1].weight.detach().unique()
    assert len(values) == 2 and float(values[1]) == pytest.approx(scale, rel=0.05) and values[0] == -values[1]
    assert len(net[0].weight.detach().unique()) > 2 and len(net[2].weight.detach().unique()) > 2


def test_the_exponent_rises_by_half_a_cosine() -> None:
    rule = part("binary(o_end=3.0)")
    rule.prepare(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)))
    found = []
    for step in (0, 50, 100):
        rule.batch({}, step, 100)
        found.append(rule.masks[0].exponent)
    assert found == pytest.approx([1, 2, 3])
