"""The blind U-Nets that come with noisebench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb
import noisebench.methods.restore.unet_blind as unet_blind
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.methods.restore._rounded_kernels import LARGE, SMALL, read_kernels, read_recipe, write_kernels
from noisebench.planning.recipe import recipe_of


@pytest.fixture(scope="module")
def network() -> Any:
    method = unet_blind.BlindUNet()
    method.setup("cpu")
    return method


def test_it_is_ahead_of_non_local_means_at_each_level_that_it_is_for() -> None:
    for sigma, lead in ((15, 0.5), (25, 0.5), (50, 0.5)):
        blind, rival = (
            nb.evaluate(name, "photos", f"gaussian(sigma={sigma})", limit=4).psnr for name in ("unet_blind", "nlm")
        )
        assert blind > rival + lead


def test_each_channel_of_what_has_no_colours_is_restored_by_itself(network: Any) -> None:
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


def test_colours_are_restored_together_and_better_than_one_by_one(network: Any) -> None:
    colours = nb.open_dataset(nb.bind("photos", "dataset")).load(1).clean
    clean = torch.from_numpy(colours).permute(2, 0, 1)[None].float() / 255
    noisy = clean + 25 / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    one_by_one = torch.cat([network.restore(noisy[:, channel : channel + 1], None) for channel in range(3)], dim=1)
    errors = [float((restored - clean).square().mean()) for restored in (network.restore(noisy, None), one_by_one)]
    assert errors[0] < 0.8 * errors[1]


@pytest.mark.parametrize("name, channels", [(unet_blind.GREY, 1), (unet_blind.COLOUR, 3)])
def test_a_file_is_small_and_names_a_recipe_that_can_be_trained(name: str, channels: int) -> None:
    file = Path(unet_blind.__file__).with_name(name)
    recipe = recipe_of(bind(read_recipe(file), "method", "restore").kwargs)
    assert file.stat().st_size < 700_000 and read_kernels(file)["head.weight"].shape[0] == channels
    assert recipe.arch.kwargs["bias_free"] and recipe.arch.kwargs["width"] == 24


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_black_and_white_surfaces_come_out_clean(network: Any, channels: int, level: float) -> None:
    noise = torch.randn(1, channels, 96, 96, generator=torch.Generator().manual_seed(0))
    restored = network.restore(level + 25 / 255 * noise, None).clip(0, 1)
    assert float((restored - level).square().mean().sqrt()) < (4 if level == 0 else 1.5) / 255


def test_kernels_are_read_as_they_were_rounded(tmp_path: Path) -> None:
    drawn = torch.Generator().manual_seed(0)
    kernels = {"down.0.weight": torch.randn(4, 3, 3, 3, generator=drawn), "rise.0.weight": torch.zeros(2, 3, 2, 2)}
    kernels["middle"] = torch.randn(8, SMALL // 8, 1, 1, generator=drawn)
    kernels["wide"] = torch.randn(8, LARGE // 8, 1, 1, generator=drawn)
    write_kernels(kernels, tmp_path / "net.xz", transposed="rise", recipe="trained")
    restored = read_kernels(tmp_path / "net.xz")
    assert read_recipe(tmp_path / "net.xz") == "trained" and restored.keys() == kernels.keys()
    for name, bits in (("down.0.weight", 12), ("rise.0.weight", 12), ("middle", 8), ("wide", 5)):
        largest = kernels[name].abs().max()
        assert (restored[name] - kernels[name]).abs().median() <= largest / 2 ** (bits - 1)
        assert all(len(channel.unique()) < 2**bits for channel in restored[name])
