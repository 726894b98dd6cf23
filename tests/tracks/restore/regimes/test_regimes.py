"""Every regime: moments against theory, distribution, what it discloses, its golden hash, what it refuses."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import cv2
import noisebench as nb
import numpy as np
import pytest
from checkout import SUPPORT
from noisebench.components.registry import bind, registry
from noisebench.text.errors import UsageError
from noisebench.tracks.restore.degrade import degrade_sample
from noisebench.tracks.restore.regimes._filters import box_taps, disk_kernel, gaussian_taps, motion_kernel
from noisebench.tracks.restore.regimes._tukey import tukey, tukey_variance
from noisebench.tracks.restore.regimes.eld import eld
from regime_inputs import GOLDEN, SPECS, fixed, hashes, imresize_matrix, picture
from scipy import ndimage, stats
from scipy.special import i0e, i1e


def flat(value: float = 0.4, shape: tuple[int, ...] = (512, 512)) -> np.ndarray:
    return np.full(shape, value, np.float32)


def gradient() -> np.ndarray:
    """(320, 300, 3) from 0.05 to 0.95."""
    ramp = np.linspace(0.05, 0.95, 320 * 300 * 3, dtype=np.float32)
    return np.ascontiguousarray(ramp.reshape(3, 300, 320).transpose(2, 1, 0))


# --- every regime is here --------------------------------------------------------------------------------


def test_every_built_in_regime_has_a_golden_spec() -> None:
    known = registry("regime")
    built_in = {
        n for n in known.names() if known.get(n).obj.__module__.startswith("noisebench.tracks.restore.regimes.")
    }
    assert built_in == {part.entry.name for spec in SPECS for part in bind(spec, "regime").parts}


@pytest.mark.parametrize("spec", SPECS)
def test_input_has_its_golden_hash(spec: str) -> None:
    assert hashes((spec,))[spec] == json.loads(GOLDEN.read_text())[spec]


def test_golden_file_holds_nothing_else() -> None:
    assert list(json.loads(GOLDEN.read_text())) == list(SPECS)


_ELSEWHERE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import cv2
cv2.setNumThreads(int(sys.argv[2]))
import regime_inputs
print(json.dumps(regime_inputs.hashes(regime_inputs.SPECS[::-1])))
"""


@pytest.mark.parametrize("threads, plain_cpu", [("1", True), ("7", False)], ids=["one-thread-no-simd", "7-threads"])
def test_golden_hashes_do_not_depend_on_process_order_threads_or_vector_unit(threads: str, plain_cpu: bool) -> None:
    env = {
        **os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": threads,
    }  # fmt: skip
    if plain_cpu:
        found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
        env["NPY_DISABLE_CPU_FEATURES"] = " ".join(found)
        env["JSIMD_FORCENONE"] = "1"  # libjpeg-turbo
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, str(SUPPORT), threads],
        env=env, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(GOLDEN.read_text())


# --- moments ---------------------------------------------------------------------------------------------

Moment = Callable[[np.ndarray], Any]


def rician_mean(x: np.ndarray, s: float) -> np.ndarray:
    q = x**2 / (4 * s**2)
    return s * math.sqrt(math.pi / 2) * ((1 + 2 * q) * i0e(q) + 2 * q * i1e(q))


def constant(sigma: float) -> tuple[Moment, Moment]:
    return (lambda x: x), (lambda x: np.full_like(x, (sigma / 255) ** 2))


MOMENTS: dict[str, tuple[Moment, Moment]] = {
    "gaussian(sigma=25)": constant(25),
    "laplace(sigma=20)": constant(20),
    "uniform(width=60)": constant(60 / math.sqrt(12)),
    "mixture(sigmas=(10, 50), weights=(0.9, 0.1))": constant(math.sqrt(0.9 * 10**2 + 0.1 * 50**2)),
    "salt_pepper(p=0.2)": (
        lambda x: 0.8 * x + 0.1,
        lambda x: 0.8 * x**2 + 0.1 - (0.8 * x + 0.1) ** 2,
    ),
    "impulse(p=0.2)": (
        lambda x: 0.8 * x + 0.1,
        lambda x: 0.8 * x**2 + 0.2 / 3 - (0.8 * x + 0.1) ** 2,
    ),
    "poisson(peak=30)": ((lambda x: x), (lambda x: x / 30)),
    "poisson_gaussian(peak=30, sigma=5)": ((lambda x: x), (lambda x: x / 30 + (5 / 255) ** 2)),
    "gamma(looks=4)": ((lambda x: x), (lambda x: x**2 / 4)),
    "rayleigh": ((lambda x: x), (lambda x: x**2 * (4 / math.pi - 1))),
    "rician(sigma=20)": (
        lambda x: rician_mean(x, 20 / 255),
        lambda x: x**2 + 2 * (20 / 255) ** 2 - rician_mean(x, 20 / 255) ** 2,
    ),
    # white 50,000·100/6400 = 781.25 electrons, 78.125 of them from x = 1
    "sensor(iso=6400, ratio=10, row=0)": (
        lambda x: x,
        lambda x: x / 78.125 + (3 / 78.125) ** 2 + (10 / 16383) ** 2 / 12,
    ),
    "mask(keep=0.4)": ((lambda x: 0.4 * x), (lambda x: 0.24 * x**2)),
}  # fmt: skip


