"""A noise level that nobody discloses is estimated; one that is disclosed is not looked at."""

from __future__ import annotations

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.methods.restore._noise_level import noise_sigma
from noisebench.tracks.restore.restorer import Restorer


def smooth(sigma: float, channels: int = 3) -> np.ndarray:
    ramp = np.linspace(0.2, 0.8, 96)[:, None, None] * np.ones((1, 96, channels))
    return (ramp + np.random.default_rng(0).normal(0, sigma, ramp.shape)).astype(np.float32)


def restore(spec: str, noisy: np.ndarray, info: nb.Info) -> np.ndarray:
    method = Restorer(bind(spec, "method"))
    method.setup()
    return method.restore(noisy, info)


@pytest.mark.parametrize("told", [None, 0.4])
def test_the_method_within_is_told_the_estimate_alone(told: float | None) -> None:
    noisy = smooth(20 / 255)
    estimate = noise_sigma(noisy, nb.Info())
    assert estimate == pytest.approx(20 / 255, rel=0.05)
    ours = restore("estimated(method=nlm)", noisy, nb.Info({"sigma": told}))
    assert np.array_equal(ours, restore("nlm", noisy, nb.Info({"sigma": estimate})))


def test_it_serves_where_the_method_alone_is_skipped() -> None:
    assert bind("estimated(method=bilateral)", "method").entry.meta["blind"]
    with pytest.raises(nb.Skip, match="needs sigma"):
        Restorer(bind("ffdnet", "method")).check(nb.Info())
    Restorer(bind("estimated(method=ffdnet)", "method")).check(nb.Info())


@pytest.mark.data
def test_ffdnet_by_estimate_is_near_ffdnet_that_is_told(data_dir, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (data_dir / "weights").is_dir():
        pytest.skip("no weights")
    monkeypatch.setenv("NOISEBENCH_DATA", str(data_dir))
    told, estimated = (
        nb.evaluate(m, "set12", "gaussian(sigma=25)", metrics=("psnr",), limit=1).psnr
        for m in ("ffdnet", "estimated(method=ffdnet)")
    )
    assert told - 0.3 < estimated <= told + 0.05


def told_of(spec: str, noisy: np.ndarray) -> float:
    """The level that the method within is told."""
    seen: list[float] = []

    @nb.method("notes_sigma", layout="hwc")
    def notes_sigma(picture: np.ndarray, info: nb.Info) -> np.ndarray:
        seen.append(info.sigma)
        return picture

    restore(spec, noisy, nb.Info())
    return seen[0]


def test_noise_of_near_pixels_is_seen_in_sub_sampled_pictures() -> None:
    noisy = nb.degrade("correlated(sigma=10, radius=1.5)", smooth(0).clip(0, 1))[0]
    assert told_of("estimated(method=notes_sigma)", noisy) < 0.2 * 10 / 255, "the finest scale has hardly any of it"
    assert told_of("estimated_subsampled(method=notes_sigma, stride=8)", noisy) == pytest.approx(10 / 255, rel=0.25)


def test_white_noise_is_estimated_from_sub_sampled_pictures_too() -> None:
    assert told_of("estimated_subsampled(method=notes_sigma)", smooth(20 / 255)) == pytest.approx(20 / 255, rel=0.1)


@pytest.mark.data
def test_noise_of_a_camera_is_half_seen_where_the_finest_scale_has_none(data_dir, monkeypatch) -> None:
    if not (data_dir / "PolyU").is_dir():
        pytest.skip("no PolyU")
    monkeypatch.setenv("NOISEBENCH_DATA", str(data_dir))
    polyu = nb.open_dataset(bind("polyu", "dataset"))
    for index in (0, 40, 80):
        item = polyu.load(index)
        clean, noisy = (np.asarray(picture, np.float32) / 255 for picture in (item.clean, item.noisy))
        true = float((noisy - clean).std())
        assert told_of("estimated(method=notes_sigma)", noisy) < 0.25 * true
        assert 0.4 * true < told_of("estimated_subsampled(method=notes_sigma)", noisy) < 1.2 * true
