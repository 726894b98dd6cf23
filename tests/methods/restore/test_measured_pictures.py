"""What a measurement is to solvers of inverse problems, and RED-Diff and plug-and-play: what they solve and refuse."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.methods.restore._diffusion import times
from noisebench.methods.restore._measurement import measurement
from noisebench.planning.cells import method_flags

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


def dense(regime: str, shape: tuple[int, int]) -> np.ndarray:
    """The matrix of a regime that draws nothing, column by column."""
    units = np.eye(shape[0] * shape[1]).reshape(-1, *shape, 1)
    return np.stack([nb.degrade(regime, unit)[0].ravel() for unit in units], axis=1).astype(np.float64)


LINEAR = [
    "blur(sigma=0.8)", "blur(sigma=2)", "blur(sigma=0.7, kernel=box)", "blur(sigma=1, kernel=disk, boundary=circular)",
    "blur(sigma=1, kernel=motion, angle=30, boundary=circular)", "blur(sigma=1, kernel=motion, angle=90)",
    "downsample(scale=2)", "downsample(scale=3)",
]  # fmt: skip


@pytest.mark.parametrize("shape", [(6, 7), (9, 4)])
@pytest.mark.parametrize("regime", LINEAR)
def test_a_measurement_is_the_very_matrix_of_its_regime(regime: str, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    clean, x = rng.uniform(size=(*shape, 1)), rng.uniform(size=(*shape, 1))
    noisy, info = nb.degrade(regime, clean)
    at, matrix, y = measurement(noisy, info, "x"), dense(regime, shape), noisy.ravel()
    left = matrix @ x.ravel() - y
    np.testing.assert_allclose(at.slope(x).ravel(), matrix.T @ left, atol=2e-6)
    assert np.linalg.norm(at.forward(x) - at.seen) == pytest.approx(np.linalg.norm(left), rel=1e-4)
    nearest = np.linalg.solve(matrix.T @ matrix + 0.1 * np.eye(x.size), matrix.T @ y + 0.1 * x.ravel())
    np.testing.assert_allclose(at.nearest(x, 0.1).ravel(), nearest, atol=1e-5)
    np.testing.assert_allclose(at.out(at.into(x)), x, atol=1e-12)
    assert np.linalg.norm(at.into(x)) == pytest.approx(np.linalg.norm(x)) and at.cut(at.start).shape == clean.shape
    if "downsample" in regime:
        inverse = x.ravel() - np.linalg.pinv(matrix) @ left
        np.testing.assert_allclose(at.inverse(x).ravel(), inverse, atol=1e-5)
        assert at.share == x.size / y.size


def test_a_kernel_that_is_not_symmetric_in_each_axis_is_continued_to_twice_the_sides() -> None:
    clean = np.random.default_rng(0).uniform(size=(24, 30, 2))
    noisy, info = nb.degrade("blur(sigma=0.6, kernel=motion, angle=30)", clean)
    at = measurement(noisy, info, "x")
    whole = np.pad(clean, ((0, 24), (0, 30), (0, 0)), mode="symmetric")
    found = at.out(at.forward(whole))[:24, :30]
    np.testing.assert_allclose(found[4:-4, 4:-4], noisy[4:-4, 4:-4], atol=1e-6)
    assert at.start.shape == (48, 60, 2) and at.cut(at.start).shape == clean.shape


def test_the_pseudo_inverse_of_holes_is_what_was_seen_and_mid_grey() -> None:
    noisy, info = nb.degrade("mask(keep=0.5)", np.random.default_rng(0).uniform(size=(9, 8, 3)))
    made = ready("pseudo_inverse").restore(noisy, info)
    np.testing.assert_allclose(made, np.where(info.mask[:, :, None] == 1, noisy, 0.5), atol=1e-6)


@pytest.mark.parametrize(
    ("method", "regime"),
    [
        ("red_diff(denoiser=nlm, steps=30)", "mask(keep=0.5)"),
        ("red_diff(denoiser=nlm, steps=60, lr=0.02)", "blur(sigma=2)"),
        ("ddrm(denoiser=nlm)", "mask(keep=0.5)"),
        ("ddrm(denoiser=nlm)", "blur(sigma=2) + gaussian(sigma=10)"),
        ("plug_and_play(denoiser=nlm, steps=6)", "mask(keep=0.5)"),
        ("plug_and_play(denoiser=nlm, steps=6)", "downsample(scale=2) + gaussian(sigma=10)"),
        ("plug_and_play(denoiser=nlm, steps=6)", "blur(sigma=1.2) + gaussian(sigma=2)"),
        ("plug_and_play(denoiser=nlm, steps=6)", "gaussian(sigma=25)"),
    ],
)
def test_a_photograph_comes_nearer_to_the_truth(method: str, regime: str) -> None:
    y, x = np.mgrid[:48, :56]
    clean = (0.5 + 0.3 * np.sin(x / 5)[..., None] * np.cos(y / 6)[..., None] + 0.15 * (x > 30)[..., None]).repeat(3, 2)
    noisy, info = nb.degrade(regime, clean)
    at = measurement(noisy, info, "x")
    made = ready(method).restore(noisy, info, clean.shape)
    assert made.shape == clean.shape
    assert np.square(made - clean).mean() < np.square(at.cut(at.start) - clean).mean()


SOLVERS = ("red_diff", "plug_and_play", "ddrm")


def test_two_measurements_at_once_are_skipped() -> None:
    for regime in ("blur(sigma=1) + downsample(scale=2)", "blur(sigma=1) + mask(keep=0.5)"):
        noisy, info = nb.degrade(regime, np.full((16, 16, 1), 0.5))
        for name in SOLVERS:
            with pytest.raises(nb.Skip, match=f"^{name} .*a mask, .*downsampling, not"):
                ready(f"{name}(denoiser=nlm)").restore(noisy, info, (16, 16, 1))


def test_a_denoiser_that_looks_pictures_up_is_refused_before_anything_is_run() -> None:
    for name in (*SOLVERS, "dps"):
        with pytest.raises(nb.UsageError, match=f"{name} cannot wrap oracle"):
            method_flags(bind(f"{name}(denoiser=oracle)", "method"))


def test_times_fall_from_the_highest_noise_that_the_denoiser_takes_to_the_first() -> None:
    found = times(5, 75.0)
    assert list(found) == sorted(found, reverse=True) and found[-1] == 0 and len(found) == 5
    assert times(3, 1e9)[0] == 999 and times(2, 0.001).tolist() == [0, 0]
