"""The metric `checkerboard`: white noise, patterns of known power, and parts of a picture that were made apart."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter


def measured(picture: Any, stride: int = 2) -> Any:
    clean = np.random.default_rng(99).random(picture.shape)
    (value,) = nb.score(0.5 + picture, clean, f"checkerboard(stride={stride})", "raw").values()
    return value


def white(seed: int, shape: tuple[int, ...] = (160, 128, 1)) -> Any:
    return 0.01 * np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("stride", [2, 3, 5])
def test_white_noise_has_none(stride: int) -> None:
    values = [measured(white(seed, (240, 240, 1)), stride) for seed in range(8)]
    assert np.mean(values) == pytest.approx(0, abs=0.15)


@pytest.mark.parametrize("stride", [2, 3, 5])
def test_a_pattern_adds_what_its_power_says(stride: int) -> None:
    # A sine of amplitude a has a²/4 (Σ w)² at each of two frequencies, white noise of variance v has v Σ w² everywhere.
    side, amplitude = 8 * stride, 0.02
    taps = np.hanning(side + 1)[:-1]
    across = np.arange(240) % stride
    pattern = amplitude * np.cos(2 * np.pi * across / stride)[None, :, None] * np.ones((240, 1, 1))
    added = (amplitude**2 if stride == 2 else amplitude**2 / 4) * taps.sum() ** 4
    frequencies = 1 if stride == 2 else 2
    noise = 1e-4 * (taps @ taps) ** 2 * (stride**2 - 1)
    due = 10 * np.log10(1 + frequencies * added / noise)
    assert measured(white(0, (240, 240, 1)) + pattern, stride) == pytest.approx(due, abs=0.4)


def test_four_smooth_parts_that_were_made_apart_are_one_and_a_smooth_whole_is_none() -> None:
    whole = gaussian_filter(white(1), (2, 2, 0))
    apart = np.zeros_like(whole)
    for number in range(4):
        part = gaussian_filter(white(2 + number, (80, 64, 1)), (3, 3, 0))
        apart[number // 2 :: 2, number % 2 :: 2] = part
    assert measured(apart) > 6
    assert measured(whole) < 0


def test_channels_add_up_and_scale_does_not_count() -> None:
    picture = white(3, (64, 64, 3))
    assert measured(5 * picture) == pytest.approx(measured(picture), abs=1e-9)
    assert measured(np.repeat(picture[:, :, :1], 3, axis=2)) == pytest.approx(measured(picture[:, :, :1]), abs=1e-9)


def test_small_pictures_and_flat_ones_are_not_defined() -> None:
    assert measured(white(0, (15, 40, 1))).reason == "checkerboard needs at least 16×16 pixels, not 15×40"
    assert measured(white(0, (39, 40, 1)), 5).reason.startswith("checkerboard needs at least 40×40")
    assert "not flat" in measured(np.zeros((64, 64, 1))).reason


@pytest.mark.parametrize("name", ["camera", "coffee", "text"])
def test_photographs_have_none(name: str) -> None:
    from skimage import data

    picture = getattr(data, name)() / 255.0
    value = measured(picture.reshape(*picture.shape[:2], -1) - 0.5)
    assert -8 < value < 3
