"""NoiSER and exposure: what their definitions promise, at toy size."""

from __future__ import annotations

from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.tracks.restore.restorer import Restorer


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def ready(spec: str) -> Restorer:
    method = Restorer(bind(spec, "method"))
    method.setup()
    return method


def test_a_short_exposure_bends_and_a_long_one_is_cut_off_at_one() -> None:
    x = np.array([[0.0, 0.25, 1.0]])
    dark, _ = nb.degrade("exposure(gain=0.5, gamma=2)", x)
    np.testing.assert_allclose(dark, [[0, 0.03125, 0.5]])
    bright, _ = nb.degrade("exposure(gain=3)", x)
    np.testing.assert_allclose(bright, [[0, 0.75, 1]])
    assert nb.degrade("exposure(gain=3, clip=false)", x)[0].max() == 3


def test_the_network_has_1763_parameters() -> None:
    assert sum(p.numel() for p in ready("noiser(steps=1, crop=8)").instance.net.parameters()) == 1763


def test_its_training_is_done_once_and_the_same_for_one_seed(capfd: pytest.CaptureFixture[str]) -> None:
    picture = np.random.default_rng(0).uniform(size=(12, 10, 3)).astype(np.float32)
    spec = "noiser(channels=4, steps=3, crop=8)"
    first = ready(spec).restore(picture, nb.Info())
    assert "made now, once" in capfd.readouterr().err
    again = ready(spec).restore(picture, nb.Info())
    assert capfd.readouterr().err == ""
    np.testing.assert_array_equal(first, again)
    other = ready("noiser(channels=4, steps=3, crop=8, seed=1)").restore(picture, nb.Info())
    assert not np.array_equal(first, other)


def test_the_brightness_and_the_contrast_of_its_input_are_lost_in_the_norm() -> None:
    picture = np.random.default_rng(1).uniform(size=(96, 96, 3)).astype(np.float32)
    method = ready("noiser(channels=4, steps=3, crop=8)")
    bright, dark = (method.restore(given.astype(np.float32), nb.Info()) for given in (picture, 0.2 * picture + 0.3))
    # The borders, where zeros stand around the picture, are not bent alike.
    np.testing.assert_allclose(dark[6:-6, 6:-6], bright[6:-6, 6:-6], atol=0.05)


def test_a_grey_picture_is_given_in_three_equal_channels() -> None:
    grey = np.random.default_rng(2).uniform(size=(9, 9, 1)).astype(np.float32)
    method = ready("noiser(channels=4, steps=3, crop=8)")
    out = method.restore(grey, nb.Info())
    expected = method.restore(np.repeat(grey, 3, 2), nb.Info()).mean(2, keepdims=True)
    np.testing.assert_allclose(out, expected, atol=1e-6)


def test_one_gain_brings_the_mean_of_a_picture_to_a_given_one() -> None:
    dark = np.array([[0.0, 0.1, 0.2]], dtype=np.float32)[..., None]
    np.testing.assert_allclose(ready("mean_gain(mean=0.4)").restore(dark, nb.Info()), 4 * dark, atol=1e-6)
    np.testing.assert_allclose(ready("mean_gain(mean=0.05)").restore(dark, nb.Info()), dark / 2, atol=1e-6)
    steep = np.array([[0.0, 0.0, 0.3]], dtype=np.float32)[..., None]
    np.testing.assert_allclose(ready("mean_gain(mean=0.5)").restore(steep, nb.Info()), [[[0], [0], [1]]])
    black = np.zeros((2, 2, 1), np.float32)
    np.testing.assert_array_equal(ready("mean_gain").restore(black, nb.Info()), black)


def test_clahe_brightens_the_dark_and_keeps_the_colours() -> None:
    colour = np.random.default_rng(3).uniform(0, 0.1, size=(64, 64, 3)).astype(np.float32)
    colour[:, :, 0] += 0.05
    out = ready("clahe(limit=4)").restore(colour, nb.Info())
    assert out.mean() > 1.5 * colour.mean() and out[:, :, 0].mean() > out[:, :, 1].mean()
    assert out.min() >= 0 and out.max() <= 1
