"""The blind U-Net that comes with noisebench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb
import noisebench.methods.restore.unet_blind as unet_blind
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from safetensors import safe_open

FILE = Path(unet_blind.__file__).with_name("unet_blind.safetensors")


@pytest.fixture(scope="module")
def network() -> Any:
    method = unet_blind.BlindUNet()
    method.setup("cpu")
    return method


def test_it_is_ahead_of_non_local_means_at_each_level_that_it_is_for() -> None:
    for sigma, lead in ((15, 0.5), (25, 0.5), (50, 0.5)):
        blind, rival = (
            nb.evaluate(name, "photos", f"gaussian(sigma={sigma})", limit=2).psnr for name in ("unet_blind", "nlm")
        )
        assert blind > rival + lead


def test_each_channel_is_restored_by_itself(network: Any) -> None:
    picture = torch.rand(1, 5, 24, 40)
    alone = torch.cat([network.restore(picture[:, channel : channel + 1], None) for channel in range(5)], dim=1)
    assert torch.allclose(network.restore(picture, None), alone, atol=1e-6)


@pytest.mark.parametrize("height, width", [(1, 1), (7, 50), (33, 17)])
def test_any_size_and_scale(network: Any, height: int, width: int) -> None:
    picture = torch.rand(1, 1, height, width)
    restored = network.restore(picture, None)
    assert restored.shape == picture.shape
    assert torch.allclose(network.restore(3 * picture, None), 3 * restored, atol=1e-5)


def test_sides_that_are_no_multiple_of_eight_cost_little() -> None:
    whole = torch.full((1, 1, 64, 64), 0.5) + 0.1 * torch.randn(
        1, 1, 64, 64, generator=torch.Generator().manual_seed(1)
    )
    method = unet_blind.BlindUNet()
    method.setup("cpu")
    errors = [float((method.restore(whole[..., :side, :side], None) - 0.5).square().mean()) for side in (64, 57)]
    assert errors[1] < 1.5 * errors[0]


def test_the_file_is_in_8_bits_and_names_a_recipe_that_can_be_trained() -> None:
    with safe_open(FILE, "pt") as file:
        kinds = {str(file.get_tensor(name).dtype) for name in file.keys() if not name.endswith(".scale")}  # noqa: SIM118
        recipe = recipe_of(bind(file.metadata()["recipe"], "method", "restore").kwargs)
    assert kinds == {"torch.int8"} and FILE.stat().st_size < 1_500_000
    assert recipe.arch.kwargs["bias_free"] and recipe.steps == 16_000
