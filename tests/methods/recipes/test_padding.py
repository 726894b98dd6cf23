"""Pictures whose sides are no multiple of what a network halves: mirrored, so that noise stays noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from noisebench.recipes.archs._pictures import padded


@pytest.mark.parametrize("height, width, multiple", [(13, 9, 8), (16, 17, 8), (3, 2, 8), (1, 5, 4), (2, 1, 16)])
def test_a_picture_is_mirrored_to_the_right_and_below(height: int, width: int, multiple: int) -> None:
    x = torch.arange(2.0 * 3 * height * width).reshape(2, 3, height, width)
    more = (0, -height % multiple), (0, -width % multiple)
    mirrored = np.pad(x.numpy(), ((0, 0), (0, 0), *more), mode="reflect")
    assert torch.equal(padded(x, multiple), torch.from_numpy(mirrored))


def test_a_picture_whose_sides_are_multiples_stays_as_it_is() -> None:
    x = torch.rand(1, 1, 16, 24)
    assert padded(x, 8) is x


def test_mirrored_noise_is_as_rough_as_the_noise() -> None:
    noise = torch.randn(1, 1, 65, 65, generator=torch.Generator().manual_seed(0))
    steps = padded(noise, 32)[..., 65:, :65].diff(dim=-2).square().mean()
    assert 1.5 < float(steps) < 2.5  # 0 where an edge is repeated, 2 for independent noise


def test_gradients_of_what_is_mirrored_are_added() -> None:
    x = torch.rand(1, 1, 3, 3, requires_grad=True)
    padded(x, 4).sum().backward()
    assert x.grad is not None and x.grad[0, 0].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
