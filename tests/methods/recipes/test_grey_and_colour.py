"""Networks for grey and coloured pictures: how both kinds are trained on together, and how each is restored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.planning.recipe import recipe_of
from PIL import Image


def folder(path: Path, *shapes: tuple[int, ...]) -> str:
    path.mkdir()
    for number, shape in enumerate(shapes):
        pixels = np.random.default_rng(number).integers(0, 256, shape, np.uint8)
        Image.fromarray(pixels).save(path / f"{number:03d}.png")
    return f"folder(path='{path}')"


def batches(data: str, batch: int, n: int) -> Any:
    recipe = recipe_of(bind(f"trained(data={data}, batch={batch}, crop=8)", "method", "restore").kwargs)
    order = lambda step: [place % n for place in range(step * batch, (step + 1) * batch)]  # noqa: E731
    opened = nb.open_dataset(recipe.data)
    return get_track("restore").batches(opened, list(range(n)), recipe.regime, order, crop=8, seed=0)  # type: ignore[attr-defined]


def test_a_grey_picture_among_coloured_ones_is_three_equal_channels_with_its_noise(tmp_path: Path) -> None:
    made = batches(folder(tmp_path / "both", (12, 12), (12, 12, 3)), 2, 2)
    assert made.given == made.wanted == (3, 8, 8)
    grey, colour = made(0)["given"]
    assert (grey[0] == grey[1]).all() and (grey[0] == grey[2]).all()
    assert not (colour[0] == colour[1]).any()
    assert abs((grey - made(0)["wanted"][0]).std() - 25 / 255) < 0.03


def test_a_batch_of_grey_pictures_alone_has_as_many_channels_as_the_others(tmp_path: Path) -> None:
    made = batches(folder(tmp_path / "both", (12, 12), (12, 12), (12, 12, 3)), 1, 3)
    assert [made(step)["given"].shape for step in range(3)] == [(1, 3, 8, 8)] * 3


def test_one_coloured_picture_that_comes_late_is_refused_in_one_line(tmp_path: Path) -> None:
    made = batches(folder(tmp_path / "both", *[(8, 8)] * 64, (8, 8, 3)), 1, 65)
    assert made.given == (1, 8, 8)
    with pytest.raises(nb.UsageError, match=r"1 and 3 channels: .*luma\(of="):
        made(64)


def test_grey_pictures_alone_stay_grey(tmp_path: Path) -> None:
    assert batches(folder(tmp_path / "grey", (12, 12), (12, 12)), 2, 2)(0)["given"].shape == (2, 1, 8, 8)


def trained(net: Any, channels: int) -> Any:
    method = bind("trained", "method", "restore").entry.obj(
        **bind("trained", "method", "restore").kwargs,
    )
    method.use(net, (channels, 8, 8))
    return method


class Kept(torch.nn.Module):
    """Gives its input times a weight a channel, and keeps what it saw."""

    def __init__(self, *weights: float) -> None:
        super().__init__()
        self.weights = torch.tensor(weights).reshape(1, -1, 1, 1)

    def forward(self, x: Any) -> Any:
        self.seen = x
        return x * self.weights


def test_a_network_for_coloured_pictures_takes_a_grey_one_as_three_channels_and_gives_their_mean() -> None:
    net, picture = Kept(1.0, 2.0, 6.0), torch.rand(1, 1, 4, 4)
    out = trained(net, 3).restore(picture, None)
    assert torch.equal(net.seen, picture.expand(-1, 3, -1, -1))
    torch.testing.assert_close(out, 3 * picture)


def test_a_network_for_grey_pictures_takes_each_channel_by_itself() -> None:
    net, picture = Kept(2.0), torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(trained(net, 1).restore(picture, None), 2 * picture)
    assert net.seen.shape == (3, 1, 4, 4)


def test_a_network_of_other_channels_says_so() -> None:
    with pytest.raises(nb.Skip, match="is for pictures of 4 channels, not 3"):
        trained(Kept(1.0, 1.0, 1.0, 1.0), 4).restore(torch.rand(1, 3, 4, 4), None)


@pytest.mark.parametrize("unshuffle", [1, 2, 3])
@pytest.mark.parametrize("scale", [1, 2])
def test_a_u_net_of_coarser_pixels_takes_any_size(unshuffle: int, scale: int) -> None:
    made = bind(f"unet(width=4, depth=2, unshuffle={unshuffle})", "arch")
    net = made.entry.obj((3, 24, 24), (3, 24 * scale, 24 * scale), **made.kwargs)
    assert net(torch.rand(1, 3, 13, 7)).shape == (1, 3, 13 * scale, 7 * scale)
    assert net.down[0][0].weight.shape[1] == 3 * unshuffle**2


def test_a_u_net_begins_near_the_identity_with_signals_that_do_not_fade() -> None:
    torch.manual_seed(0)
    net = bind("unet(width=32, depth=3)", "arch").entry.obj((3, 32, 32), (3, 32, 32), width=32, depth=3)
    seen: list[float] = []
    for block in net.down:
        block.register_forward_hook(lambda _, __, out: seen.append(float(out.detach().square().mean().sqrt())))
    x = torch.randn(4, 3, 32, 32)
    assert float((net(x) - x).abs().max()) < 0.2
    assert all(0.3 < size < 3 for size in seen)
