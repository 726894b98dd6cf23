"""The best of several methods on validation pictures, and a level that is assumed."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.planning.cells import method_flags
from noisebench.tracks.restore.restorer import Restorer

WIDTHS = "(gaussian_filter(width=0.1), gaussian_filter(width=1), gaussian_filter(width=6))"
PICTURES = "data=centre_crop(of=photos, size=48), count=3"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def ready(spec: str) -> Restorer:
    method = Restorer(bind(spec, "method"))
    method.setup()
    return method


@pytest.mark.parametrize(("sigma", "width"), [(0, 0.1), (25, 1), (500, 6)])
def test_what_is_best_on_validation_pictures_is_called(sigma: float, width: float) -> None:
    chooser = ready(f"best_on_validation(methods={WIDTHS}, {PICTURES}, regime=gaussian(sigma={sigma}))")
    noisy = np.random.default_rng(0).random((32, 32, 1), np.float32)
    expected = ready(f"gaussian_filter(width={width})").restore(noisy, nb.Info())
    assert np.array_equal(chooser.restore(noisy, nb.Info()), expected)


def test_the_choice_is_by_mean_psnr_and_kept(capfd: pytest.CaptureFixture[str]) -> None:
    spec = f"best_on_validation(methods={WIDTHS}, {PICTURES}, regime=gaussian(sigma=25))"
    ready(spec)
    photos = nb.open_dataset(bind("centre_crop(of=photos, size=48)", "dataset"))
    scores = []
    for index in range(3):
        clean = photos.load(index).clean
        noisy, info = nb.degrade("gaussian(sigma=25)", clean, 2**31)
        restored = ready("gaussian_filter(width=1)").restore(np.atleast_3d(noisy), info)
        scores.append(nb.psnr(np.clip(restored, 0, 1), clean, "float"))
    assert f"gaussian_filter(width=1): {np.mean(scores):.3f} dB" in capfd.readouterr().err
    ready(spec)
    assert not capfd.readouterr().err


def test_a_method_that_skips_is_not_chosen() -> None:
    ready(f"best_on_validation(methods=(telea, median), {PICTURES}, regime=gaussian(sigma=25))")
    with pytest.raises(nb.Skip, match="each of the methods"):
        ready(f"best_on_validation(methods=(telea, biharmonic), {PICTURES}, regime=gaussian(sigma=25))")


def test_a_picture_of_the_validation_is_refused() -> None:
    data = "noisy(of=centre_crop(of=photos, size=48), regime=gaussian(sigma=25))"
    chooser = ready(f"best_on_validation(methods=(median, identity), data={data}, regime=real, count=2)")
    pictures = nb.open_dataset(bind(data, "dataset"))
    track = nb.get_track("restore")
    inside, outside = (track.pose(bind("real", "regime"), pictures.load(index), 0) for index in (1, 2))
    chooser.restore(outside.given, outside.info)
    with pytest.raises(nb.Skip, match="it was chosen"):
        chooser.restore(inside.given, inside.info)


@pytest.mark.parametrize(
    ("methods", "message"),
    [("()", "is empty"), ("(nlm, trained)", "no run trains, not trained"), ("(nlm, folder(path='.'))", "cannot wrap")],
)
def test_methods_that_cannot_be_chosen_are_refused(methods: str, message: str) -> None:
    with pytest.raises(nb.UsageError, match=message):
        method_flags(bind(f"best_on_validation(methods={methods}, data=photos, regime=none)", "method"))


def test_it_is_blind_where_all_are_and_learned_by_none() -> None:
    for methods, blind in (("(median, at_sigma(sigma=5))", True), ("(median, nlm)", False)):
        flags = method_flags(bind(f"best_on_validation(methods={methods}, data=photos, regime=none)", "method"))
        assert flags["blind"] == blind and not flags["trained_on"]


def test_a_method_is_told_the_assumed_level() -> None:
    noisy = np.random.default_rng(0).random((32, 32, 1), np.float32)
    ours = ready("at_sigma(method=nlm, sigma=20)").restore(noisy, nb.Info({"sigma": 0.3, "peak": 10}))
    assert np.array_equal(ours, ready("nlm").restore(noisy, nb.Info({"sigma": 20 / 255})))