@pytest.mark.parametrize("scene", ["flat", "gradient"])
@pytest.mark.parametrize("spec", MOMENTS)
def test_mean_and_variance_are_those_of_theory(spec: str, scene: str) -> None:
    x = flat() if scene == "flat" else gradient()
    noisy, _ = nb.degrade(spec, x)
    mean, variance = MOMENTS[spec]
    exact = x.astype(np.float64)
    z = (noisy - mean(exact)) / np.sqrt(variance(exact))
    if spec.startswith("mask") and scene == "gradient":
        z = z[:, :, 0]  # the channels share one mask
    assert abs(z.mean()) <= 5 / math.sqrt(z.size)
    assert abs((z**2).mean() - 1) <= 5 * (z**2).std() / math.sqrt(z.size)


@pytest.mark.parametrize(
    "spec, law",
    [
        ("gaussian(sigma=25)", stats.norm(0.4, 25 / 255)),
        ("laplace(sigma=20)", stats.laplace(0.4, 20 / 255 / math.sqrt(2))),
        ("uniform(width=60)", stats.uniform(0.4 - 30 / 255, 60 / 255)),
        ("gamma(looks=4)", stats.gamma(4, scale=0.1)),
        ("rayleigh", stats.rayleigh(scale=0.4 * math.sqrt(2 / math.pi))),
        ("rician(sigma=20)", stats.rice(0.4 / (20 / 255), scale=20 / 255)),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_values_follow_the_law(spec: str, law: Any) -> None:
    noisy, _ = nb.degrade(spec, flat(shape=(256, 256)))
    assert stats.kstest(noisy.ravel().astype(np.float64), law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("spec", ["gaussian(sigma=25)", "poisson(peak=30)", "gamma(looks=4)", "rician(sigma=20)"])
def test_pointwise_noise_is_white_in_rows_columns_and_channels(spec: str) -> None:
    noisy, _ = nb.degrade(spec, flat(shape=(300, 300, 3)))
    z = (noisy - noisy.mean(dtype=np.float64)) / noisy.std(dtype=np.float64)
    for a, b in ((z[1:], z[:-1]), (z[:, 1:], z[:, :-1]), (z[:, :, 1:], z[:, :, :-1])):
        assert abs((a * b).mean()) <= 5 / math.sqrt(a.size)


def test_gaussian_range_draws_sigma_uniformly_per_picture() -> None:
    sigmas = [
        255 * nb.degrade("gaussian_range(low=10, high=50, disclose=True)", flat(shape=(1, 1)), seed=seed)[1].sigma
        for seed in range(400)
    ]
    assert stats.kstest(sigmas, stats.uniform(10, 40).cdf).pvalue > 1e-3


def test_gaussian_range_adds_noise_of_the_sigma_it_drew() -> None:
    noisy, info = nb.degrade("gaussian_range(low=10, high=50, disclose=True)", flat())
    z = (noisy - flat().astype(np.float64)) / info.sigma
    assert abs((z**2).mean() - 1) <= 5 * math.sqrt(2 / z.size)


def test_salt_pepper_changes_values_to_0_or_1_only() -> None:
    noisy, _ = nb.degrade("salt_pepper(p=0.2)", flat())
    values, counts = np.unique(noisy, return_counts=True)
    assert values.tolist() == [0, np.float32(0.4), 1]
    for share, p in zip(counts / noisy.size, (0.1, 0.8, 0.1), strict=True):
        assert abs(share - p) <= 5 * math.sqrt(p * (1 - p) / noisy.size)


def test_impulse_replaces_with_uniform_values() -> None:
    noisy, _ = nb.degrade("impulse(p=0.2)", flat())
    hit = noisy[noisy != np.float32(0.4)].astype(np.float64)
    assert abs(hit.size / noisy.size - 0.2) <= 5 * math.sqrt(0.16 / noisy.size)
    assert stats.kstest(hit, stats.uniform().cdf).pvalue > 1e-3


@pytest.mark.parametrize("p, expected", [(0.0, {0.4}), (1.0, {0.0, 1.0})])
def test_salt_pepper_at_its_ends(p: float, expected: set[float]) -> None:
    noisy, _ = nb.degrade(f"salt_pepper(p={p})", flat(shape=(64, 64)))
    assert set(noisy.ravel().tolist()) == {float(np.float32(v)) for v in expected}


def test_correlated_noise_has_exact_sigma_and_gaussian_correlation() -> None:
    radius, s = 1.5, 25 / 255
    z = (nb.degrade("correlated(sigma=25, radius=1.5)", flat())[0] - np.float64(np.float32(0.4))) / s
    # Sums over lags of the correlation exp(−k²/4r²) and of its square: how many values are worth one.
    assert abs(z.mean()) <= 5 * math.sqrt(4 * math.pi * radius**2 / z.size)
    worth = z.size / (2 * math.pi * radius**2)
    assert abs((z**2).mean() - 1) <= 5 * math.sqrt(2 / worth)
    for lag in (1, 2, 3):
        expected = math.exp(-(lag**2) / (4 * radius**2))
        for product in (z[lag:] * z[:-lag], z[:, lag:] * z[:, :-lag]):
            assert abs(product.mean() - expected) <= 5 * math.sqrt(2 / worth)


class OneGrain:
    """Stands for a generator: a field of zeros with a single 1 in its middle."""

    def standard_normal(self, shape: tuple[int, ...]) -> np.ndarray:
        field = np.zeros(shape)
        field[shape[0] // 2, shape[1] // 2] = 1
        return field


@pytest.mark.parametrize("radius", [0.3, 1.5, 4.0])
def test_correlated_noise_of_one_grain_has_the_energy_sigma_squared(radius: float) -> None:
    part = bind(f"correlated(sigma=51, radius={radius})", "regime")
    y, _ = part.entry.obj(np.zeros((81, 81, 1)), OneGrain(), **part.kwargs)
    assert (y**2).sum() == pytest.approx(0.2**2, rel=1e-12)


def test_correlated_noise_is_stationary_up_to_the_corner_and_does_not_wrap() -> None:
    draws = np.array(
        [nb.degrade("correlated(sigma=255, radius=2)", flat(0, (4, 30)), draw=n)[0] for n in range(800)],
        np.float64,
    )
    assert np.abs((draws**2).mean(0) - 1).max() <= 5 * math.sqrt(2 / 800)
    assert abs((draws[:, 0, 0] * draws[:, 0, -1]).mean()) <= 5 / math.sqrt(800)


@pytest.mark.parametrize("axis", ["row", "column"])
def test_stripes_are_constant_along_their_axis(axis: str) -> None:
    shape = (20_000, 3, 3) if axis == "row" else (3, 20_000, 3)
    noise = nb.degrade(f"stripes(sigma=15, axis={axis})", flat(0, shape))[0].astype(np.float64) / (15 / 255)
    along = 1 if axis == "row" else 0
    assert np.ptp(noise, axis=along).max() == 0
    z = noise.take(0, axis=along)
    assert abs(z.mean()) <= 5 / math.sqrt(z.size)
    assert abs((z**2).mean() - 1) <= 5 * math.sqrt(2 / z.size)


def test_rician_noise_without_signal_is_rayleigh() -> None:
    noisy = nb.degrade("rician(sigma=20)", flat(0))[0].astype(np.float64) / (20 / 255)
    assert (noisy**2).mean() == pytest.approx(2, rel=5 / math.sqrt(noisy.size))
    assert stats.kstest(noisy.ravel(), stats.rayleigh.cdf).pvalue > 1e-3


def test_sensor_row_noise_is_one_offset_for_all_channels() -> None:
    spec = "sensor(iso=100, full_well=1000, read=0, row=10, bits=16)"
    noisy, _ = nb.degrade(spec, flat(0, (2000, 2, 3)))
    assert np.ptp(noisy, axis=(1, 2)).max() == 0
    z = noisy[:, 0, 0].astype(np.float64) / (10 / 1000)
    assert (z**2).mean() == pytest.approx(1, rel=5 * math.sqrt(2 / z.size))


def test_sensor_without_light_shows_read_row_and_quantisation_noise_of_the_disclosed_sigma() -> None:
    noisy, info = nb.degrade("sensor(iso=6400, ratio=10, row=2, shape=0.14)", flat(0, (4000, 100)))
    y = noisy.astype(np.float64)
    rows, within = y.mean(1).var(), y.var(axis=1, ddof=1).mean()
    expected_row = (2 / 78.125) ** 2
    expected_within = (3 / 78.125) ** 2 + (10 / 16383) ** 2 / 12
    assert within == pytest.approx(expected_within, rel=5 * math.sqrt(2 / y.size))
    assert rows == pytest.approx(expected_row + expected_within / 100, rel=5 * math.sqrt(2 / 4000))
    assert info.sigma == pytest.approx(math.sqrt(expected_row + expected_within), rel=1e-12)


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.14])
def test_sensor_read_noise_is_tukey_lambda(shape: float) -> None:
    spec = f"sensor(iso=100, full_well=1000, read=10, row=0, bits=16, shape={shape})"
    z = nb.degrade(spec, flat(0, (200, 200)))[0].ravel().astype(np.float64) / (10 / 1000)
    scale = 1 / math.sqrt(stats.tukeylambda.stats(shape, moments="v")[()])
    assert stats.kstest(z, stats.tukeylambda(shape, scale=scale).cdf).pvalue > 1e-3


def test_sensor_read_noise_is_finite_where_the_draw_is_zero() -> None:
    class Zeros(np.random.Generator):
        def random(self, size: tuple[int, ...]) -> np.ndarray:  # type: ignore[override]
            return np.zeros(size)

    (drawn,) = tukey(Zeros(np.random.Philox()), (1,), 0.0)
    assert drawn == pytest.approx(-54 * math.log(2) * math.sqrt(3) / math.pi, rel=1e-12)


def test_eld_rounds_to_whole_raw_units_and_shares_an_offset_along_a_row() -> None:
    noisy, info = nb.degrade("eld(low=100, high=100, gain=4)", flat(0, (400, 300)))
    units = noisy.astype(np.float64) * 15_583 / 100
    assert np.abs(units - np.rint(units)).max() < 1e-3
    assert info.peak == pytest.approx(155.83 / 4, rel=1e-12)
    assert units.mean(1).var() > 2 * units.var(axis=1).mean() / 300


@pytest.mark.parametrize("value", [0.0, 0.2, 0.8])
def test_the_models_of_eld_have_one_variance(value: float) -> None:
    """At one camera setting: that of the shot noise and of what does not depend on the signal."""
    told = {}
    for model in ("physical", "poisson_gaussian", "gaussian"):
        x = np.full((3000, 40, 1), value)
        noisy, known = eld(x, np.random.default_rng(3), low=200, high=200, gain=1.0, model=model)
        told[model] = known["sigma"] ** 2 + (value / known["peak"] if known["peak"] is not None else 0.0)
        assert noisy.mean() == pytest.approx(value, abs=6 * math.sqrt(told[model] / 3000))
        assert noisy.var() == pytest.approx(told[model], rel=0.06)
    assert told["poisson_gaussian"] == pytest.approx(told["physical"], rel=1e-12)
    assert told["gaussian"] == pytest.approx(told["physical"], rel=1e-12)


@pytest.mark.parametrize("shape", [-0.143, 0.0, 0.129])
def test_tukey_variance_is_that_of_scipy(shape: float) -> None:
    assert tukey_variance(shape) == pytest.approx(stats.tukeylambda.stats(shape, moments="v")[()], rel=1e-6)


def test_sensor_rounds_to_its_bits_before_it_brightens() -> None:
    noisy, info = nb.degrade("sensor(iso=800, ratio=8, bits=10)", flat(shape=(50, 50)))
    levels = noisy.astype(np.float64) * 1023 / 8
    assert np.abs(levels - np.rint(levels)).max() < 1e-4
    assert info.bit_depth == 10


# --- clip and bits ---------------------------------------------------------------------------------------

WITH_CLIP = (
    "gaussian(sigma=80", "gaussian_range(low=60, high=80", "laplace(sigma=80", "uniform(width=300",
    "mixture(sigmas=(80,), weights=(1,)", "correlated(sigma=80, radius=1", "stripes(sigma=80",
    "poisson(peak=3",
    "poisson_gaussian(peak=3, sigma=20", "gamma(looks=1", "rician(sigma=80",
)  # fmt: skip


@pytest.mark.parametrize("head", WITH_CLIP)
def test_nothing_is_clipped_or_rounded_unless_the_regime_says_so(head: str) -> None:
    x = flat(0.9, (64, 64))
    plain = nb.degrade(f"{head})", x)[0]
    assert plain.max() > 1
    clipped = nb.degrade(f"{head}, clip=True)", x)[0]
    assert clipped.max() == 1
    assert clipped.min() >= 0
    rounded, info = nb.degrade(f"{head}, bits=4)", x)
    assert np.array_equal(rounded, (np.rint(rounded.astype(np.float64) * 15) / 15).astype(np.float32))
    assert rounded.max() > 1
    assert info.bit_depth == 4


# --- operators -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["grey", "colour"])
def test_none_is_the_picture_and_real_the_noisy_one(kind: str) -> None:
    sample = fixed(kind)
    for spec, source in (("none", sample.clean), ("real", sample.noisy)):
        noisy, _ = degrade_sample(bind(spec, "regime"), sample)
        assert np.array_equal(noisy, np.float32(source / 255.0).reshape(noisy.shape))


@pytest.mark.parametrize("shape", [(37, 41), (40, 34, 3)])
def test_jpeg_is_that_of_opencv_on_rgb(shape: tuple[int, ...]) -> None:
    clean = picture(*shape)
    noisy, info = nb.degrade("jpeg(quality=30)", clean)
    swap = np.s_[:, :, ::-1] if clean.ndim == 3 else ...  # OpenCV has BGR
    coded = cv2.imencode(".jpg", clean[swap], [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
    back = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)[swap]
    assert np.array_equal(noisy, np.float32(back / 255.0))
    assert (info.quality, info.bit_depth) == (30, 8)


def test_jpeg_error_falls_with_quality_and_with_full_chroma() -> None:
    clean = picture(64, 64, 3)
    error = [
        float(np.abs(nb.degrade(spec, clean)[0] - clean / 255.0).mean())
        for spec in (
            "jpeg(quality=10)",
            "jpeg(quality=60)",
            "jpeg(quality=95)",
            "jpeg(quality=95, chroma='4:4:4')",
        )
    ]
    assert error == sorted(error, reverse=True)
    assert error[-1] < error[-2] / 2


def test_jpeg_of_two_or_four_channels_treats_each_as_grey() -> None:
    clean = picture(24, 24, 4)
    noisy, _ = nb.degrade("jpeg(quality=50)", clean)
    for c in range(4):
        assert np.array_equal(noisy[:, :, c], nb.degrade("jpeg(quality=50)", clean[:, :, c].copy())[0])


def test_jpeg_skips_a_picture_too_wide_for_the_format() -> None:
    with pytest.raises(UsageError, match="65500"):
        nb.degrade("jpeg(quality=50)", np.zeros((1, 65_501), np.uint8))


def test_quantize_rounds_half_to_even_and_clips() -> None:
    x = np.array([[-0.5, 0.0, 0.5 / 3, 1.5 / 3, 2.5 / 3, 0.99, 1.5]], np.float32)
    exact = np.rint(np.clip(x.astype(np.float64), 0, 1) * 3) / 3
    noisy, info = nb.degrade("quantize(bits=2)", x, range=(0, 1))
    assert np.array_equal(noisy, exact.astype(np.float32))
    assert set(np.round(noisy * 3).ravel()) <= {0, 1, 2, 3}
    assert nb.degrade("quantize(bits=1)", flat(0.5, (1, 1)))[0].item() == 0
    assert info.bit_depth == 2


def test_quantize_to_8_bits_leaves_an_8_bit_picture_alone() -> None:
    noisy, _ = nb.degrade("quantize(bits=8)", picture(40, 34, 3))
    assert np.array_equal(noisy, np.float32(picture(40, 34, 3) / 255.0))


def test_quantize_of_a_uniform_picture_errs_by_a_uniform_error() -> None:
    x = np.linspace(0, 1, 2**16, dtype=np.float32).reshape(256, 256)
    error = nb.degrade("quantize(bits=4)", x)[0].astype(np.float64) - x
    assert abs(error.mean()) < 1e-6
    assert (error**2).mean() == pytest.approx((1 / 15) ** 2 / 12, rel=1e-3)


def test_mask_is_disclosed_and_covers_all_channels() -> None:
    clean = picture(40, 34, 3)
    noisy, info = nb.degrade("mask(keep=0.4)", clean)
    assert info.mask.shape == (40, 34)
    assert set(np.unique(info.mask)) == {0, 1}
    assert np.array_equal(noisy, np.float32(clean / 255.0 * info.mask[:, :, None]))


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("shape", [(37, 41), (24, 36, 3), (5, 1), (1, 1)])
def test_downsample_agrees_with_the_direct_sum(shape: tuple[int, ...], scale: int, kernel: str) -> None:
    clean = picture(*shape)
    noisy, info = nb.degrade(f"downsample(scale={scale}, kernel={kernel})", clean)
    down, across = (imresize_matrix(n, scale, kernel) for n in shape[:2])
    exact = np.einsum("ih,hw...,jw->ij...", down, clean / 255.0, across)
    assert noisy.shape == exact.shape
    assert np.abs(noisy - exact).max() < 1e-7
    assert (info.scale, info.shape) == (scale, shape[:2])


def test_downsample_agrees_with_pillow_inside() -> None:
    from PIL import Image

    clean = picture(96, 120)
    noisy, _ = nb.degrade("downsample(scale=3)", clean)
    theirs = np.asarray(Image.fromarray(np.float32(clean / 255.0)).resize((40, 32), Image.Resampling.BICUBIC))
    assert np.abs(noisy - theirs)[2:-2, 2:-2].max() < 1e-6


def test_downsample_area_is_the_mean_of_blocks_also_where_they_are_cut() -> None:
    clean = picture(7, 8)
    noisy, _ = nb.degrade("downsample(scale=3, kernel=area)", clean)
    exact = [[clean[i : i + 3, j : j + 3].mean() / 255 for j in (0, 3, 6)] for i in (0, 3, 6)]
    assert np.allclose(noisy, exact, rtol=0, atol=1e-7)


@pytest.mark.parametrize("scale, middle", [(1, 0), (2, 0), (3, 1), (4, 1)])
def test_downsample_nearest_takes_the_middle_of_each_block(scale: int, middle: int) -> None:
    clean = picture(12, 24)
    noisy, _ = nb.degrade(f"downsample(scale={scale}, kernel=nearest)", clean)
    assert np.array_equal(noisy, np.float32(clean[middle::scale, middle::scale] / 255.0))


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear", "area", "nearest"])
def test_downsample_keeps_a_constant(kernel: str) -> None:
    noisy, _ = nb.degrade(f"downsample(scale=4, kernel={kernel})", flat(0.4, (13, 10)))
    assert noisy.shape == (4, 3)
    assert np.abs(noisy - np.float32(0.4)).max() < 1e-7


@pytest.mark.parametrize("boundary, mode", [("reflect", "reflect"), ("circular", "wrap")])
@pytest.mark.parametrize("kernel", ["gaussian", "box", "disk", "motion"])
@pytest.mark.parametrize("shape", [(37, 41, 3), (3, 5, 1)])
def test_blur_is_the_convolution_with_the_disclosed_kernel(
    shape: tuple[int, ...], kernel: str, boundary: str, mode: str
) -> None:
    clean = picture(*shape)
    noisy, info = nb.degrade(f"blur(sigma=1.7, kernel={kernel}, angle=25, boundary={boundary})", clean)
    for c in range(shape[2]):
        exact = ndimage.convolve(clean[:, :, c] / 255.0, info.kernel, mode=mode)
        assert np.abs(noisy[:, :, c] - exact).max() < 1e-7
    assert info.boundary == boundary


@pytest.mark.parametrize("sigma", [0.05, 0.5, 1.0, 2.0, 7.3, 20.0])
def test_kernels_have_sum_1_and_are_symmetric(sigma: float) -> None:
    square = [np.outer(t, t) for t in (gaussian_taps(sigma), box_taps(sigma))]
    for kernel in (*square, disk_kernel(sigma), motion_kernel(sigma, 30), motion_kernel(sigma, -360)):
        assert kernel.shape[0] == kernel.shape[1]
        assert kernel.shape[0] % 2 == 1
        assert kernel.min() >= 0
        assert kernel.sum() == pytest.approx(1, abs=1e-14)
        assert np.array_equal(kernel, kernel[::-1, ::-1])


def spread(kernel: np.ndarray) -> tuple[float, float]:
    i, j = np.indices(kernel.shape) - kernel.shape[0] // 2
    return math.sqrt((kernel * i**2).sum()), math.sqrt((kernel * j**2).sum())


def along(kernel: np.ndarray, angle: float) -> tuple[float, float]:
    """Standard deviations along a direction, in degrees counter-clockwise as seen, and across it."""
    i, j = np.indices(kernel.shape) - kernel.shape[0] // 2
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return math.sqrt((kernel * (j * c - i * s) ** 2).sum()), math.sqrt((kernel * (j * s + i * c) ** 2).sum())


@pytest.mark.parametrize("sigma", [0.05, 0.3, 1.0, 2.0, 20.0])
def test_a_box_has_its_standard_deviation_exactly(sigma: float) -> None:
    assert spread(np.outer(box_taps(sigma), box_taps(sigma))) == pytest.approx((sigma, sigma), rel=1e-12)


@pytest.mark.parametrize("sigma, wide", [(0.3, 0.09), (0.5, 0.46), (0.8, 0.80), (1.0, 1.00), (5.0, 5.00)])
def test_a_sampled_gaussian_is_narrower_than_its_sigma_below_a_pixel(sigma: float, wide: float) -> None:
    found = spread(np.outer(gaussian_taps(sigma), gaussian_taps(sigma)))[0]
    assert found == pytest.approx(wide, abs=0.005)
    assert sigma < 0.8 or found == pytest.approx(sigma, rel=1e-3)


@pytest.mark.parametrize("sigma, disk, line", [(1.0, 1.06, 1.08), (2.0, 2.03, 2.04)])
def test_pixels_widen_a_disk_and_a_line_as_documented(sigma: float, disk: float, line: float) -> None:
    assert spread(disk_kernel(sigma)) == pytest.approx((disk, disk), abs=0.005)
    assert along(motion_kernel(sigma, 0), 0)[0] == pytest.approx(line, abs=0.005)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0, 5.0])
def test_motion_is_narrow_across_its_line(sigma: float) -> None:
    across = [along(motion_kernel(sigma, angle), angle)[1] for angle in range(0, 181, 15)]
    assert max(across[0], across[-1]) < 1e-9
    assert 0.35 < max(across) < 0.44


@pytest.mark.parametrize("sigma", [2.0, 5.0, 12.5])
def test_kernels_have_the_standard_deviation_asked_for(sigma: float) -> None:
    assert spread(np.outer(box_taps(sigma), box_taps(sigma))) == pytest.approx((sigma, sigma), rel=1e-12)
    assert spread(np.outer(gaussian_taps(sigma), gaussian_taps(sigma))) == pytest.approx((sigma, sigma), rel=1e-3)
    assert spread(disk_kernel(sigma)) == pytest.approx((sigma, sigma), rel=0.03)
    assert spread(motion_kernel(sigma, 0)) == pytest.approx((0, sigma), rel=0.03, abs=1e-9)
    assert spread(motion_kernel(sigma, 90)) == pytest.approx((sigma, 0), rel=0.03, abs=1e-9)


def test_box_of_odd_width_is_flat() -> None:
    width = 5
    taps = box_taps(math.sqrt((width**2 - 1) / 12))
    assert taps[np.abs(taps) > 1e-12] == pytest.approx([1 / width] * width, rel=1e-12)


def test_motion_angle_is_counter_clockwise_as_seen() -> None:
    kernel = motion_kernel(3, 45)
    i, j = np.indices(kernel.shape) - kernel.shape[0] // 2
    assert (kernel * i * j).sum() < 0  # rising to the right: up is a smaller row


# --- disclosure ------------------------------------------------------------------------------------------

DISCLOSED: dict[str, dict[str, Any]] = {
    "none": {},
    "gaussian(sigma=25.5)": {"sigma": 0.1},
    "gaussian_range(low=5, high=50)": {},
    "gaussian_range(low=51, high=51, disclose=True)": {"sigma": 0.2},
    "kair(sigma=25.5)": {"sigma": 0.1},
    "restormer(sigma=25.5)": {"sigma": 0.1},
    "dncnn_matlab(sigma=25.5)": {"sigma": 0.1},
    "laplace(sigma=25.5)": {"sigma": 0.1},
    "uniform(width=51)": {"sigma": 0.2 / math.sqrt(12)},
    "salt_pepper(p=0.2)": {"p": 0.2},
    "impulse(p=0.2)": {"p": 0.2},
    "mixture(sigmas=(25.5, 51), weights=(0.75, 0.25))": {"sigma": math.sqrt(0.75 * 0.01 + 0.25 * 0.04)},
    "correlated(sigma=25.5, radius=2)": {"sigma": 0.1},
    "stripes(sigma=25.5)": {"sigma": 0.1},
    "poisson(peak=30)": {"peak": 30},
    "poisson_gaussian(peak=30, sigma=25.5)": {"peak": 30, "sigma": 0.1},
    "gamma(looks=4)": {"looks": 4, "speckle": 0.5},
    "rayleigh": {"speckle": math.sqrt(4 / math.pi - 1)},
    "rician(sigma=25.5)": {"sigma": 0.1},
    "sensor(iso=800, ratio=5, read=0, row=0)": {
        "iso": 800, "ratio": 5, "bit_depth": 14, "peak": 1250, "sigma": 5 / 16383 / math.sqrt(12),
    },
    "jpeg(quality=30)": {"quality": 30, "bit_depth": 8},
    "quantize(bits=3)": {"bit_depth": 3},
    "downsample(scale=2)": {"scale": 2},
    "downsample(scale=2, bits=8)": {"scale": 2, "bit_depth": 8},
}  # fmt: skip


@pytest.mark.parametrize("spec", DISCLOSED)
def test_discloses_exactly_what_is_documented(spec: str) -> None:
    _, info = nb.degrade(spec, flat(0.3, shape=(6, 5)))  # 0.3 is on no grid of 8 or 16 bits
    known = {name: value for name, value in info.disclosed().items() if value is not None}
    assert known.pop("shape") == (6, 5)
    assert known == pytest.approx(DISCLOSED[spec], rel=1e-12)


@pytest.mark.parametrize("spec", SPECS)
def test_discloses_no_more_than_it_declares(spec: str) -> None:
    bound = bind(spec, "regime")
    _, info = degrade_sample(bound, fixed("colour"))
    declared = {name for part in bound.parts for name in part.entry.meta["discloses"]}
    assert {n for n in info.disclosed() if n in info} <= declared | {"shape", "bit_depth"}


# --- refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec, names",
    [
        ("gaussian", "needs sigma"),
        ("gaussian(sigma=-1)", "sigma"),
        ("gaussian(sigma=1e999)", "sigma"),
        ("gaussian(sigma='25')", "sigma"),
        ("gaussian(sigma=True)", "sigma"),
        ("gaussian(sigma=25, clip=1)", "clip"),
        ("gaussian(sigma=25, bits=0)", "bits"),
        ("gaussian(sigma=25, bits=8.0)", "bits"),
        ("gaussian(sgima=25)", "did you mean 'sigma'"),
        ("gausian(sigma=25)", "did you mean 'gaussian'"),
        ("gaussian_range(low=30, high=20)", "low=30"),
        ("eld(low=300, high=100)", "low=300"),
        ("eld(model=physics)", "physical"),
        ("laplace(sigma=-1)", "sigma"),
        ("uniform(width=-1)", "width"),
        ("salt_pepper(p=1.1)", "p "),
        ("impulse(p=-0.1)", "p "),
        ("mixture(sigmas=(10, 20), weights=(1.0,))", "2 sigmas and 1 weight;"),
        ("mixture(sigmas=(10, 20), weights=(0.5, 0.6))", "add up to 1.1"),
        ("mixture(sigmas=(), weights=())", "0 sigmas"),
        ("mixture(sigmas=(-1, 20), weights=(0.5, 0.5))", "sigmas"),
        ("negseq(of=photos, patch=65)", "patch=65 is larger than size=64"),
        ("negseq(of=photos, mix=2)", "mix=2 must be 0 to 1"),
        ("negseq(of=photos, smooth=3)", "smooth=3 goes with adds=True"),
        ("correlated(sigma=25, radius=0)", "radius"),
        ("stripes(sigma=25, axis=rows)", "did you mean 'row'"),
        ("poisson(peak=0)", "peak"),
        ("poisson_gaussian(peak=30, sigma=-1)", "sigma"),
        ("gamma(looks=0)", "looks"),
        ("rician(sigma=-2)", "sigma"),
        ("sensor(iso=0)", "iso"),
        ("sensor(iso=100, shape=-0.5)", "shape"),
        ("sensor(iso=100, ratio=0.5)", "ratio"),
        ("jpeg(quality=0)", "quality"),
        ("jpeg(quality=101)", "quality"),
        ("jpeg(quality=50, chroma='4:1:1')", "chroma"),
        ("quantize(bits=17)", "bits"),
        ("mask(keep=0)", "keep"),
        ("mask(keep=1.5)", "keep"),
        ("mask(keep=0.5, kind=hole)", "did you mean 'holes'"),
        ("downsample(scale=0)", "scale"),
        ("downsample(scale=2.5)", "scale"),
        ("downsample(scale=2, bits=0)", "bits"),
        ("downsample(scale=2, kernel=bicubik)", "did you mean 'bicubic'"),
        ("blur(sigma=0)", "sigma"),
        ("blur(sigma=1, kernel=gausian)", "did you mean 'gaussian'"),
        ("blur(sigma=1, boundary=zero)", "boundary"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_that_names_it(spec: str, names: str) -> None:
    with pytest.raises(UsageError) as caught:
        nb.degrade(spec, flat(shape=(4, 4)))
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)


TINY = math.ulp(0.0)
ENDS: dict[str, tuple[float, float]] = {
    "gaussian(sigma={})": (0.0, 1e5),
    "gaussian(sigma=1, bits={})": (1, 16),
    "salt_pepper(p={})": (0.0, 1.0),
    "poisson(peak={})": (TINY, 1e9),
    "correlated(sigma=1, radius={})": (TINY, 64.0),
    "gamma(looks={})": (0.01, 1e6),
    "mask(keep={})": (TINY, 1.0),
    "downsample(scale={})": (1, 64),
    "jpeg(quality={})": (1, 100),
    "blur(sigma={})": (0.05, 20.0),
    "blur(sigma=1, angle={})": (-360.0, 360.0),
    "sensor(iso={})": (1.0, 1e7),
    "sensor(iso=100, ratio={})": (1.0, 1e4),
    "sensor(iso=100, full_well={})": (1.0, 1e8),
    "sensor(iso=100, read={})": (0.0, 1e5),
    "sensor(iso=100, shape={})": (-0.4, 1.0),
    "sensor(iso=100, row={})": (0.0, 1e5),
}


@pytest.mark.parametrize("spec", ENDS)
def test_the_ends_of_a_range_are_in_it_and_what_lies_beyond_is_refused(spec: str) -> None:
    low, high = ENDS[spec]
    below, above = (
        (low - 1, high + 1)
        if isinstance(low, int)
        else (math.nextafter(low, -math.inf), math.nextafter(high, math.inf))
    )
    for value in (low, high):
        bind(spec.format(value), "regime")
    for value in (below, above):
        with pytest.raises(UsageError):
            bind(spec.format(value), "regime")
