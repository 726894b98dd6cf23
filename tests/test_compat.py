"""The noise behind published tables: bit-exact, by the formula and by golden values."""

from __future__ import annotations

from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.regimes.degrade import bytes_sha256


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


@pytest.mark.data
def test_noise_is_not_clipped_and_the_noisy_psnr_shows_it(data_dir: Path) -> None:
    clean = nb.read_picture(data_dir / "Set12" / "01.png")
    noisy, _ = nb.degrade("kair(sigma=25)", clean)
    assert noisy.min() < 0 < 1 < noisy.max()
    assert noisy.tobytes() == published(clean, 25).tobytes()
    assert nb.psnr(noisy, clean, protocol="raw") == pytest.approx(20.21, abs=0.005)
    assert nb.psnr(noisy, clean, protocol="float") == pytest.approx(20.62, abs=0.005)
