"""`corruption`: fifteen kinds at five severities, against independent computations where there is one."""

from __future__ import annotations

from functools import cache
from typing import Any, get_args

import cv2
import noisebench as nb
import numpy as np
import pytest
from conftest import DATA
from noisebench.components.registry import bind
from noisebench.tracks.restore.degrade import degrade_sample
from noisebench.tracks.restore.regimes._weather import clouds, enlarged, trail
from noisebench.tracks.restore.regimes.corruption import _OF_LARGE, _OF_SMALL, Kind
from numpy.testing import assert_allclose
from published_corruptions import published
from scipy import ndimage

KINDS = get_args(Kind)


def under(kind: str, picture: np.ndarray, severity: int = 3, **more: Any) -> np.ndarray:
    """The picture, (H, W, C) on [0, 1], under a corruption."""
    spec = f"corruption(kind={kind}, severity={severity})"
    return degrade_sample(bind(spec, "regime"), nb.Sample("picture", picture), **more)[0]


def photograph(side: int, channels: int = 3) -> np.ndarray:
    """A part of a photograph, uint8."""
    clean = nb.open_dataset(bind("photos", "dataset")).load(0).clean
    grey = clean if clean.ndim == 2 else clean[:, :, 0]
    part = grey[100 : 100 + side, 100 : 100 + side]
    return part if channels == 1 else np.stack([part, part[::-1], part[:, ::-1]], axis=2)


@pytest.mark.parametrize("kind", KINDS)
def test_any_size_and_number_of_channels_comes_out_as_bytes(kind: str) -> None:
    for shape in ((1, 1), (2, 5), (8, 8), (33, 20, 3), (70, 66, 2)):
        found = under(kind, np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8))
        assert found.shape[:2] == shape[:2]
        assert_allclose(found * 255, np.rint(found * 255), atol=1e-4)
        assert found.min() >= 0 and found.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_five_severities_are_five_pictures_and_the_last_does_more_than_the_first(kind: str) -> None:
    picture = photograph(32)
    found = [under(kind, picture, severity) for severity in range(1, 6)]
    assert len({one.tobytes() for one in found}) == 5
    off = [float(np.mean((one - picture / 255) ** 2)) for one in found]
    # Bending and blocks of CIFAR-10-C take turns in what they change, and do not rise.
    if kind not in ("elastic_transform", "pixelate", "glass_blur"):
        assert off[4] > off[0]


def test_every_kind_has_settings_for_small_and_for_large_pictures() -> None:
    assert set(_OF_SMALL) == set(_OF_LARGE) == set(KINDS)
    assert all(len(settings) == 5 for table in (_OF_SMALL, _OF_LARGE) for settings in table.values())
    grey = np.full((64, 64), 128, np.uint8), np.full((65, 65), 128, np.uint8)
    small, large = (float(under("gaussian_noise", picture, 1).std()) for picture in grey)
    assert small == pytest.approx(0.04, rel=0.05) and large == pytest.approx(0.08, rel=0.05)


def test_noise_has_the_moments_of_its_settings() -> None:
    grey = np.full((64, 64, 3), 102, np.uint8)
    assert np.var(under("shot_noise", grey, 5)) == pytest.approx(0.4 / 50, rel=0.05)
    hit = under("impulse_noise", grey, 5)
    assert np.mean(hit == 0) == pytest.approx(0.035, abs=0.005) and np.mean(hit == 1) == pytest.approx(0.035, abs=0.005)


def test_draws_are_by_seed_and_picture() -> None:
    picture = photograph(32)
    assert np.array_equal(under("snow", picture), under("snow", picture))
    assert not np.array_equal(under("snow", picture), under("snow", picture, seed=1))


def test_contrast_and_brightness_are_those_of_the_formula() -> None:
    picture = photograph(32) // 2
    x = picture / 255
    due = (x - x.mean(axis=(0, 1))) * 0.4 + x.mean(axis=(0, 1))
    assert_allclose(under("contrast", picture), due, atol=0.5 / 255 + 1e-6)
    raised = under("brightness", picture)
    value = x.max(axis=2)
    assert_allclose(raised.max(axis=2), value + 0.15, atol=0.5 / 255 + 1e-6)
    ratio = x.min(axis=2) / np.maximum(value, 1e-9)
    bright = value > 0.2
    assert_allclose((raised.min(axis=2) / raised.max(axis=2))[bright], ratio[bright], atol=0.01)


def test_blocks_are_means_of_areas() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (80, 120), dtype=np.uint8)
    found = under("pixelate", picture, 5)[:, :, 0]
    blocks = picture.reshape(20, 4, 30, 4).mean(axis=(1, 3)) / 255
    assert_allclose(found, np.rint(blocks.repeat(4, 0).repeat(4, 1) * 255) / 255, atol=1.01 / 255)


def test_the_middle_is_enlarged_between_pixels_by_lines() -> None:
    x = np.random.default_rng(3).uniform(size=(9, 12, 1))
    # ⌈9 / 1.3⌉ = 7 and ⌈12 / 1.3⌉ = 10 pixels become 9 and 13, from corner to corner, and 12 are cut out of 13.
    due = ndimage.zoom(x[1:8, 1:11, 0], 1.3, order=1)[:, :12]
    assert_allclose(enlarged(x, 1.3)[:, :, 0], due, atol=1e-12)
    assert_allclose(enlarged(x, 1.0), x, atol=1e-12)


