"""Inpainting networks: attention, a kernel shared by rates, PEPSI, two stages, one stage, objective and method."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.planning.cells import method_flags
from noisebench.recipes.archs._inpainting import SharedKernel, attended, dilated


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def arch(spec: str, channels: int = 1) -> Any:
    made = bind(spec, "arch")
    torch.manual_seed(0)
    return made.entry.obj((channels, 16, 16), (channels, 16, 16), **made.kwargs).eval()


def loss_of(network: Any, batch: dict[str, torch.Tensor], spec: str = "inpainting") -> float:
    made = bind(spec, "objective")
    return float(made.entry.obj(network, batch, **made.kwargs).detach())


def holed(*shape: int) -> torch.Tensor:
    """A picture, or several, and a mask as its last channel, with a hole in the middle."""
    x = draw(*shape)
    x = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
    height, width = shape[-2:]
    x[:, -1, height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = 0
    return x


# ---- attention


def test_attention_fills_a_hole_in_a_pattern_with_what_belongs_there() -> None:
    """Cells of a chequer of two kinds: about a hole its neighbours tell which of them is missing."""
    pattern = (torch.arange(12)[:, None] + torch.arange(12)).remainder(2) * torch.tensor([1.0, -2.0])[:, None, None]
    known = torch.ones(12, 12, dtype=torch.bool)
    known[5, 6] = False
    seen = pattern.clone()
    seen[:, 5, 6] = 0.2
    torch.testing.assert_close(attended(seen, known), pattern, rtol=0, atol=1e-4)


def test_what_lies_in_a_hole_is_never_a_source_and_known_features_stay() -> None:
    features = draw(3, 9, 11)
    known = torch.ones(9, 11, dtype=torch.bool)
    known[2:5, 3:6] = False
    features[:, ~known] = 1000.0
    filled = attended(features, known)
    assert float(filled[:, ~known].max()) <= float(features[:, known].max())
    torch.testing.assert_close(filled[:, known], features[:, known], rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (8, 8)])
def test_where_no_patch_is_known_features_stay_and_have_finite_gradients(shape: tuple[int, int]) -> None:
    features = draw(3, *shape).requires_grad_()
    filled = attended(features, torch.zeros(shape, dtype=torch.bool))
    torch.testing.assert_close(filled, features)
    flat = torch.ones(3, 6, 6, requires_grad=True)
    known = torch.ones(6, 6, dtype=torch.bool)
    known[5, 5] = False
    torch.autograd.backward(attended(flat, known).sum() + filled.sum())
    assert torch.isfinite(flat.grad).all() and torch.isfinite(features.grad).all()


def test_attention_in_parts_is_attention_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    features, known = draw(2, 10, 10), draw(10, 10, seed=3) > 0.05
    at_once = attended(features, known)
    monkeypatch.setattr("noisebench.recipes.archs._inpainting._SCORES", 1)
    torch.testing.assert_close(attended(features, known), at_once)


# ---- Diet


def test_a_shared_kernel_of_four_rates_has_a_quarter_of_the_parameters() -> None:
    own, shared = (sum(p.numel() for p in dilated(128, shared=one).parameters()) for one in (False, True))
    assert (own, shared) == (4 * (9 * 128**2 + 128), 9 * 128**2 + 8 * 128)
    assert round(shared / own, 3) == 0.252
    whole = [sum(p.numel() for p in arch(f"pepsi(width=16, diet={one})").parameters()) for one in ("false", "true")]
    assert whole[0] - whole[1] == own - shared


def test_a_shared_kernel_is_four_convolutions_of_it_each_scaled_and_shifted() -> None:
    torch.manual_seed(0)
    shared = SharedKernel(3, (1, 2))
    with torch.no_grad():
        shared.scale.copy_(draw(2, 3) + 0.5)
        shared.shift.copy_(draw(2, 3, seed=1))
    x = y = draw(2, 3, 9, 9)
    for rate, scale, shift in zip((1, 2), shared.scale, shared.shift, strict=True):
        plain = torch.nn.functional.conv2d(y, shared.weight, padding=rate, dilation=rate)
        y = torch.nn.functional.elu(plain * scale[:, None, None] + shift[:, None, None])
    torch.testing.assert_close(shared(x), y)


# ---- networks


@pytest.mark.parametrize("spec", ["pepsi(width=2)", "pepsi(width=2, diet=true)", "two_stage(width=2)", "one_stage"])
@pytest.mark.parametrize("shape", [(2, 1, 16, 16), (1, 3, 13, 21), (1, 1, 1, 1), (1, 3, 3, 40)])
def test_networks_take_any_size_and_do_not_see_what_is_missing(spec: str, shape: tuple[int, ...]) -> None:
    network, x = arch(spec, shape[1]), holed(*shape)
    made = network(x)
    assert made.shape == shape and torch.isfinite(made).all()
    other = x.clone()
    other[:, :-1] = torch.where(x[:, -1:] > 0, x[:, :-1], 7.0)
    torch.testing.assert_close(network(other), made)
    if shape[-1] > 1:
        told = x.clone()
        told[:, -1] = 1
        assert not torch.allclose(network(told), made)


@pytest.mark.parametrize(
    ("spec", "decoders", "used"),
    [("pepsi(width=2)", ["decoder"], 1), ("two_stage(width=2)", ["decoders.0", "decoders.1"], 2)],
)
def test_in_use_pepsi_runs_one_path_and_two_stages_run_both(spec: str, decoders: list[str], used: int) -> None:
    network, x = arch(spec), holed(1, 1, 24, 24)
    calls: list[int] = []
    for name in decoders:
        network.get_submodule(name).register_forward_pre_hook(lambda *_: calls.append(1))
    fine, coarse = network.stages(x)
    assert len(calls) == 2 and coarse.shape == fine.shape
    torch.testing.assert_close(network(x), fine)
    assert len(calls) == 2 + used


def test_a_second_stage_is_given_what_the_first_one_made_in_the_hole_alone() -> None:
    network, x = arch("two_stage(width=2)"), holed(1, 1, 24, 24)
    seen: list[Any] = []
    network.encoders[1].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    coarse = network.stages(x)[1]
    torch.testing.assert_close(seen[0], torch.where(x[:, 1:] > 0, x[:, :1], coarse))


@pytest.mark.parametrize("spec", ["pepsi(width=2)", "two_stage(width=2)", "one_stage"])
def test_a_network_that_is_told_no_mask_says_what_to_write(spec: str) -> None:
    with pytest.raises(nb.UsageError, match="use it as inpainter"):
        arch(spec)(draw(1, 1, 16, 16))


# ---- objective and method


def test_the_coarse_path_counts_less_and_less() -> None:
    network, x = arch("pepsi(width=2)"), holed(2, 1, 16, 16)
    wanted = draw(2, 1, 16, 16, seed=5)
    fine, coarse = (float((one - wanted).abs().mean().detach()) for one in network.stages(x))
    for progress, spec, weight in (
        (0.0, "inpainting", 0.5),
        (0.5, "inpainting(coarse=2)", 1.0),
        (1.0, "inpainting", 0),
    ):
        batch = {"given": x[:, :1], "mask": x[:, 1:], "wanted": wanted, "progress": torch.full((2,), progress)}
        assert loss_of(network, batch, spec) == pytest.approx(fine + weight * coarse, rel=1e-5)
    one = arch("one_stage(of=dncnn(depth=2, width=2, norm=false))")
    plain = float((one(x) - wanted).abs().mean().detach())
    assert loss_of(one, batch) == pytest.approx(plain, rel=1e-5)
    with pytest.raises(nb.UsageError, match=r"objective inpainting .*regime .*mask\(keep="):
        loss_of(network, {"given": x, "wanted": wanted})


def test_known_pixels_come_back_as_they_were_in_grey_and_in_colour() -> None:
    def restored(channels: int, planes: int) -> None:
        method = nb.Restorer(bind("inpainter", "method"))
        method.instance.use(arch("pepsi(width=2)", channels), (channels, 16, 16))
        noisy = np.random.default_rng(0).uniform(size=(13, 18, planes)).astype(np.float32)
        mask = np.ones((13, 18))
        mask[3:9, 5:10] = 0
        made = method.restore(noisy, nb.Info({"mask": mask}))
        np.testing.assert_array_equal(made[mask > 0], noisy[mask > 0])
        assert not np.isclose(made[mask == 0], noisy[mask == 0]).all()

    for channels, planes in ((1, 1), (1, 3), (3, 3), (3, 1)):
        restored(channels, planes)
    with pytest.raises(nb.Skip, match="pictures of 3 channels"):
        restored(3, 2)


def test_a_regime_without_a_mask_is_refused_before_anything_is_trained() -> None:
    assert method_flags(bind("inpainter(regime=mask(keep=0.5) + gaussian(sigma=5))", "method"))["blind"]
    with pytest.raises(nb.UsageError, match="discloses a mask"):
        method_flags(bind("inpainter(regime=gaussian(sigma=25))", "method"))


def test_it_is_trained_and_used_from_the_command_line(cli: Any) -> None:
    method = "inpainter(arch=pepsi(width=2, diet=true), data=dead_leaves(n=20), crop=16, batch=2, validation=2, steps=4, checks=1)"  # noqa: E501
    done = cli(
        "run", "--methods", method, "--datasets", "photos", "--limit", "1",
        "--regimes", "mask(keep=0.75, kind=holes)", "--metrics", "psnr_hole",
    )  # fmt: skip
    assert "2 cells: 2 ok" in done.stdout


def test_nothing_is_trained_for_a_cell_that_is_skipped(cli: Any) -> None:
    method = "inpainter(arch=pepsi(width=2), data=dead_leaves(n=20), crop=16, batch=2, validation=2, steps=4, checks=1)"
    done = cli("run", "--methods", method, "--datasets", "photos", "--limit", "1", "--regimes", "gaussian(sigma=25)")
    assert "1 cell: 1 skipped" in done.stdout and "training" not in done.stderr
    assert "needs mask, " in done.stdout + done.stderr
    assert "1 cell: 1 skipped (0 run now)" in cli("run", "--methods", method, "--datasets", "photos", "--limit", "1",
        "--regimes", "gaussian(sigma=25)").stdout  # fmt: skip
