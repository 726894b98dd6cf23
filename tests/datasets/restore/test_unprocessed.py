"""Pictures taken back to a sensor and developed: the way there and back, and what noise becomes on it."""

from __future__ import annotations

from typing import Any

import cv2
import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.datasets.restore._camera_pipeline import (
    demosaiced,
    developed,
    drawn_camera,
    mosaic,
    packed,
    process,
    unpacked,
    unprocess,
)

PHOTOS = "centre_crop(of=rgb(of=photos), size=128)"


def opened(spec: str) -> Any:
    return nb.open_dataset(bind(spec, "dataset"))


def cameras() -> list[Any]:
    return [drawn_camera(np.random.default_rng(seed)) for seed in range(8)]


def ramp(channels: tuple[float, float, float]) -> np.ndarray:
    """Smooth, so that demosaicing has nothing to lose inside."""
    grey = np.linspace(0.1, 0.8, 64)[:, None, None] * np.ones((1, 64, 1))
    return grey * np.array(channels)


@pytest.mark.parametrize("camera", cameras(), ids=range(8))
def test_a_picture_comes_back_within_a_grey_level_where_it_is_smooth(camera: Any) -> None:
    for tint in ((1, 1, 1), (1, 0.8, 0.7), (0.8, 1, 0.9)):
        picture = ramp(tint)
        back = process(mosaic(unprocess(picture, camera)), camera)
        assert np.abs(back - picture)[2:-2, 2:-2].max() < 1 / 255


def test_photographs_come_back_within_a_grey_level_where_all_colours_are_kept() -> None:
    photos, camera, shares = opened(PHOTOS), cameras()[0], []
    for index in range(12):
        picture = photos.load(index).clean / 255
        linear = unprocess(picture, camera)
        off = np.abs(developed(np.clip(linear * camera.gains, 0, 1), camera) - picture).max(axis=2)
        kept = ((linear > 0).all(axis=2) | (picture == 0).all(axis=2)) & (picture.max(axis=2) < 0.9)
        assert off[kept].max(initial=0) < 1 / 255
        shares.append(kept.mean())
    assert np.mean(shares) > 0.7, "the rest is brighter or has more colour than a camera keeps"


def test_smooth_photographs_come_back_through_the_filters_of_a_sensor() -> None:
    photos = opened(PHOTOS)
    for index in range(12):
        picture = cv2.GaussianBlur(photos.load(index).clean, (0, 0), 3) / 255
        back = process(mosaic(unprocess(picture, cameras()[0])), cameras()[0])
        assert nb.psnr(back, picture, "float") > 30


@pytest.mark.parametrize("camera", cameras(), ids=range(8))
def test_white_stays_white_and_black_black_and_grey_grey_whatever_the_gains(camera: Any) -> None:
    for level in (0.0, 0.5, 1.0):
        picture = np.full((8, 8, 3), level)
        np.testing.assert_allclose(process(mosaic(unprocess(picture, camera)), camera), level, atol=1e-6)
    assert camera.matrix.sum(axis=1) == pytest.approx(1)
    assert unprocess(np.full((2, 2, 3), 0.5), camera)[0, 0, 1] < 0.25, "linear light, darkened"


def test_demosaicing_keeps_what_the_sensor_has_and_is_exact_for_planes() -> None:
    rows, columns = np.mgrid[:12, :10] / 20.0
    plane = np.stack([rows, columns, 1 - rows - columns / 4], axis=2)
    np.testing.assert_allclose(demosaiced(mosaic(plane))[1:-1, 1:-1], plane[1:-1, 1:-1], atol=1e-12)
    sensor = np.random.default_rng(0).random((12, 10))
    np.testing.assert_array_equal(mosaic(demosaiced(sensor)), sensor)
    np.testing.assert_array_equal(unpacked(packed(sensor)), sensor)
    np.testing.assert_array_equal(packed(sensor)[1, 2], [sensor[2, 4], sensor[2, 5], sensor[3, 4], sensor[3, 5]])


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def noise_of(spec: str, level: int) -> np.ndarray:
    """What is added to a flat grey picture, (H, W, 3) in grey levels."""

    @nb.dataset(f"flat_{level}")
    class Flat:
        ids = ("flat",)

        def load(self, index: int) -> nb.Sample:
            return nb.Sample("flat", np.full((256, 256, 3), level, np.uint8))

    sample = opened(spec.format(f"flat_{level}")).load(0)
    return sample.noisy.astype(float) - sample.clean


def test_white_noise_of_the_sensor_is_correlated_between_pixels_and_channels_once_developed() -> None:
    noise = noise_of("unprocessed(of={}, noise=gaussian(sigma=2))", 128)
    raw = np.random.default_rng(0).standard_normal((256, 256))
    assert abs(correlation(raw[:, 1:], raw[:, :-1])) < 0.02
    for channel in range(3):
        plane = noise[:, :, channel]
        for one, other in ((plane[1:], plane[:-1]), (plane[:, 1:], plane[:, :-1])):
            assert correlation(one, other) > 0.25
        assert abs(correlation(plane[4:], plane[:-4])) < 0.05, "no further than demosaicing reaches"
    assert abs(correlation(noise[:, :, 0], noise[:, :, 1])) > 0.1


def test_noise_depends_on_the_brightness() -> None:
    spec = "unprocessed(of={}, noise=poisson_gaussian(peak=1000, sigma=0.5))"
    spreads = [noise_of(spec, level).std() for level in (4, 64, 240)]
    assert max(spreads) > 1.5 * min(spreads), spreads


def test_the_raw_form_is_the_sensor_in_four_planes_for_a_regime_to_work_on() -> None:
    sample = opened(f"unprocessed(of={PHOTOS}, form=raw)").load(1)
    assert sample.clean.shape == (64, 64, 4) and sample.clean.dtype == np.uint16 and sample.noisy is None
    noisy, info = nb.degrade("eld(low=1, high=30)", sample.clean)
    assert noisy.shape == (64, 64, 4) and info.peak
    with pytest.raises(nb.UsageError, match="noise is for form=srgb"):
        opened("unprocessed(of=photos, form=raw, noise=gaussian(sigma=5))")


def test_draws_are_of_the_id_and_the_seed() -> None:
    one, again, other = (opened(f"unprocessed(of={PHOTOS}, seed={seed})").load(2) for seed in (0, 0, 1))
    assert np.array_equal(one.noisy, again.noisy) and np.array_equal(one.clean, again.clean)
    assert not np.array_equal(one.clean, other.clean)
    difference = one.noisy.astype(float) - one.clean
    assert 0.2 < difference.std() < 40


def test_grey_pictures_and_odd_sides_are_taken_and_others_refused() -> None:
    assert opened("unprocessed(of=photos)").load(0).clean.shape[2] == 3
    assert opened("unprocessed(of=centre_crop(of=photos, size=33))").load(0).noisy.shape == (32, 32, 3)
    with pytest.raises(nb.UsageError, match="changes the size"):
        opened("unprocessed(of=photos, noise=downsample(scale=2))").load(0)
    with pytest.raises(nb.UsageError, match="2 pixels or more"):
        opened("unprocessed(of=centre_crop(of=photos, size=1))").load(0)
