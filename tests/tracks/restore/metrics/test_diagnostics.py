"""Diagnostics on pictures whose error is known."""

import itertools
import math

import cv2
import noisebench as nb
import numpy as np
import pytest
from noisebench.tracks.restore.metrics._errors import regions
from skimage import data

ALL = (
    "error_autocorrelation",
    "error_high_share",
    "error_band",
    "residual_whiteness",
    "residual_autocorrelation",
    "psnr_flat",
    "psnr_edge",
    "psnr_texture",
)
GREY = np.full((256, 256), 0.5)
WHITE = 0.1 * np.random.default_rng(0).normal(size=GREY.shape)
ROW, COLUMN = np.mgrid[:256, :256]


def measure(name, restored, clean=GREY, protocol="raw"):
    (value,) = nb.score(restored, clean, name, protocol).values()
    return value


# --- the error -------------------------------------------------------------------------------------------------


def test_a_white_error_has_no_correlation_and_most_of_its_power_above_half_nyquist():
    assert measure("error_autocorrelation", GREY + WHITE) == pytest.approx(0, abs=0.01)
    assert measure("error_high_share", GREY + WHITE) == pytest.approx(1 - math.pi / 16, abs=0.005)


def test_a_constant_shift_is_no_correlation_of_the_error():
    assert measure("error_autocorrelation", GREY + WHITE + 0.2) == pytest.approx(
        measure("error_autocorrelation", GREY + WHITE), abs=1e-9
    )


def test_an_averaged_error_has_the_correlation_of_its_window():
    four = sum(np.roll(WHITE, (i, j), (0, 1)) for i in (0, 1) for j in (0, 1))
    assert measure("error_autocorrelation", GREY + four) == pytest.approx(0.5, abs=0.01)
    assert measure("error_autocorrelation(lag=2)", GREY + four) == pytest.approx(0, abs=0.01)


def test_a_checkerboard_is_the_opposite_of_a_blur():
    board = 0.1 * (-1.0) ** (ROW + COLUMN)
    assert measure("error_autocorrelation", GREY + board) == pytest.approx(-1, abs=1e-12)
    assert measure("error_high_share", GREY + board) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("width", [256, 255])
def test_two_waves_share_the_power_as_their_squares(width):
    clean = np.full((256, width), 0.5)
    row, column = np.mgrid[:256, :width]
    slow = 0.3 * np.cos(2 * np.pi * 10 * row / 256)
    fast = 0.1 * np.cos(2 * np.pi * 100 * column / width)
    assert measure("error_high_share", clean + slow + fast, clean) == pytest.approx(0.1, abs=1e-12)


@pytest.mark.parametrize("name", ["error_autocorrelation", "error_high_share"])
def test_no_error_is_not_defined(name):
    assert "needs an error" in measure(name, GREY).reason


@pytest.mark.parametrize("sigma", [1, 5, 25])
def test_the_noise_level_is_that_added(sigma):
    noisy = GREY + sigma / 255 * np.random.default_rng(1).normal(size=GREY.shape)
    assert measure("noise_level", noisy) == pytest.approx(sigma, rel=0.02)


def test_a_plane_has_no_noise_left():
    assert measure("noise_level", ROW / 512 + COLUMN / 1024) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("width", [256, 255])
def test_rings_of_the_spectrum_add_up_and_the_outer_ones_are_the_high_share(width):
    clean = np.full((200, width), 0.5)
    error = clean + 0.1 * np.random.default_rng(0).normal(size=clean.shape)
    edges = (0.0, 0.125, 0.25, 0.375, 0.5, 0.75)
    shares = [measure(f"error_band(low={low}, high={high})", error, clean) for low, high in itertools.pairwise(edges)]
    assert sum(shares) == pytest.approx(1, abs=1e-12)
    assert sum(shares[2:]) == pytest.approx(measure("error_high_share", error, clean), abs=1e-12)
    areas = [math.pi * (high**2 - low**2) for low, high in itertools.pairwise(edges[:5])]
    assert shares[:4] == pytest.approx(areas, abs=0.01)


def test_a_ring_with_no_width_is_not_defined():
    assert (
        measure("error_band(low=0.3, high=0.2)", GREY + WHITE).reason == "error_band needs low < high, not 0.3 and 0.2"
    )


# --- the residual ----------------------------------------------------------------------------------------------


def residual(name, restored, noisy, clean=GREY, protocol="uint8"):
    (value,) = nb.score(restored, clean, name, protocol, noisy=noisy).values()
    return value


def test_a_residual_of_white_noise_is_white_even_where_the_protocol_would_clip():
    bright = np.full(GREY.shape, 0.99)
    assert residual("residual_whiteness", bright, bright + WHITE, bright) == pytest.approx(1, abs=0.01)
    assert residual("residual_autocorrelation", bright, bright + WHITE, bright) == pytest.approx(0, abs=0.01)


def test_structure_taken_away_shows_in_the_residual():
    photo = data.camera()[100:356, 150:406] / 255
    noisy = photo + WHITE
    smooth = cv2.GaussianBlur(noisy, (0, 0), 5)
    assert residual("residual_whiteness", smooth, noisy, photo) < 0.75
    assert residual("residual_autocorrelation", smooth, noisy, photo) > 0.3


