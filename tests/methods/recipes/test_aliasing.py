"""Frequency bands before strided layers: what a filter keeps, what a score counts, and what a U-Net is told."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.archs._band import FrequencyMix, aliasing_score, low_band, nyquist
from noisebench.training.trainer import Trainer
from torch import nn


def white(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def wave(size: int, rows: float, columns: float) -> torch.Tensor:
    """One channel of a cosine of so many cycles along each axis."""
    place = torch.arange(size, dtype=torch.float64) / size
    return torch.cos(2 * torch.pi * (rows * place[:, None] + columns * place))[None, None]


@pytest.mark.parametrize(
    ("inputs", "outputs", "stride", "limit"), [(8, 8, 2, 0.25), (8, 16, 2, 0.125**0.5), (8, 32, 2, 0.5), (8, 8, 1, 0.5)]
)
def test_what_a_layer_can_carry_counts_its_channels(inputs: int, outputs: int, stride: int, limit: float) -> None:
    assert nyquist(inputs, outputs, (stride, stride)) == pytest.approx(limit, abs=1e-12)


@pytest.mark.parametrize(("limit", "kept"), [(0.25, 31), (0.35, 45)])
def test_white_noise_keeps_the_share_of_the_band_and_a_stride_leaves_its_variance(limit: float, kept: int) -> None:
    x = white(256, 4, 64, 64)
    y = low_band(x, limit)
    assert float(y.var()) == pytest.approx((kept / 64) ** 2, rel=0.01)
    assert float(y[..., ::2, ::2].var()) == pytest.approx((kept / 64) ** 2, rel=0.01)
    assert (kept / 64) ** 2 == pytest.approx((2 * limit) ** 2, rel=0.07)
    assert float(x[..., ::2, ::2].var()) == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("shape", [(2, 3, 16, 16), (1, 1, 15, 22), (2, 2, 7, 9)])
def test_what_the_filter_leaves_aliases_nothing_and_is_left_by_it_as_it_is(shape: tuple[int, ...]) -> None:
    x = white(*shape)
    y = low_band(x, 0.35)
    assert float(aliasing_score(x, 0.35).min()) > 0.1
    assert float(aliasing_score(y, 0.35).max()) < 1e-25
    torch.testing.assert_close(low_band(y, 0.35), y)
    assert torch.equal(low_band(x, 0.5), x)


def test_the_score_is_the_share_of_power_beyond_along_either_axis() -> None:
    inside, across = wave(32, 4, 3), wave(32, 2, 12)
    assert float(aliasing_score(2 * inside + across, 0.25)) == pytest.approx(0.2, abs=1e-12)
    assert float(aliasing_score((inside + across).mT, 0.25)) == pytest.approx(0.5, abs=1e-12)
    assert float(aliasing_score(torch.zeros(1, 1, 8, 8), 0.25)) == 0


def test_pictures_and_channels_are_filtered_each_by_itself() -> None:
    x = white(3, 2, 16, 16)
    alone = torch.stack([torch.stack([low_band(c[None, None], 0.3)[0, 0] for c in picture]) for picture in x])
    torch.testing.assert_close(low_band(x, 0.3), alone)
    assert aliasing_score(x, 0.3)[1] == aliasing_score(x[1:2], 0.3)[0]


def test_gates_of_frequency_mixing_begin_at_one_and_weigh_the_two_bands() -> None:
    mix = FrequencyMix(2, 0.25).double()
    x = white(2, 2, 16, 16)
    torch.testing.assert_close(mix(x), x)
    nn.init.constant_(mix.channels.bias[:2], 30.0)  # the low band twice
    nn.init.constant_(mix.channels.bias[2:], -30.0)  # the high band not at all
    torch.testing.assert_close(mix(x), 2 * low_band(x, 0.25))


@pytest.mark.parametrize("down", ["avg", "stride", "blur", "daf", "freqmix"])
def test_a_unet_takes_any_sides_with_each_way_down(down: str) -> None:
    made = bind(f"unet(width=4, depth=3, down={down})", "arch")
    net = made.entry.obj((2, 16, 16), (2, 16, 16), **made.kwargs)
    assert net(torch.rand(2, 2, 13, 18)).shape == (2, 2, 13, 18)
    plain = bind("unet(width=4, depth=3)", "arch")
    own = {name: tuple(value.shape) for name, value in net.state_dict().items() if "before" not in name}
    same = plain.entry.obj((2, 16, 16), (2, 16, 16), **plain.kwargs).state_dict()
    assert own == {name: tuple(value.shape) for name, value in same.items()}


def test_a_unet_that_is_not_told_is_named_as_before() -> None:
    assert "down" not in bind("unet", "arch").canonical and "down" not in bind("unet(down=avg)", "arch").canonical


def test_gates_are_refused_where_nothing_may_depend_on_the_scale() -> None:
    made = bind("unet(bias_free=true, down=freqmix)", "arch")
    with pytest.raises(Exception, match="give another for bias_free"):
        made.entry.obj((1, 16, 16), (1, 16, 16), **made.kwargs)


def looked(down: str, looks: int = 2, part: str = "aliasing", stopped: bool = False) -> Any:
    """Three steps of a small U-Net that is looked at in the last ones."""
    parts = f", parts={part}(looks={looks})" if part else ""
    spec = f"trained(arch=unet(width=4, depth=3, down={down}){parts}, batch=4, steps=3, checks=1)"
    recipe = recipe_of(bind(spec, "method").kwargs)
    one = Trainer(recipe, (1, 16, 16), (1, 16, 16), 0, "cpu")
    rng = torch.Generator().manual_seed(0)
    for step in range(3):
        one.advance({n: torch.rand(4, 1, 16, 16, generator=rng).numpy() for n in ("given", "wanted")})
        if stopped and step == 1:
            snapshot, one = one.snapshot(), Trainer(recipe, (1, 16, 16), (1, 16, 16), 0, "cpu")
            one.resume(snapshot)
    return one


def test_the_part_gives_a_figure_a_strided_layer_and_how_it_goes_with_the_loss() -> None:
    figures = looked("stride").figures()
    assert sorted(figures) == ["aliasing_1", "aliasing_2", "aliasing_error_correlation"]
    assert 0 < figures["aliasing_1"] < 1 and -1 <= figures["aliasing_error_correlation"] <= 1


def test_behind_the_filter_there_is_nothing_to_alias() -> None:
    figures = looked("daf").figures()
    assert figures == {"aliasing_1": 0, "aliasing_2": 0}


def test_looking_changes_no_weight_and_what_was_seen_outlives_a_stop() -> None:
    assert looked("avg").weights() == looked("avg", part="").weights()
    assert looked("avg", stopped=True).figures() == pytest.approx(looked("avg").figures())


def test_a_network_without_a_stride_has_nothing_to_look_at() -> None:
    made = bind("aliasing", "part")
    with pytest.raises(nb.UsageError, match="^part aliasing: .*stride: leave out"):
        made.entry.obj(**made.kwargs).prepare(nn.Conv2d(1, 1, 3))
