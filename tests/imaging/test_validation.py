"""What is taken for a picture: floats on [0, 1], channels last, one scale for both of a pair; all else is refused."""

from __future__ import annotations

from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.imaging.pixels import bytes_sha256, canonical, value_sha256
from noisebench.imaging.sample import Sample
from noisebench.imaging.validation import WIDEST, why_off_scale
from noisebench.tracks.restore.degrade import degrade_sample
from noisebench.tracks.restore.track import TRACK
from regime_inputs import SPECS, picture

U = picture(40, 36, 3)
F = U.astype(np.float32) / 255
R = np.clip(U + np.random.default_rng(0).normal(0, 25, U.shape), 0, 255).round().astype(np.uint8)
NOISY = nb.degrade("gaussian(sigma=25)", U)[0]
DB = nb.psnr(R, U)

WAYS = {
    "degrade": lambda restored, clean, **more: nb.degrade("gaussian(sigma=25)", clean, **more),
    "psnr": nb.psnr,
    "ssim": nb.ssim,
    "score": nb.score,
}


def chw(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


# --- one picture, whatever holds it ------------------------------------------------------------------------

FORMS = {
    "uint16": U.astype(np.uint16) * 257,
    "float32": U.astype(np.float32) / 255,
    "float32 by the reciprocal": U.astype(np.float32) * np.float32(1 / 255),
    "float64": U / 255,
    "float64 of 16 bits": U.astype(np.uint16) * 257 / 65535,
    "big-endian": (U / 255).astype(">f4"),
    "big-endian of 16 bits": (U.astype(np.uint16) * 257).astype(">u2"),
    "uint8 tensor": chw(U)[None],
    "CHW uint8 tensor": chw(U),
    "float tensor": chw(U)[None].float() / 255,
    "CHW double tensor": chw(U).double() / 255,
}


@pytest.mark.parametrize("spec", [s for s in SPECS if s != "real"])
def test_a_picture_gets_the_same_noise_and_knowledge_whatever_type_and_layout_holds_it(spec: str) -> None:
    due, info = nb.degrade(spec, U, seed=3)
    for form, given in FORMS.items():
        noisy, told = nb.degrade(spec, given, seed=3)
        if isinstance(noisy, torch.Tensor):
            noisy = noisy.reshape(noisy.shape[-3:]).permute(1, 2, 0).numpy()
        assert bytes_sha256(noisy) == bytes_sha256(due), form
        assert repr(told.disclosed()) == repr(info.disclosed()), form


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_value_divided_by_its_largest_is_that_value_again(dtype: type) -> None:
    whole = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(16, -1)
    top = np.iinfo(dtype).max
    for unit in (whole / top, (whole / top).astype(np.float32), whole.astype(np.float32) * np.float32(1 / top)):
        assert np.array_equal(canonical(unit), whole)
        assert canonical(unit).dtype == dtype


def test_a_picture_between_the_grids_stays_the_float_that_it_is() -> None:
    between = F.copy()
    between[3, 4, 1] += 1e-3
    assert canonical(between).dtype == np.float32
    assert np.array_equal(canonical(between), between)
    assert value_sha256(between) == value_sha256(between.astype(np.float64)) != value_sha256(F)


def test_a_set_of_such_floats_is_another_cell_than_it_was_and_one_of_8_bits_is_not() -> None:
    assert TRACK.identify(Sample("a", U)) == f"'a' {nb.pixel_sha256(U)} - -"
    assert TRACK.identify(Sample("a", F)) == f"'a' {nb.pixel_sha256(F)}={nb.pixel_sha256(U)} - -"


# --- what is refused, everywhere alike ---------------------------------------------------------------------

CLEAN = {
    "0–255": (F * 255, r"values 0 … 255, and floats are on \[0, 1\]: divide it by 255, .* range=255"),
    "0–65535": (F.astype(np.float64) * 65535, "divide it by 65535"),
    "[-1, 1]": (2 * F - 1, r"take \(x \+ 1\) / 2, or say range=\(-1, 1\)"),
    "beyond an overshoot": (F * 1.3, r"clip it, or say range=\(0, 1\)"),
    "channels first": (F.transpose(2, 0, 1), r"\(3, 40, 36\), channels first: transpose it to \(H, W, C\)"),
    "channels last": (torch.from_numpy(F)[None], r"channels last: call .permute\(0, 3, 1, 2\)"),
    "int64": (U.astype(np.int64), "int64: give uint8, uint16 or float"),
    "no array": ([[1, 2], [3]], "is no array"),
    "masked pixels": (np.ma.masked_greater(U, 200), r"has masked pixels, which would count: .*\.filled\(value\)"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", CLEAN)
def test_a_clean_picture_that_is_none_is_refused_with_the_remedy(way: str, what: str) -> None:
    clean, remedy = CLEAN[what]
    with pytest.raises(nb.UsageError, match=f"^clean .*{remedy}") as caught:
        WAYS[way](R, clean)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("way", ["psnr", "ssim", "score"])
@pytest.mark.parametrize("clean", [U, F, chw(F)[None]], ids=["uint8", "float", "tensor"])
@pytest.mark.parametrize(
    ("restored", "remedy"),
    [
        (R.astype(np.float32), "divide it by 255, or say range=255"),
        (NOISY * 255, "divide it by 255, or say range=255"),
        (NOISY.astype(np.float64) * 65535, "divide it by 65535"),
        (R / 127.5 - 1, r"take \(x \+ 1\) / 2, or say range=\(-1, 1\)"),
        (2 * NOISY - 1, r"take \(x \+ 1\) / 2, or say range=\(-1, 1\)"),
        (NOISY.transpose(2, 0, 1), "channels first"),
    ],
    ids=["0–255", "noisy 0–255", "0–65535", "[-1, 1]", "noisy [-1, 1]", "CHW"],
)
def test_a_restored_picture_on_another_scale_than_the_clean_one_is_refused(way, clean, restored, remedy) -> None:
    with pytest.raises(nb.UsageError, match=f"^restored .*{remedy}"):
        WAYS[way](restored, clean)


def test_exchanged_arguments_are_named_where_values_show_it() -> None:
    assert NOISY.min() < -0.1 and NOISY.max() > 1.1
    for other in (U, F):
        with pytest.raises(nb.UsageError, match="^clean picture .* exchanged"):
            nb.psnr(other, NOISY)
    with pytest.raises(nb.UsageError, match=r"not ndarray: degrade\(regime, clean\)"):
        nb.degrade(U, "gaussian(sigma=25)")  # type: ignore[arg-type]


@pytest.mark.parametrize("sigma", [100, 1000])
def test_what_a_run_makes_and_scores_is_scored_here_too(sigma: int) -> None:
    noisy, _ = nb.degrade(f"gaussian(sigma={sigma})", U)
    assert noisy.min() < -1.2 and noisy.max() > 2.2
    assert np.isfinite(nb.psnr(noisy, U)) and np.isfinite(nb.psnr(noisy, F, "raw"))
    checkers = np.where(np.indices(U.shape).sum(0) % 2, -900, 900) + F  # a method that diverges keeps the mean
    assert np.isfinite(nb.psnr(checkers, U, "raw"))
    few = nb.degrade("poisson(peak=0.01)", U)[0]
    assert few.max() >= 100 and np.isfinite(nb.psnr(few, U))


@pytest.mark.parametrize("level", [0.0, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("sigma", [30, 100, 1000, 100_000])
def test_noise_of_any_strength_on_small_flat_pictures_is_never_taken_for_another_scale(level, sigma) -> None:
    clean = np.full((16, 16), level, np.float32)
    for seed in range(20):
        nb.psnr(nb.degrade(f"gaussian(sigma={sigma})", clean, seed=seed)[0], clean)


# --- range= says otherwise ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scaled", "value_range"),
    [
        (lambda p: p.astype(np.float32), 255),
        (lambda p: p * 1.0, (0, 255.0)),
        (lambda p: p / 127.5 - 1, (-1, 1)),
        (lambda p: p * 1.0, np.int64(255)),
        (lambda p: p * 1.0, np.float32(255)),
    ],
    ids=["255", "(0, 255)", "(-1, 1)", "int64", "float32"],
)
def test_range_brings_floats_to_the_numbers_of_8_bits(scaled, value_range) -> None:
    for clean in (scaled(U), U):
        assert nb.psnr(scaled(R), clean, range=value_range) == pytest.approx(DB, abs=1e-6)
        assert nb.ssim(scaled(R), clean, range=value_range) == pytest.approx(nb.ssim(R, U), abs=1e-7)
    noisy, _ = nb.degrade("gaussian(sigma=25)", scaled(U), range=value_range)
    assert np.array_equal(noisy, NOISY)
    noisy, _ = nb.degrade("gaussian(sigma=25)", chw(scaled(U)), range=value_range)
    assert np.array_equal(noisy.permute(1, 2, 0).numpy(), NOISY)


def test_range_0_1_takes_a_picture_as_it_stands() -> None:
    assert nb.psnr(F * 1.3, F * 1.3, "raw", range=(0, 1)) == np.inf
    wide = np.clip(2.5 * F - 0.5, *WIDEST)
    assert nb.degrade("none", wide, range=(0, 1))[0].max() == wide.max()


def test_a_picture_on_0_1_where_another_range_is_said_is_refused() -> None:
    for pair in ((R.astype(float), F), (F, U.astype(float))):
        with pytest.raises(nb.UsageError, match=r"range=255 is said: it is on \[0, 1\]; multiply it by 255"):
            nb.psnr(*pair, range=255)
    with pytest.raises(nb.UsageError, match="^clean picture is float "):
        nb.psnr(R, U.astype(float), range=(-1, 1))


@pytest.mark.parametrize("value_range", [0, -255, (1, 0), (0, 1, 2), "255", float("nan"), True, (0, float("inf"))])
def test_a_range_is_a_number_or_two(value_range: object) -> None:
    with pytest.raises(nb.UsageError, match=r"^range is 255, \(-1, 1\)"):
        nb.psnr(F, F, range=value_range)  # type: ignore[arg-type]


# --- sets of pictures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clean", "says"),
    [
        (F * 255, "divide it by its peak"),
        (2 * F - 1, r"it looks like \[-1, 1\]"),
        (F.transpose(2, 0, 1), "channels first"),
        (U.astype(np.int32), "is int32"),
    ],
)
def test_an_item_of_a_dataset_that_is_no_picture_is_refused_by_name_before_anything_runs(clean, says) -> None:
    for use in (TRACK.identify, lambda item: degrade_sample(bind("none", "regime"), item)):
        with pytest.raises(nb.UsageError, match=f"^'one': clean picture .*{says}"):
            use(Sample("one", clean))


@pytest.mark.parametrize(("noisy", "says"), [(R * 1.0, "divide it by 255$"), (R / 127.5 - 1, r"take \(x \+ 1\) / 2$")])
def test_the_own_noisy_picture_of_an_item_is_on_the_scale_of_the_clean_one(noisy, says) -> None:
    with pytest.raises(nb.UsageError, match=f"^'one': noisy picture is float .*{says}"):
        degrade_sample(bind("real", "regime"), Sample("one", U, noisy))


def test_synthetic_fields_that_leave_0_1_are_taken() -> None:
    data = nb.open_dataset(nb.bind("gaussian_field(std=0.25, exponent=0, n=3)", "dataset"))
    for index in range(3):
        item = data.load(index)
        assert item.clean.min() < -0.1
        TRACK.identify(item)


def test_folders_of_floats_on_other_scales_are_refused(cli, tmp_path: Path) -> None:
    for name, scaled in (("clean", F), ("restored", np.clip(R / 127.5 - 1, -1, 1)), ("signed", 2 * F - 1)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "a.npy", scaled.astype(np.float32))
    done = cli("score", "restored", "clean", code=2)
    assert "a.npy: restored picture is float" in done.stderr and "take (x + 1) / 2" in done.stderr
    assert "range=" not in done.stderr and done.stderr.count("\n") == 1
    done = cli("explain", "restored/a.npy", "clean/a.npy", code=2)
    assert "restored picture is float" in done.stderr and "take (x + 1) / 2" in done.stderr
    spec = "folder(path='signed', pattern='*.npy')"
    done = cli("run", "--methods", "identity", "--datasets", spec, "--regimes", "none", code=2)
    assert "'a': clean picture " in done.stderr and " -1 … 1" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "nb-store").exists()


def test_the_scale_of_an_output_is_told_by_its_mean() -> None:
    assert why_off_scale(F * 255) == "values 0 … 255, as on 0–255"
    assert why_off_scale(F.astype(np.float64) * 65535) == "values 0 … 65535, as on 0–65535"
    for fine in (F, NOISY, NOISY * 3, F - 200, F + 1e6, np.where(F > 0.99, 100, 0.0)):
        assert why_off_scale(fine) == ""


def test_the_patches_of_a_set_metric_are_the_same_for_8_bits_and_floats_of_them() -> None:
    fd = "fd(features=efficientnet_lite0_mid, patch=16, stride=2, most=4, allow_small=True)"
    eight, floats = (nb.score_sets([R, R[::-1]], [clean, clean[::-1]], fd) for clean in (U, F))
    assert next(iter(eight.values()))["value"] is not None
    assert eight == floats
