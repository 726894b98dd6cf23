"""The noise behind published tables: bit-exact, by the formula and by golden values."""

from __future__ import annotations

import math
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.imaging.pixels import bytes_sha256
from noisebench.tracks.restore.regimes.dncnn_matlab import matlab_randn_v4


def published(picture: np.ndarray, sigma: float) -> np.ndarray:
    """The formula as it was published, with numpy's global generator put back afterwards."""
    state = np.random.get_state()
    np.random.seed(0)
    noise = np.random.normal(0, sigma / 255.0, picture.shape)
    np.random.set_state(state)
    return np.float32(picture / 255 + noise)


def ramp(*shape: int) -> np.ndarray:
    return (np.arange(np.prod(shape)) * 7 % 256).astype(np.uint8).reshape(shape)


def test_first_values_of_the_draws_are_the_published_ones() -> None:
    noisy, info = nb.degrade("kair(sigma=25)", np.zeros((256, 256), np.uint8))
    assert noisy.shape == (256, 256) and noisy.dtype == np.float32
    assert np.array_equal(noisy[0, :3], np.float32([0.17294631, 0.0392311, 0.0959547]))
    assert info.sigma == 25 / 255


@pytest.mark.parametrize("shape", [(7, 5), (16, 24), (6, 9, 3), (1, 1)])
@pytest.mark.parametrize("sigma", [15, 25, 50, 12.5])
def test_equals_the_formula_bit_for_bit(shape: tuple[int, ...], sigma: float) -> None:
    picture = ramp(*shape)
    noisy, _ = nb.degrade(f"kair(sigma={sigma})", picture)
    assert noisy.tobytes() == published(picture, sigma).tobytes()


def test_restormer_adds_the_same_draws_to_the_float32_picture() -> None:
    picture = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    expected = np.float32(picture) / 255.0
    expected += np.random.RandomState(0).normal(0, 25 / 255.0, picture.shape)
    noisy, info = nb.degrade("restormer(sigma=25)", picture)
    assert expected.dtype == np.float32 and noisy.tobytes() == expected.tobytes()
    assert info.sigma == 25 / 255


def test_swinir_draws_for_blue_green_and_red() -> None:
    rgb = ramp(6, 9, 3)
    bgr = rgb[:, :, ::-1].astype(np.float32) / 255.0  # as OpenCV reads the file
    drawn = np.float32(bgr + np.random.RandomState(0).normal(0, 25 / 255.0, bgr.shape))
    noisy, info = nb.degrade("swinir(sigma=25)", rgb)
    assert noisy.tobytes() == np.ascontiguousarray(drawn[:, :, ::-1]).tobytes()
    assert noisy.tobytes() != nb.degrade("restormer(sigma=25)", rgb)[0].tobytes()
    assert info.sigma == 25 / 255


def test_swinir_and_restormer_give_a_grey_picture_the_same_noise() -> None:
    noisy = [nb.degrade(f"{name}(sigma=25)", ramp(8, 9))[0] for name in ("swinir", "restormer")]
    assert np.array_equal(*noisy)


def test_a_grey_picture_with_a_channel_axis_gets_the_same_values() -> None:
    flat, _ = nb.degrade("kair(sigma=25)", ramp(8, 9))
    deep, _ = nb.degrade("kair(sigma=25)", ramp(8, 9)[:, :, None])
    assert flat.tobytes() == deep.tobytes()


def test_seed_draw_and_the_global_generator_change_nothing() -> None:
    np.random.seed(123)
    before = np.random.get_state()[1].copy()
    first, _ = nb.degrade("kair(sigma=25)", ramp(8, 9), seed=0)
    other, _ = nb.degrade("kair(sigma=25)", ramp(8, 9), seed=7, draw=3)
    assert first.tobytes() == other.tobytes()
    assert np.array_equal(before, np.random.get_state()[1])


def test_golden_hashes() -> None:
    hashes = {shape: bytes_sha256(nb.degrade("kair(sigma=25)", ramp(*shape))[0]) for shape in ((32, 48), (32, 48, 3))}
    assert hashes == {
        (32, 48): "de8a26482a922da41a47aa976f4deb5592ab016f01d81ae9481ceac27b64fddf",
        (32, 48, 3): "df8e69f7ed4d7561a1b9ea6b13aa81b32d3c05170fa0f86654f4c0e667290618",
    }


def test_matlab_v4_draws_are_those_of_its_documentation() -> None:
    """randn('seed', 0); randn(20, 1) as MATLAB prints it to four decimals."""
    printed = [
        1.1650, 0.6268, 0.0751, 0.3516, -0.6965, 1.6961, 0.0591, 1.7971, 0.2641, 0.8717,
        -1.4462, -0.7012, 1.2460, -0.6390, 0.5774, -0.3600, -0.1356, -1.3493, -1.2704, 0.9846,
    ]  # fmt: skip
    assert np.array_equal(np.round(matlab_randn_v4(20), 4), printed)


@pytest.mark.parametrize("n", [0, 1, 2, 1000, 65_536])
def test_matlab_v4_draws_equal_the_recurrence_written_out(n: int) -> None:
    state, expected = 1144108930, []
    while len(expected) < min(n, 2000):
        pair = []
        for _ in range(2):
            state = 16807 * state % (2**31 - 1)
            pair.append(2 * (state / (2**31 - 1)) - 1)
        s = pair[0] ** 2 + pair[1] ** 2
        if s < 1:
            expected.append(pair[0] * math.sqrt(-2 * math.log(s) / s))
    draws = matlab_randn_v4(n)
    assert draws.shape == (n,)
    np.testing.assert_allclose(draws[: len(expected)], expected, rtol=1e-14, atol=0)


def test_matlab_noise_runs_down_the_columns_and_channel_by_channel() -> None:
    black = np.zeros((3, 2, 3), np.uint8)
    noisy, info = nb.degrade("dncnn_matlab(sigma=25)", black)
    draws = np.float32(25 / 255 * matlab_randn_v4(18))
    assert np.array_equal(noisy[:, :, 0].T.ravel(), draws[:6])
    assert np.array_equal(noisy[:, :, 2].T.ravel(), draws[12:])
    assert info.sigma == 25 / 255


@pytest.mark.data
def test_noise_is_not_clipped_and_the_noisy_psnr_shows_it(data_dir: Path) -> None:
    clean = nb.read_picture(data_dir / "Set12" / "01.png")
    noisy, _ = nb.degrade("kair(sigma=25)", clean)
    assert noisy.min() < 0 < 1 < noisy.max()
    assert noisy.tobytes() == published(clean, 25).tobytes()
    assert nb.psnr(noisy, clean, protocol="raw") == pytest.approx(20.21, abs=0.005)
    assert nb.psnr(noisy, clean, protocol="float") == pytest.approx(20.62, abs=0.005)
