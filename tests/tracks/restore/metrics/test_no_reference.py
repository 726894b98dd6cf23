"""Metrics without a reference: exact values where mathematics gives them."""

from __future__ import annotations

import noisebench as nb
import numpy as np
import pytest


def value(metric: str, x: np.ndarray, y: np.ndarray | None = None, protocol: str = "raw") -> float:
    return nb.score(x, x if y is None else y, metrics=(metric,), protocol=protocol)[metric]


def ramp(height: int = 32, width: int = 32) -> np.ndarray:
    return np.add.outer(np.arange(height) / 100, np.arange(width) / 50).astype(np.float64)


def test_brightness_is_the_mean_luma() -> None:
    red = np.zeros((4, 5, 3))
    red[:, :, 0] = 1
    assert value("brightness", red) == pytest.approx(0.299, abs=1e-12)
    assert value("brightness", np.full((4, 5), 51, np.uint8), protocol="uint8") == pytest.approx(0.2, abs=1e-12)


def test_entropy_of_equal_shares_is_their_logarithm() -> None:
    assert value("entropy", np.full((8, 8), 0.3)) == 0
    assert value("entropy", np.arange(256, dtype=np.uint8).reshape(16, 16), protocol="uint8") == pytest.approx(8)
    assert value("entropy", np.repeat([0.0, 1.0], 32).reshape(8, 8)) == pytest.approx(1)


def test_noise_level_finds_the_sigma_and_sees_no_plane() -> None:
    assert value("noise_level", ramp()) == pytest.approx(0, abs=1e-9)
    noise = np.random.default_rng(0).normal(0, 20 / 255, (400, 400, 3))
    assert value("noise_level", 0.5 + noise) == pytest.approx(20, rel=0.02)
    assert "noise_level" in str(nb.score(np.zeros((2, 9)), np.zeros((2, 9)), metrics=("noise_level",)))


def test_a_rising_curve_keeps_the_order_and_a_negative_turns_it() -> None:
    x = ramp() / ramp().max()
    assert value("lightness_order", np.sqrt(x), x) == 0
    n = x.size
    # Turned round, every pair of places with unequal lightness is wrong, and equal ones are not.
    levels, counts = np.unique(np.round(x, 9), return_counts=True)
    assert len(levels) > 1
    assert value("lightness_order", 1 - x, x) == pytest.approx(1 - np.sum(counts.astype(float) ** 2) / n**2, abs=1e-12)


def test_lightness_order_is_between_for_noise_and_ignores_size() -> None:
    rng = np.random.default_rng(1)
    x = ramp(120, 90) / 4
    assert 0.05 < value("lightness_order", x + rng.normal(0, 1, x.shape), x) < 0.5
    assert value("lightness_order", np.ones((7, 3, 3)), np.ones((7, 3, 3))) == 0


def test_nothing_is_better_than_no_pixel() -> None:
    x = np.zeros((4, 4, 3), np.uint8)
    found = nb.score(x, x, metrics=("brightness", "entropy", "lightness_order"), protocol="y8(border=2)")
    assert all(np.isnan(v) for v in found.values())
