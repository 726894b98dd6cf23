"""Super-resolution as its papers have it: how small pictures are made, cut, paired, and what a method is told."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.datasets import open_dataset
from noisebench.components.registry import bind
from noisebench.imaging.sample import Sample
from noisebench.text.errors import UsageError
from noisebench.tracks.restore.degrade import degrade_sample

COLOUR = np.random.default_rng(0).integers(0, 256, (37, 41, 3), dtype=np.uint8)


def opened(spec: str) -> Any:
    return open_dataset(bind(spec, "dataset"))


# --- small pictures of 8 bit ---------------------------------------------------------------------------------

AUTHORS = {
    2: {"baby": "d8d0583de473", "bird": "45d30e8107de", "butterfly": "b42608efcaf9", "head": "aff0698c7274",
        "woman": "aee68638085c"},
    3: {"baby": "099f4f994901", "bird": "b53f5c2a9b99", "butterfly": "9447df48c6b0", "head": "1ee04af05ed0",
        "woman": "4f940275ed07"},
    4: {"baby": "f306cdc324ac", "bird": "611cafb4f981", "butterfly": "6fa397dfbec3", "head": "8aa77c2c7691",
        "woman": "27b413c77e44"},
}  # fmt: skip
"""SHA-256 of the pixels (H, W, 3) of testsets/Set5/LR_bicubic in github.com/JingyunLiang/SwinIR, its beginning."""


@pytest.mark.data
@pytest.mark.parametrize("scale", AUTHORS)
def test_small_pictures_of_8_bit_are_the_files_that_authors_ship(scale: int, data_dir: Path) -> None:
    dataset = opened(f"rgb(of=folder(path={str(data_dir / 'Set5')!r}), multiple={scale})")
    for index, name in enumerate(dataset.ids):
        small, info = nb.degrade(f"downsample(scale={scale}, bits=8)", dataset.load(index).clean)
        pixels = np.rint(small * 255).astype(np.uint8)
        assert np.array_equal(small, np.float32(pixels / 255.0))
        assert hashlib.sha256(pixels.tobytes()).hexdigest()[:12] == AUTHORS[scale][name], name
        assert (info.scale, info.bit_depth) == (scale, 8)


@pytest.mark.parametrize("block, small", [([[0, 0], [1, 0]], 1), ([[0, 0], [0, 1]], 1), ([[0, 0], [0, 0]], 0)])
def test_rounding_is_half_up_after_the_columns_and_again_after_the_rows(block: list[list[int]], small: int) -> None:
    # The mean of a column, 1/2, becomes 1, and so does that of 1 and 0: rounded once, 1/4 would be 0.
    noisy, _ = nb.degrade("downsample(scale=2, kernel=area, bits=8)", np.array(block, np.uint8))
    assert noisy.item() == np.float32(small / 255)


def test_small_pictures_of_8_bit_stay_on_the_scale_and_float_ones_do_not() -> None:
    edge = np.zeros((32, 32), np.uint8)
    edge[:, 16:] = 255
    floating, rounded = (nb.degrade(f"downsample(scale=2{bits})", edge)[0] for bits in ("", ", bits=8"))
    assert floating.min() < 0 and floating.max() > 1
    assert rounded.min() == 0 and rounded.max() == 1
    assert np.abs(rounded - np.clip(floating, 0, 1)).max() <= 1 / 255


def test_a_parameter_that_came_later_changes_no_key_and_no_draw() -> None:
    old = bind("downsample(scale=2) + gaussian(sigma=5)", "regime")
    assert old.parts[0].canonical.startswith("downsample(kernel=bicubic, scale=2)")
    assert bind("downsample(scale=2, bits=None)", "regime").canonical == "downsample(kernel=bicubic, scale=2)"
    new = bind("downsample(scale=2, bits=8)", "regime")
    assert (new.canonical, new.display) == (
        "downsample(bits=8, kernel=bicubic, scale=2)",
        "downsample(bits=8, scale=2)",
    )


# --- colour --------------------------------------------------------------------------------------------------


def test_rgb_repeats_grey_and_cuts_to_a_multiple(tmp_path: Path) -> None:
    nb.write_picture(tmp_path / "a.png", COLOUR)
    nb.write_picture(tmp_path / "b.png", COLOUR[:, :, 0])
    made = opened(f"rgb(of=folder(path={str(tmp_path)!r}), multiple=4)")
    colour, grey = (made.load(i).clean for i in range(2))
    assert list(made.ids) == ["a", "b"]
    assert np.array_equal(colour, COLOUR[:36, :40])
    assert np.array_equal(grey, np.repeat(COLOUR[:36, :40, :1], 3, axis=2))
    with pytest.raises(UsageError, match="'a' is smaller than multiple=50"):
        opened(f"rgb(of=folder(path={str(tmp_path)!r}), multiple=50)").load(0)


def test_a_grey_picture_in_three_channels_scores_higher_by_the_range_of_luma(tmp_path: Path) -> None:
    # 1.32 dB for one picture of fourteen is 0.094 dB of the mean of Set14.
    nb.write_picture(tmp_path / "a.png", COLOUR[:36, :40, 0])
    data, scored = f"folder(path={str(tmp_path)!r})", ("downsample(scale=2, bits=8)", "y8(border=2)")
    grey, colour = (nb.evaluate("bicubic", d, scored[0], protocol=scored[1]).psnr for d in (data, f"rgb(of={data})"))
    assert colour - grey == pytest.approx(20 * np.log10(255 / 219), abs=1e-9)


def test_rgb_refuses_other_channels_by_name(tmp_path: Path) -> None:
    np.save(tmp_path / "deep.npy", np.zeros((8, 8, 4), np.uint8))
    with pytest.raises(UsageError, match="'deep' has 4 channels"):
        opened(f"rgb(of=folder(path={str(tmp_path)!r}, pattern='*.npy'))").load(0)


# --- pairs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path, str]:
    large, small = tmp_path / "HR", tmp_path / "LR"
    large.mkdir()
    small.mkdir()
    return large, small, f"pairs(clean={str(large)!r}, noisy={str(small)!r})"


@pytest.mark.parametrize("end", ["", "x3"])
def test_a_pair_of_a_large_and_a_small_picture_discloses_its_scale(sides: tuple[Path, Path, str], end: str) -> None:
    large, small, spec = sides
    for name in ("a", "box"):
        nb.write_picture(large / f"{name}.png", COLOUR)
        nb.write_picture(small / f"{name}{end}.png", COLOUR[:36:3, :39:3])
    dataset = opened(spec)
    assert list(dataset.ids) == ["a", "box"]
    sample = dataset.load(1)
    assert np.array_equal(sample.clean, COLOUR[:36, :39])  # what is over is cut off
    noisy, info = degrade_sample(bind("real", "regime"), sample)
    assert np.array_equal(noisy, np.float32(COLOUR[:36:3, :39:3] / 255.0))
    assert (info.scale, info.shape) == (3, (36, 39))


def test_bicubic_is_run_on_pairs_and_methods_that_keep_the_size_are_skipped(sides: tuple[Path, Path, str]) -> None:
    large, small, spec = sides
    nb.write_picture(large / "a.png", COLOUR[:36, :40])
    nb.write_picture(small / "a.png", np.rint(nb.degrade("downsample(scale=2)", COLOUR[:36, :40])[0].clip(0, 1) * 255)
                     .astype(np.uint8))  # fmt: skip
    made = nb.evaluate("bicubic", spec, "real")
    again = nb.evaluate("bicubic", f"folder(path={str(large)!r})", "downsample(scale=2) + quantize(bits=8)")
    assert made.psnr == again.psnr
    with pytest.raises(nb.Skip, match="keeps the size"):
        nb.evaluate("median", spec, "real")


@pytest.mark.parametrize("shape", [(18, 10), (37, 40), (74, 82), (13, 20)])
def test_a_pair_that_is_no_whole_number_of_times_as_large_names_both_files(
    sides: tuple[Path, Path, str], shape: tuple[int, int]
) -> None:
    large, small, spec = sides
    nb.write_picture(large / "a.png", COLOUR)
    nb.write_picture(small / "a.png", np.zeros((*shape, 3), np.uint8))
    with pytest.raises(UsageError, match=r"HR/a\.png.*LR/a\.png.*whole number of times") as refused:
        opened(spec).load(0)
    assert "\n" not in str(refused.value)


def test_names_that_end_in_a_scale_on_both_sides_are_whole_names(sides: tuple[Path, Path, str]) -> None:
    large, small, spec = sides
    for folder in (large, small):
        nb.write_picture(folder / "ax2.png", COLOUR)
    assert list(opened(spec).ids) == ["ax2"]
    nb.write_picture(small / "ax3.png", COLOUR)
    with pytest.raises(UsageError, match="'ax3' only in"):
        opened(spec)


@pytest.mark.parametrize("wrapper", ["rgb", "luma"])
def test_a_wrapper_cuts_both_pictures_of_a_pair(sides: tuple[Path, Path, str], wrapper: str) -> None:
    large, small, spec = sides
    nb.write_picture(large / "a.png", COLOUR[:36, :40])
    nb.write_picture(small / "a.png", COLOUR[:18, :20])
    sample = opened(f"{wrapper}(of={spec}, multiple=16)").load(0)
    assert sample.clean.shape[:2] == (32, 32) and sample.noisy.shape[:2] == (16, 16)
    with pytest.raises(UsageError, match="^multiple=7 .*multiple of 2: "):
        opened(f"{wrapper}(of={spec}, multiple=7)").load(0)


def test_a_real_picture_of_another_shape_is_refused_with_both_sizes() -> None:
    with pytest.raises(UsageError, match="'a' .* 37×41 and 18×20: give"):
        degrade_sample(bind("real", "regime"), Sample("a", COLOUR, COLOUR[:18, :20]))
    noisy, info = degrade_sample(
        bind("real + downsample(scale=2)", "regime"), Sample("a", COLOUR[:36, :40], COLOUR[:18, :20])
    )
    assert noisy.shape == (9, 10, 3) and info.scale == 4


# --- what a board says ---------------------------------------------------------------------------------------


def test_a_board_says_that_methods_were_given_values_outside_the_scale(cli: Any, tmp_path: Path) -> None:
    edge = np.zeros((32, 32), np.uint8)
    edge[:, 16:] = 255
    (tmp_path / "edges").mkdir()
    nb.write_picture(tmp_path / "edges" / "a.png", edge)
    regimes = ("downsample(scale=2)", "downsample(bits=8, scale=2)", "gaussian(sigma=25)")
    cli("run", "--methods", "bicubic", "identity", "--datasets", "folder(path='edges')", "--regimes", *regimes)
    cli("report", "nb-store", "--to", "board")
    boards = (tmp_path / "board" / "leaderboard.md").read_text().replace("\\", "").split("\n## ")
    said = {r: [line for b in boards if b.splitlines()[0].endswith(r) for line in b.splitlines() if "outside" in line]
            for r in regimes}  # fmt: skip
    assert [len(lines) for lines in said.values()] == [1, 0, 0]
    assert said[regimes[0]][0].startswith("- identity, bicubic: was given values outside [0, 1]")
