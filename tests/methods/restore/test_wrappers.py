"""Tiles and self-ensembles: what a method gives through them is what it gives by itself, and it is on record."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from conftest import DATA, ROOT
from noisebench.components.registry import bind
from noisebench.cost.measure import parameters
from noisebench.methods.restore import _conv_stacks as networks
from noisebench.planning.plan import plan
from noisebench.suite.suite import CostPlan, Suite

PHOTOS = ROOT / "datasets" / "restore" / "pictures"


@nb.method("wt_mask", layout="hwc", needs=("mask",))
def wt_mask(noisy: Any, info: Any) -> Any:
    """The mask that it is told."""
    assert info.shape == noisy.shape[:2]
    return np.broadcast_to(np.asarray(info.mask, np.float32)[:, :, None], noisy.shape)


@nb.method("wt_kernel", layout="hwc", needs=("kernel",))
def wt_kernel(noisy: Any, info: Any) -> Any:
    """The correlation with the kernel that it is told, zero outside the picture."""
    margins = [(side // 2, side - 1 - side // 2) for side in info.kernel.shape]
    padded = np.pad(noisy.astype(np.float64), [*margins, (0, 0)])
    height, width = noisy.shape[:2]
    shifts = np.ndindex(*info.kernel.shape)
    total = sum(info.kernel[i, j] * padded[i : i + height, j : j + width] for i, j in shifts)
    return np.asarray(total, np.float32)


@nb.method("wt_noise", layout="hwc")
def wt_noise(noisy: Any, info: Any) -> Any:
    """White noise from the generator that it is given."""
    return info.rng.standard_normal(noisy.shape).astype(np.float32)


@nb.method("wt_right", layout="hwc")
def wt_right(noisy: Any, info: Any) -> Any:
    """The picture moved one pixel to the right, cyclically."""
    return np.roll(noisy, 1, axis=1)


@nb.method("wt_border", layout="hwc")
def wt_border(noisy: Any, info: Any) -> Any:
    """Whether the border is told to be periodic."""
    return np.full_like(noisy, info.boundary == "circular")


@nb.method("wt_once", layout="hwc")
def wt_once(noisy: Any, info: Any) -> Any:
    """Nothing of a picture without a zero; any other stays as it is."""
    return noisy if (noisy == 0).any() else np.zeros_like(noisy)


def restored(method: str, noisy: Any, info: Any, shape: tuple[int, ...] | None = None) -> Any:
    restorer = nb.Restorer(bind(method, "method"))
    restorer.setup("cpu")
    return restorer.restore(noisy, info, shape)


def scene(height: int, width: int, channels: int = 1, regime: str = "gaussian(sigma=25)") -> tuple[Any, Any]:
    clean = np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, channels), dtype=np.uint8)
    noisy, info = nb.degrade(regime, clean)
    return (noisy if noisy.ndim == 3 else noisy[:, :, None]), info


# ---- tiles


@pytest.mark.parametrize("size", [1, 7, 16, 40, 41, 1000])
@pytest.mark.parametrize("shape", [(41, 67, 1), (40, 33, 3), (1, 50, 1), (50, 1, 3), (1, 1, 1)])
def test_a_method_that_looks_no_further_than_the_overlap_gives_what_it_gives_untiled(size, shape):
    noisy, info = scene(*shape)
    whole = restored("median(size=9)", noisy, info)
    assert np.array_equal(restored(f"tiled(method=median(size=9), size={size}, overlap=4)", noisy, info), whole)


def test_a_method_that_looks_further_shows_seams():
    noisy, info = scene(41, 67)
    whole = restored("median(size=9)", noisy, info)
    assert not np.array_equal(restored("tiled(method=median(size=9), size=16, overlap=3)", noisy, info), whole)


def test_each_tile_has_its_part_of_the_mask():
    noisy, info = scene(45, 61, 3, "mask(keep=0.5)")
    expected = np.broadcast_to(info.mask[:, :, None], noisy.shape)
    assert np.array_equal(restored("tiled(method=wt_mask, size=16, overlap=5)", noisy, info), expected)


@pytest.mark.parametrize("size", [8, 10, 17])
def test_superresolution_in_tiles_gives_the_whole_picture(size):
    noisy, info = scene(61, 75, 1, "downsample(scale=2)")
    shape = (61, 75, 1)
    whole = restored("bicubic", noisy, info, shape)
    tiled = restored(f"tiled(method=bicubic, size={size}, overlap=3)", noisy, info, shape)
    assert tiled.shape == shape
    assert np.abs(tiled - whole).max() < 1e-6


def test_tiles_draw_noise_of_their_own_and_the_same_each_time():
    noisy, info = scene(32, 32)
    first = restored("tiled(method=wt_noise, size=16, overlap=0)", noisy, info)
    assert np.array_equal(first, restored("tiled(method=wt_noise, size=16, overlap=0)", noisy, info))
    tiles = [first[i : i + 16, j : j + 16] for i in (0, 16) for j in (0, 16)]
    assert len({tile.tobytes() for tile in tiles}) == 4


def test_a_picture_that_is_one_tile_is_restored_as_if_there_were_none():
    whole = restored("wt_noise", *scene(32, 32))
    assert np.array_equal(restored("tiled(method=wt_noise, size=32)", *scene(32, 32)), whole)


def test_a_tile_of_a_periodic_picture_is_not_periodic():
    noisy, info = scene(32, 20, 1, "blur(sigma=1, boundary=circular)")
    assert restored("wt_border", noisy, info).all()
    assert not restored("tiled(method=wt_border, size=16, overlap=4)", noisy, info).any()


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "weights").is_dir(), reason="no weights")
@pytest.mark.parametrize(("method", "overlap"), [("dncnn", 17), ("ffdnet", 32)])
def test_a_network_in_tiles_gives_what_it_gives_untiled(monkeypatch, method, overlap):
    import torch

    monkeypatch.setenv("NOISEBENCH_WEIGHTS", str(DATA / "weights"))
    torch.set_num_threads(1)
    noisy, info = scene(80, 75)
    whole = restored(method, noisy, info)
    tiled = restored(f"tiled(method={method}, size=48, overlap={overlap})", noisy, info)
    assert np.abs(tiled - whole).max() < 2e-6
    cut_short = restored(f"tiled(method={method}, size=48, overlap=2)", noisy, info)
    assert np.abs(cut_short - whole).max() > 1e-3


# ---- the eight flips and rotations


@pytest.mark.parametrize("shape", [(12, 17, 1), (9, 9, 3), (1, 9, 1), (1, 1, 3)])
def test_an_ensemble_of_what_knows_no_direction_changes_nothing(shape):
    noisy, info = scene(*shape)
    assert np.array_equal(restored("ensemble(method=identity)", noisy, info), noisy)
    whole = restored("median(size=5)", noisy, info)
    assert np.abs(restored("ensemble(method=median(size=5))", noisy, info) - whole).max() < 1e-7


def test_an_ensemble_is_the_mean_over_flips_and_rotations():
    noisy, info = scene(12, 17, 3)
    # Moved to the right and turned back, a picture is moved in each of the four directions, twice.
    moved = [np.roll(noisy.astype(np.float64), by, axis) for axis in (0, 1) for by in (-1, 1)]
    expected = (np.mean(moved, axis=0)).astype(np.float32)
    assert np.abs(restored("ensemble(method=wt_right)", noisy, info) - expected).max() < 1e-7


def test_the_mask_is_turned_with_the_picture():
    noisy, info = scene(13, 18, 1, "mask(keep=0.5)")
    assert np.array_equal(restored("ensemble(method=wt_mask)", noisy, info)[:, :, 0], info.mask)


@pytest.mark.parametrize("shape", [(3, 5), (4, 3), (2, 2), (1, 4)])
def test_the_kernel_is_turned_with_the_picture(shape):
    noisy, info = scene(13, 18)
    info = info.replace(kernel=np.random.default_rng(0).random(shape))
    whole = restored("wt_kernel", noisy, info)
    assert np.abs(restored("ensemble(method=wt_kernel)", noisy, info) - whole).max() < 1e-5


def test_superresolution_in_an_ensemble_needs_sides_that_are_multiples_of_the_scale():
    noisy, info = scene(24, 30, 1, "downsample(scale=2)")
    whole = restored("bicubic", noisy, info, (24, 30, 1))
    assert np.abs(restored("ensemble(method=bicubic)", noisy, info, (24, 30, 1)) - whole).max() < 1e-6
    noisy, info = scene(25, 30, 1, "downsample(scale=2)")
    with pytest.raises(nb.Skip, match="multiples of the scale 2"):
        restored("ensemble(method=bicubic)", noisy, info, (25, 30, 1))


def test_each_turn_draws_noise_of_its_own():
    noisy, info = scene(64, 64)
    # The mean of eight independent draws has a deviation of 1/√8 = 0.354; 4096 pixels tell it to 0.004.
    assert np.std(restored("ensemble(method=wt_noise)", noisy, info)) == pytest.approx(8**-0.5, abs=0.02)


# ---- pictures of every s-th pixel


@pytest.mark.parametrize("shape", [(41, 67, 1), (9, 8, 3), (1, 50, 1), (1, 1, 3)])
@pytest.mark.parametrize("stride", [1, 2, 5])
def test_each_picture_of_every_stride_th_pixel_is_restored_by_itself_at_any_size(shape, stride):
    noisy, info = scene(*shape)
    expected = np.empty_like(noisy)
    for top in range(min(stride, shape[0])):
        for left in range(min(stride, shape[1])):
            part = np.ascontiguousarray(noisy[top::stride, left::stride])
            expected[top::stride, left::stride] = restored("median(size=3)", part, info)
    assert np.array_equal(restored(f"pixel_shuffle(method=median(size=3), stride={stride})", noisy, info), expected)


def test_stride_1_is_the_method_itself_with_its_draws():
    noisy, info = scene(32, 20, 3)
    whole = restored("wt_noise", noisy, scene(32, 20, 3)[1])
    assert np.array_equal(restored("pixel_shuffle(method=wt_noise, stride=1)", noisy, info), whole)


def test_each_part_has_its_mask_and_draws_noise_of_its_own():
    noisy, info = scene(45, 61, 3, "mask(keep=0.5)")
    expected = np.broadcast_to(info.mask[:, :, None], noisy.shape)
    assert np.array_equal(restored("pixel_shuffle(method=wt_mask, stride=3)", noisy, info), expected)
    drawn = restored("pixel_shuffle(method=wt_noise)", *scene(32, 32))
    assert len({drawn[i::2, j::2].tobytes() for i in (0, 1) for j in (0, 1)}) == 4


def test_noise_that_reaches_less_far_than_the_stride_is_white_in_each_part():
    # Means of 3x3 white values reach two pixels: at stride 3 those of a part have no value in common.
    white = np.random.default_rng(0).standard_normal((62, 62, 1))
    noisy = sum(white[i : i + 60, j : j + 60] for i in range(3) for j in range(3)) / 9
    seen: list[Any] = []

    @nb.method("wt_seen", layout="hwc")
    def wt_seen(part: Any, info: Any) -> Any:
        seen.append(part)
        return part

    restored("pixel_shuffle(method=wt_seen, stride=3)", noisy.astype(np.float32), nb.Info())
    assert len(seen) == 9
    for (top, left), part in zip(np.ndindex(3, 3), seen, strict=True):
        blocks = white[top : top + 60, left : left + 60].reshape(20, 3, 20, 3, 1)
        np.testing.assert_allclose(part, blocks.mean(axis=(1, 3)), atol=1e-6)


def test_refinement_puts_a_share_of_the_noisy_pixels_back_and_gives_the_mean():
    noisy, info = scene(50, 60, 3)
    # The identity at stride 1 restores nothing, so there is nothing to put back.
    assert np.array_equal(restored("pixel_shuffle(method=identity, refined=3)", noisy, info), noisy)
    refined = restored("pixel_shuffle(method=wt_once, stride=1, refined=1, share=0.25)", noisy, info)
    kept = (refined == noisy).all(axis=2)
    assert kept.mean() == pytest.approx(0.25, abs=0.03) and (refined[~kept] == 0).all()
    mean = restored("pixel_shuffle(method=wt_once, stride=1, refined=200, share=0.25)", noisy, info)
    np.testing.assert_allclose(mean, 0.25 * noisy, atol=0.2)


def test_a_blurred_or_smaller_picture_is_not_taken_apart():
    for regime in ("blur(sigma=1)", "downsample(scale=2)"):
        with pytest.raises(nb.Skip, match="noise alone"):
            restored("pixel_shuffle(method=identity)", *scene(32, 32, 1, regime))
    with pytest.raises(nb.UsageError, match="pixel_shuffle cannot wrap oracle"):
        cell_of("pixel_shuffle(method=oracle)")


# ---- what is recorded


def cell_of(method: str, regime: str = "gaussian(sigma=25)") -> dict[str, Any]:
    (cell,) = plan(Suite(methods=(method,), datasets=("gaussian_field(n=1)",), regimes=(regime,)))
    return cell


@pytest.mark.parametrize(
    ("method", "flags"),
    [
        ("tiled(method=nlm)", {"tiled"}),
        ("ensemble(method=nlm)", {"self_ensemble"}),
        ("tiled(method=ensemble(method=bf_cnn))", {"tiled", "self_ensemble", "blind", "trained_on"}),
        ("ensemble(method=tiled(method=dncnn))", {"tiled", "self_ensemble", "trained_on"}),
        ("vst(method=tiled(method=nlm))", {"tiled"}),
        ("nlm", set()),
    ],
)
def test_flags_of_every_layer_are_kept(method, flags):
    assert {name for name, value in cell_of(method).method.flags.items() if value} == flags


def test_weights_and_sources_of_the_method_within_are_part_of_the_key():
    cell = cell_of("tiled(method=ensemble(method=dncnn))")
    assert cell.inputs["weights"] == networks.known_hashes("dncnn_s25")
    assert {f"noisebench.methods/restore/{name}.py" for name in ("tiled", "ensemble", "dncnn", "_conv_stacks")} <= set(
        cell.inputs["sources"]
    )
    assert "noisebench.methods/restore/ffdnet.py" not in cell.inputs["sources"]
    assert cell.key != cell_of("tiled(method=ensemble(method=dncnn), overlap=31)").key


def test_the_cost_of_a_wrapper_is_measured_under_a_regime_that_suits_the_method_within():
    suite = Suite(
        methods=("ensemble(method=tiled(method=telea))",),
        datasets=("gaussian_field(n=1)",),
        regimes=("gaussian(sigma=25)", "mask(keep=0.5)"),
        cost=CostPlan(((32, 32),), 1),
    )
    (cost,) = (cell for cell in plan(suite) if cell.kind == "cost")
    assert cost.regime.spec == "mask(keep=0.5)"


def test_parameters_of_a_network_within_are_counted():
    import torch

    outer = nb.Restorer(bind("tiled(method=ensemble(method=bf_cnn))", "method"))
    outer.instance.inner.instance.inner.instance.net = torch.nn.Conv2d(1, 2, 3)
    assert parameters(outer, {}) == 2 * 9 + 2


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ("tiled", "needs method"),
        ("ensemble(method=oracle)", "ensemble cannot wrap oracle"),
        (f"tiled(method=ensemble(method=folder(path='{PHOTOS}')))", "cannot wrap folder"),
        ("tiled(method=median, size=0)", "a whole number from 1 to 65536"),
        ("tiled(method=median, overlap=-1)", "a whole number from 0 to 4096"),
        ("tiled(method=median, size=2.5)", "a whole number from 1 to 65536, not 2.5"),
        ("tiled(method=mediann)", "did you mean 'median'"),
    ],
)
def test_what_cannot_be_wrapped_is_said_in_one_line(method, says):
    with pytest.raises(nb.UsageError, match=says) as caught:
        cell_of(method)
    assert "\n" not in str(caught.value)


def test_what_the_method_within_does_not_apply_to_is_skipped_and_flags_are_on_the_board(cli, tmp_path: Path):
    methods = ["tiled(method=nlm, size=16)", "ensemble(method=tiled(method=nlm))", "tiled(method=wiener_deconv)"]
    cli("run", "--methods", *methods, "--datasets", "gaussian_field(n=2, size=32)", "--regimes", "gaussian(sigma=25)",
        "poisson(peak=20)", "downsample(scale=2)")  # fmt: skip
    cli("report", "nb-store", "--to", "board")
    with (tmp_path / "board" / "leaderboard.csv").open() as file:
        rows = {row["method"]: row["flags"] for row in csv.DictReader(file) if row["flags"]}
    assert rows["tiled(method=nlm, size=16)"] == "tiled"
    assert rows["ensemble(method=tiled(method=nlm))"] == "self-ensemble, tiled"
    page = (tmp_path / "board" / "leaderboard.md").read_text()
    assert "size of its input" in page
    assert "needs kernel, " in page
