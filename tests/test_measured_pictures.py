"""RED-Diff and plug-and-play: what they solve with a denoiser that is exact, and what they take and refuse."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.methods.restore._measurement import measurement
from noisebench.methods.restore.red_diff import _times
from noisebench.planned_cell import method_flags
from noisebench.registry import bind

SIZE = 8


def prior() -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the digits of scikit-learn, on [0, 1]."""
    from sklearn.datasets import load_digits

    digits = load_digits().images.reshape(-1, SIZE * SIZE) / 16
    return digits.mean(axis=0), np.cov(digits.T) + 1e-4 * np.eye(SIZE * SIZE)


MEAN, COVARIANCE = prior()


@nb.method("mp_exact", layout="hwc", needs=("sigma",))
def mp_exact(noisy: Any, info: Any) -> Any:
    """The posterior mean under a normal prior with the moments of digits."""
    assert set(info.disclosed()) - {name for name, value in info.disclosed().items() if value is None} == {
        "shape",
        "sigma",
    }
    gain = COVARIANCE @ np.linalg.inv(COVARIANCE + info.sigma**2 * np.eye(SIZE * SIZE))
    made = MEAN + gain @ (noisy.ravel().astype(np.float64) - MEAN)
    return made.reshape(noisy.shape).astype(np.float32)


def pictures(n: int) -> np.ndarray:
    draws = np.random.default_rng(0).multivariate_normal(MEAN, COVARIANCE, n)
    return draws.reshape(n, SIZE, SIZE, 1)


def ready(spec: str) -> Any:
    method = nb.Restorer(bind(spec, "method"))
    method.setup("cpu")
    return method


def psnr(made: list[np.ndarray], clean: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(np.stack(made) - clean).mean()))


@pytest.fixture(scope="module")
def holes() -> tuple[np.ndarray, np.ndarray, float, float]:
    """Pictures, which pixels are known, the PSNR of the first guess and that of the posterior mean."""
    clean = pictures(24)
    known = np.random.default_rng(1).random((SIZE, SIZE)) < 0.5
    at = np.flatnonzero(known.ravel())
    best = []
    for one in clean:
        gain = COVARIANCE[:, at] @ np.linalg.inv(COVARIANCE[np.ix_(at, at)])
        best.append((MEAN + gain @ (one.ravel()[at] - MEAN[at])).reshape(SIZE, SIZE, 1))
    info = nb.Info({"mask": known.astype(float), "shape": (SIZE, SIZE)})
    first = [measurement(one * known[:, :, None], info, "x").start for one in clean]
    return clean, known, psnr(first, clean), psnr(best, clean)


@pytest.mark.parametrize(
    "spec", ["red_diff(denoiser=mp_exact, steps=400, most=20000)", "plug_and_play(denoiser=mp_exact, steps=60)"]
)
def test_holes_are_filled_nearly_as_well_as_by_the_posterior_mean(spec: str, holes: Any) -> None:
    clean, known, first, best = holes
    method = ready(spec)
    made = []
    for number, one in enumerate(clean):
        info = nb.Info({"mask": known.astype(float), "shape": (SIZE, SIZE)}, key=bytes([number]))
        made.append(method.restore((one * known[:, :, None]).astype(np.float32), info))
    assert psnr(made, clean) >= first + 5 and psnr(made, clean) >= best - 1.5


def test_the_parts_of_a_measurement_belong_together() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(9, 12, 2))
    blurred, info = nb.degrade("blur(sigma=1.2)", x)
    at = measurement(blurred, info, "x")
    whole = np.pad(x, ((0, 9), (0, 12), (0, 0)), mode="symmetric")
    np.testing.assert_allclose(at.normal(whole), at.back, atol=1e-6)
    right = rng.uniform(size=at.start.shape)
    np.testing.assert_allclose(at.normal(at.solve(right, 0.3)) + 0.3 * at.solve(right, 0.3), right, atol=1e-9)
    assert at.cut(at.start).shape == x.shape


@pytest.mark.parametrize(
    ("method", "regime"),
    [
        ("red_diff(denoiser=nlm, steps=30)", "mask(keep=0.5)"),
        ("red_diff(denoiser=nlm, steps=60, lr=0.02)", "blur(sigma=2)"),
        ("plug_and_play(denoiser=nlm, steps=6)", "mask(keep=0.5)"),
        ("plug_and_play(denoiser=nlm, steps=6)", "blur(sigma=1.2) + gaussian(sigma=2)"),
        ("plug_and_play(denoiser=nlm, steps=6)", "gaussian(sigma=25)"),
    ],
)
def test_a_photograph_comes_nearer_to_the_truth(method: str, regime: str) -> None:
    y, x = np.mgrid[:48, :56]
    clean = (0.5 + 0.3 * np.sin(x / 5)[..., None] * np.cos(y / 6)[..., None] + 0.15 * (x > 30)[..., None]).repeat(3, 2)
    noisy, info = nb.degrade(regime, clean)
    at = measurement(noisy, info, "x")
    made = ready(method).restore(noisy, info)
    assert made.shape == clean.shape
    assert np.square(made - clean).mean() < np.square(at.cut(at.start) - clean).mean()


def test_what_is_smaller_or_both_blurred_and_holed_is_skipped() -> None:
    for regime in ("downsample(scale=2)", "blur(sigma=1) + mask(keep=0.5)"):
        noisy, info = nb.degrade(regime, np.full((16, 16, 1), 0.5))
        for name in ("red_diff", "plug_and_play"):
            with pytest.raises(nb.Skip, match=f"{name} takes holes"):
                ready(f"{name}(denoiser=nlm)").restore(noisy, info)


def test_a_denoiser_that_looks_pictures_up_is_refused_before_anything_is_run() -> None:
    for name in ("red_diff", "plug_and_play"):
        with pytest.raises(nb.UsageError, match=f"{name} cannot wrap oracle"):
            method_flags(bind(f"{name}(denoiser=oracle)", "method"))


def test_times_fall_from_the_highest_noise_that_the_denoiser_takes_to_the_first() -> None:
    times = _times(5, 75.0)
    assert list(times) == sorted(times, reverse=True) and times[-1] == 0 and len(times) == 5
    assert _times(3, 1e9)[0] == 999 and _times(2, 0.001).tolist() == [0, 0]