def test_smooth_noise_left_behind_shows_in_the_residual():
    left = cv2.GaussianBlur(WHITE, (0, 0), 0.5)
    assert residual("residual_whiteness", GREY + left, GREY + WHITE) < 0.7
    assert residual("residual_autocorrelation", GREY + left, GREY + WHITE) < -0.3


def test_the_flatness_of_one_wave_is_nothing():
    wave = 0.1 * np.cos(2 * np.pi * 10 * ROW / 256)
    assert residual("residual_whiteness", GREY, GREY + wave) < 1e-12


@pytest.mark.parametrize("name", ["residual_whiteness", "residual_autocorrelation"])
def test_without_a_noisy_input_of_the_same_size_there_is_no_residual(name):
    reason = f"{name} needs the noisy input, of the size of the restored picture"
    assert measure(name, GREY + WHITE).reason == reason
    assert residual(name, GREY, GREY[::2, ::2]).reason == reason
    assert residual(name, GREY, GREY).reason.startswith(f"{name} needs a residual")


def test_the_residual_of_a_run_is_that_of_its_input():
    result = nb.evaluate("identity", "photos", "gaussian(sigma=25)", metrics=("psnr", "residual_whiteness"), limit=1)
    assert math.isnan(result.rows[0]["residual_whiteness"])  # nothing was taken away
    result = nb.evaluate(
        "gaussian_filter", "photos", "gaussian(sigma=25)", metrics=("psnr", "residual_whiteness"), limit=1
    )
    assert 0 < result.rows[0]["residual_whiteness"] < 1


# --- regions ---------------------------------------------------------------------------------------------------


def test_regions_of_a_picture_made_of_the_three():
    picture = np.full((96, 96), 128.0)
    picture[:, 32:64] = np.where(np.arange(96) < 48, 40, 220)[:, None]
    picture[:, 64:] += np.random.default_rng(0).choice([-60, 60], (96, 32))
    found = regions(picture[:, :, None], 255.0)
    assert (found[:, :24] == 0).all()
    assert (found[46:50, 40:56] == 1).all() and (found[10:36, 40:56] == 0).all()
    assert (found[8:-8, 72:-8] == 2).mean() > 0.95


def test_regions_do_not_depend_on_the_scale_nor_on_a_copied_channel():
    grey = data.camera()[100:200, 150:250].astype(np.float64)[:, :, None]
    found = regions(grey, 255.0)
    assert np.array_equal(regions(grey / 256, 255.0 / 256), found)  # a power of two: no rounding
    assert np.array_equal(regions(np.repeat(grey, 4, axis=2), 255.0), found)
    assert {0, 1, 2} == set(np.unique(found))


def test_the_regions_together_are_the_whole():
    clean = data.astronaut()[:120, 150:270]
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 20, clean.shape), 0, 255).astype(np.uint8)
    shares = [np.mean(regions(clean, 255.0) == kind) for kind in range(3)]
    values = [measure(f"psnr_{where}", noisy, clean, "uint8") for where in ("flat", "edge", "texture")]
    error = sum(share * 10 ** (-value / 10) for share, value in zip(shares, values, strict=True))
    assert -10 * math.log10(error) == pytest.approx(nb.psnr(noisy, clean), abs=1e-9)


def test_a_blur_loses_at_edges_and_not_in_flats():
    clean = np.where(COLUMN < 128, 0.2, 0.8)
    blurred = np.where(abs(COLUMN - 127.5) < 2, 0.5, clean)
    assert measure("psnr_flat", blurred, clean) == math.inf
    assert measure("psnr_edge", blurred, clean) < 20
    assert measure("psnr_texture", blurred, clean).reason.startswith("psnr_texture: the clean picture")


# --- every one ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_tiny_pictures_have_a_value_or_a_reason(name, size):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    value = measure(name, x, y, "uint8")
    assert math.isfinite(value) or value.reason


@pytest.mark.parametrize("name", ALL)
def test_a_border_that_leaves_nothing_is_not_defined(name):
    assert measure(name, GREY, GREY, "y8(border=999)").reason


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_any_number_of_channels_is_measured(name, channels):
    clean = np.repeat(data.camera()[100:164, 150:214, None], channels, axis=2)
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 20, clean.shape), 0, 255).astype(np.uint8)
    (value,) = nb.score(noisy, clean, name, noisy=np.roll(noisy, 1, axis=0)).values()
    assert math.isfinite(value)


@pytest.mark.parametrize("size", [20, 40, 500])
@pytest.mark.parametrize("down, across", [(3, 4), (4, 3), (5, 0), (0, 5)])
def test_a_wave_at_a_quarter_cycle_exactly_is_low_at_every_size(size, down, across):
    row, column = np.mgrid[:size, :size] / 20
    wave = 0.1 * np.cos(2 * np.pi * (down * row + across * column))
    assert measure("error_high_share", 0.5 + wave, np.full((size, size), 0.5)) == pytest.approx(0, abs=1e-12)
    assert measure("error_band(low=0.125, high=0.25)", 0.5 + wave, np.full((size, size), 0.5)) == pytest.approx(1)
    assert measure("error_band(low=0.25, high=0.5)", 0.5 + wave, np.full((size, size), 0.5)) == pytest.approx(0)