def test_a_trail_fades_from_the_centre_along_its_line() -> None:
    kernel = trail(6, 2, 0)
    row = kernel[12, 12:25]
    assert kernel.sum() == pytest.approx(1)
    assert_allclose(row / row[0], np.exp(-(np.arange(13) ** 2) / 8), atol=1e-12)
    assert np.count_nonzero(kernel) == 13


def test_clouds_reach_from_0_to_1_and_are_smoother_the_faster_they_decay() -> None:
    rough, smooth = (clouds(np.random.default_rng(4), 61, 40, decay) for decay in (1.5, 6))
    assert rough.shape == smooth.shape == (61, 40)
    assert rough.min() >= 0 and rough.max() <= 1
    assert np.abs(np.diff(smooth)).mean() < 0.5 * np.abs(np.diff(rough)).mean()
    with pytest.raises(nb.UsageError, match="severity"):
        bind("corruption(kind=fog, severity=6)", "regime")


def test_each_pixel_behind_glass_is_one_near_it_and_none_is_changed_with_another() -> None:
    picture = np.arange(400, dtype=np.uint16).reshape(20, 20) * 163
    found = under("glass_blur", picture, 1)[:, :, 0]  # σ = 0.05, which softens nothing
    levels = np.floor(picture / 65535 * 255)
    near = np.stack([np.roll(levels, shift, (0, 1)) for shift in ((0, 0), (0, 1), (1, 0), (1, 1))])
    assert (np.abs(np.rint(found * 255) - near).min(axis=0)[2:-2, 2:-2] == 0).mean() > 0.6
    values, counts = np.unique(found[1:, 1:], return_counts=True)
    assert counts.max() > 1 and len(values) < found[1:, 1:].size


# As published: the error of a corruption, by its published definition and here.

PICTURES = 10
REFERENCE = [kind for kind in KINDS if kind != "frost"]
"""Frost has no definition without the photographs of its authors."""


@cache
def of_files(side: int) -> list[np.ndarray]:
    """Squares of ten photographs of Kodak24, as they are scaled for the published sets."""
    files = sorted((DATA / "Kodak24").glob("*.png"))[:PICTURES]
    if len(files) < PICTURES:
        pytest.skip("no Kodak24 at NOISEBENCH_DATA")
    made = []
    for file in files:
        picture = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
        short = min(picture.shape[:2])
        top, left = ((length - short) // 2 for length in picture.shape[:2])
        square = picture[top : top + short, left : left + short]
        made.append(cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA))
    return made


@cache
def generated(side: int) -> list[np.ndarray]:
    """Ten pictures of dead leaves in colour."""
    leaves = nb.open_dataset(bind(f"dead_leaves(n={PICTURES}, size={max(side, 64)}, color=true)", "dataset"))
    clean = (leaves.load(n).clean[:side, :side] for n in range(PICTURES))
    return [picture if picture.dtype == np.uint8 else np.rint(picture * 255).astype(np.uint8) for picture in clean]


def errors(kind: str, pictures: list[np.ndarray], severity: int, draws: int = 1) -> tuple[float, float]:
    """The root of the mean squared error of bytes, by the published definition and of the regime."""
    settings = (_OF_SMALL if len(pictures[0]) <= 64 else _OF_LARGE)[kind][severity - 1]
    due, found = [], []
    for draw in range(draws):
        for n, picture in enumerate(pictures):
            rng = np.random.default_rng([severity, draw, n])
            due.append(np.mean((published(kind, picture / 255, settings, rng) - picture) ** 2))
            found.append(np.mean((under(kind, picture, severity, seed=draw) * 255 - picture) ** 2))
    return float(np.sqrt(np.mean(due))), float(np.sqrt(np.mean(found)))


_CHANCE = {
    "snow": 0.1, "fog": 0.2, "elastic_transform": 0.15, "motion_blur": 0.06, "impulse_noise": 0.06, "glass_blur": 0.03,
}  # fmt: skip
"""By how much two means over draws may differ: a draw of these is of the whole picture. Others agree within 2 %."""


@pytest.mark.parametrize("kind", REFERENCE)
@pytest.mark.parametrize("pictures", [of_files, generated])
def test_errors_of_small_pictures_are_those_of_the_published_definition(kind: str, pictures: Any) -> None:
    shown = pictures(32)
    for severity in range(1, 6):
        due, found = errors(kind, shown, severity, draws=3 if kind in _CHANCE else 1)
        assert found == pytest.approx(due, rel=_CHANCE.get(kind, 0.02)), severity


@pytest.mark.parametrize("kind", REFERENCE)
def test_errors_of_large_pictures_are_those_of_the_published_definition(kind: str) -> None:
    shown = of_files(224)[: 3 if kind in ("glass_blur", "elastic_transform") else PICTURES]
    for severity in (1, 5):
        due, found = errors(kind, shown, severity)
        assert found == pytest.approx(due, rel=_CHANCE.get(kind, 0.02)), severity


@pytest.mark.parametrize("table", [_OF_SMALL, _OF_LARGE])
def test_frost_lies_over_a_picture_as_published(table: Any) -> None:
    side = 32 if table is _OF_SMALL else 224
    grey = np.full((side, side), 100, np.uint8)
    for severity, (share, ice) in enumerate(table["frost"], 1):
        found = under("frost", grey, severity)
        low, high = share * 100 / 255, min(1.0, share * 100 / 255 + ice)
        assert low - 0.003 <= found.min() and found.max() <= high + 0.003
        assert found.max() - found.min() > 0.4 * (high - low)
