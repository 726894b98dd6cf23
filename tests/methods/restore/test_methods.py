"""Methods: each does what its source says, on grey, colour, odd and tiny pictures, without tuning."""

from __future__ import annotations

import warnings
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from conftest import ROOT
from noisebench.components.registry import bind, registry
from noisebench.datasets.restore.gaussian_field import gaussian_field
from noisebench.datasets.restore.piecewise import piecewise
from noisebench.methods.restore._noise_level import noise_sigma
from noisebench.methods.restore.vst import anscombe, logarithm
from noisebench.store.reading import read_records
from noisebench.tracks.restore.degrade import degrade_sample

DENOISERS = [
    "gaussian_filter", "median", "bilateral", "nlm", "bayes_shrink", "visu_shrink", "tv_chambolle", "wiener",
]  # fmt: skip
# Each method with a regime of its family.
SUITED = [
    *[(name, "gaussian(sigma=25)") for name in ("identity", *DENOISERS)],
    ("adaptive_median", "salt_pepper(p=0.2)"),
    ("vst", "poisson(peak=20)"),
    ("vst(method=tv_chambolle)", "gamma(looks=4)"),
    ("bicubic", "downsample(scale=3)"),
    ("lanczos", "downsample(scale=2)"),
    ("telea", "mask(keep=0.5)"),
    ("biharmonic", "mask(keep=0.5)"),
    ("richardson_lucy", "blur(sigma=1.5) + gaussian(sigma=2)"),
    ("wiener_deconv", "blur(sigma=1.5) + gaussian(sigma=2)"),
    ("jpeg_reapply", "jpeg(quality=20)"),
]


def scene(height: int = 96, width: int = 112, channels: int = 1) -> Any:
    """A shaded disk, a bar and a fine sinusoid before a ramp: edges, smooth parts and texture, uint8."""
    y, x = np.mgrid[:height, :width] / min(height, width)
    grey = 70 + 60 * x + 40 * y
    grey = np.where(np.hypot(y - 0.4, x - 0.4) < 0.25, 200 - 120 * y, grey)
    grey = np.where((y > 0.75) & (y < 0.85), 30, grey)
    grey = np.where(x > 0.9, grey + 25 * np.sin(60 * y), grey)
    planes = [grey, 0.6 * grey + 60, 240 - 0.7 * grey][:channels]
    picture = np.stack(planes, -1).round().clip(0, 255).astype(np.uint8)
    return picture[:, :, 0] if channels == 1 else picture


def three_d(picture: Any) -> Any:
    return picture[:, :, None] if picture.ndim == 2 else picture


def restore(method: str, noisy: Any, info: nb.Info) -> Any:
    """The restored float32 (H, W, C), of the shape that `info` gives."""
    restorer = nb.Restorer(bind(method, "method"))
    restorer.setup("cpu")
    noisy = three_d(noisy)
    shape = (*(info.shape or noisy.shape[:2]), noisy.shape[2])
    return restorer.restore(noisy, info, shape)


def psnr(restored: Any, clean: Any) -> float:
    error = three_d(restored).astype(np.float64) - three_d(clean) / 255
    return float(-10 * np.log10(np.mean(error**2)))


def gain(method: str, regime: str, clean: Any) -> float:
    """Decibels above the input as it is (for super-resolution: above its nearest neighbours)."""
    noisy, info = nb.degrade(regime, clean, seed=0)
    return psnr(restore(method, noisy, info), clean) - psnr(restore("identity", noisy, info), clean)


# PSNR of the first four of `photos` at gaussian(sigma=25), seed 0: those of results/demo.parquet where it has them.
PSNR_OF_PHOTOS = {
    "identity": 20.47, "gaussian_filter": 28.13, "median": 26.38, "bilateral": 28.67, "nlm": 30.16,
    "bayes_shrink": 29.26, "visu_shrink": 24.62, "tv_chambolle": 29.18, "wiener": 27.17, "adaptive_median": 23.10,
}  # fmt: skip


@pytest.mark.parametrize("method", PSNR_OF_PHOTOS)
def test_a_classical_method_has_its_psnr_on_photographs(method: str) -> None:
    found = nb.evaluate(method, "photos", "gaussian(sigma=25)", metrics=("psnr",), seed=0, limit=4)
    assert found.psnr == pytest.approx(PSNR_OF_PHOTOS[method], abs=0.05)


def test_the_psnr_on_photographs_is_that_of_the_committed_results() -> None:
    regime = bind("gaussian(sigma=25)", "regime").canonical
    cells = [r for r in read_records(ROOT / "results" / "demo.parquet") if r.cell.kind == "score"]
    held = {r.cell.method.name: r for r in cells if r.cell.regime.spec == regime and r.items}
    assert set(held) == {"identity", "unet_blind", *DENOISERS} - {"wiener"}
    for name in held.keys() & PSNR_OF_PHOTOS.keys():
        record = held[name]
        assert record.scores["psnr"][:4].mean() == pytest.approx(PSNR_OF_PHOTOS[name], abs=0.01), name


@pytest.mark.parametrize(
    ("method", "regime", "grey", "colour"),
    [
        # The gain measured on this scene.
        ("gaussian_filter", "gaussian(sigma=25)", 7.61, 8.79),
        ("median", "gaussian(sigma=25)", 6.96, 7.11),
        ("bilateral", "gaussian(sigma=25)", 9.44, 11.27),
        ("nlm", "gaussian(sigma=25)", 11.48, 12.79),
        ("bayes_shrink", "gaussian(sigma=25)", 8.80, 10.47),
        ("visu_shrink", "gaussian(sigma=25)", 4.40, 6.42),
        ("tv_chambolle", "gaussian(sigma=25)", 11.37, 11.94),
        ("wiener", "gaussian(sigma=25)", 7.64, 8.52),
        ("nlm", "gaussian_range(low=20, high=30)", 11.16, 12.83),
        ("nlm", "jpeg(quality=10)", 1.08, 1.02),
        ("jpeg_reapply", "jpeg(quality=10)", 0.76, 0.58),
        ("median", "salt_pepper(p=0.1)", 19.41, 20.07),
        ("adaptive_median", "salt_pepper(p=0.1)", 19.03, 21.92),
        ("adaptive_median", "salt_pepper(p=0.4)", 19.29, 21.39),
        ("vst", "poisson(peak=20)", 12.13, 13.86),
        ("vst", "poisson_gaussian(peak=30, sigma=10)", 11.27, 13.51),
        ("vst", "gamma(looks=4)", 13.21, 15.44),
        ("bicubic", "downsample(scale=2)", 1.63, 1.62),
        ("lanczos", "downsample(scale=2)", 1.87, 1.87),
        ("telea", "mask(keep=0.5)", 19.88, 22.85),
        ("biharmonic", "mask(keep=0.5)", 24.37, 26.92),
        ("richardson_lucy", "blur(sigma=1.5) + gaussian(sigma=2)", 2.18, 1.84),
        ("wiener_deconv", "blur(sigma=1.5) + gaussian(sigma=2)", 2.46, 2.36),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_restores_without_tuning(method: str, regime: str, grey: float, colour: float, channels: int) -> None:
    expected = grey if channels == 1 else colour
    assert gain(method, regime, scene(channels=channels)) == pytest.approx(expected, abs=0.05)


def test_families_have_two_contenders_above_the_gaussian_filter_on_a_photograph() -> None:
    from skimage.data import coins

    picture = coins()[:128, :128]
    noisy, info = nb.degrade("gaussian(sigma=25)", picture, seed=0)
    floor = psnr(restore("gaussian_filter", noisy, info), picture)
    for method in ("nlm", "tv_chambolle", "bilateral"):
        assert psnr(restore(method, noisy, info), picture) > floor + 0.5


def test_variance_stabilisation_gains_on_the_method_that_it_wraps() -> None:
    assert gain("vst", "poisson(peak=10)", scene()) > gain("nlm", "poisson(peak=10)", scene()) + 1


@pytest.mark.parametrize(("method", "regime"), SUITED)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2), (3, 3), (5, 4), (17, 13)])
def test_takes_any_size_without_a_warning(method: str, regime: str, channels: int, size: tuple[int, int]) -> None:
    noisy, info = nb.degrade(regime, scene(*size, channels), seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        restored = restore(method, noisy, info)
    assert restored.shape == (*size, channels)


@pytest.mark.parametrize(("method", "regime"), SUITED)
def test_repeats_itself_and_leaves_its_input_alone(method: str, regime: str) -> None:
    noisy, info = nb.degrade(regime, scene(33, 41, 3), seed=0)
    restorer = nb.Restorer(bind(method, "method"))
    prepared = restorer.prepare(noisy)
    first = np.array(restorer.call(prepared, info))
    assert np.array_equal(prepared, noisy)
    assert np.array_equal(restorer.call(prepared, info), first)


@pytest.mark.parametrize("method", DENOISERS[2:])
def test_no_noise_is_taken_away_where_there_is_none(method: str) -> None:
    clean = (scene() / 255).astype(np.float32)
    assert np.allclose(restore(method, clean, nb.Info({"sigma": 0.0}))[:, :, 0], clean, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "role"),
    [("identity", "baseline"), ("oracle", "sanity"), ("bayes_optimum", "optimum"), ("gaussian_filter", "sanity")],
)
def test_sanity_rows_are_marked(name: str, role: str) -> None:
    meta = registry("method").get(name).meta
    assert meta["role"] == role
    assert meta["oracle"] == (name in ("oracle", "bayes_optimum"))


# The level of the noise


@pytest.mark.parametrize(
    ("disclosed", "expected"),
    [
        ({"sigma": 0.1}, 0.1),
        ({"peak": 25.0}, np.sqrt(0.5 / 25)),
        ({"peak": 25.0, "sigma": 0.1}, np.sqrt(0.5 / 25 + 0.01)),
        ({"looks": 4.0}, np.sqrt(0.25 / 5)),
        ({"speckle": 0.5}, np.sqrt(0.25 / 5)),
    ],
)
def test_noise_level_follows_what_is_disclosed(disclosed: dict[str, float], expected: float) -> None:
    assert noise_sigma(np.full((8, 8, 1), 0.5, np.float32), nb.Info(disclosed)) == pytest.approx(expected)


@pytest.mark.parametrize("sigma", [10, 25, 50])
def test_noise_level_is_estimated_where_it_is_not_disclosed(sigma: int) -> None:
    noisy, _ = nb.degrade(f"gaussian(sigma={sigma})", scene(256, 256, 3), seed=0)
    assert 255 * noise_sigma(noisy, nb.Info()) == pytest.approx(sigma, rel=0.05)


# Sanity


def test_identity_returns_the_input() -> None:
    noisy, info = nb.degrade("gaussian(sigma=25)", scene(), seed=0)
    assert np.array_equal(restore("identity", noisy, info)[:, :, 0], noisy)


def test_identity_repeats_pixels_for_super_resolution() -> None:
    small = np.array([[1.0, 2.0]], np.float32)
    restored = restore("identity", small, nb.Info({"scale": 2, "shape": (2, 3)}))
    assert restored[:, :, 0].tolist() == [[1, 1, 2], [1, 1, 2]]


@pytest.mark.parametrize(
    "clean", [scene(9, 7, 3), scene(9, 7).astype(np.uint16) * 257, (scene(9, 7) / 255).astype(np.float32)]
)
def test_oracle_returns_the_clean_picture_on_the_unit_scale(clean: Any) -> None:
    info = nb.Info({"sample": nb.Sample("x", clean)})
    top = {"uint8": 255, "uint16": 65535, "float32": 1}[clean.dtype.name]
    expected = three_d((clean / top).astype(np.float32))
    assert np.array_equal(restore("oracle", np.zeros(clean.shape, np.float32), info), expected)


def test_oracle_skips_without_the_clean_picture() -> None:
    with pytest.raises(nb.Skip, match="needs the clean picture"):
        restore("oracle", np.zeros((4, 4), np.float32), nb.Info())


def optimum(dataset: Any, index: int, regime: str) -> tuple[Any, Any]:
    sample = dataset.load(index)
    noisy, info = degrade_sample(bind(regime, "regime"), sample)
    return restore("bayes_optimum", noisy, info.replace(sample=sample))[:, :, 0], sample


@pytest.mark.parametrize("sigma", [10, 25, 50])
def test_bayes_optimum_of_a_gaussian_field_has_the_closed_form_error(sigma: int) -> None:
    fields = gaussian_field(n=12, size=64)
    errors = []
    for index in range(12):
        restored, sample = optimum(fields, index, f"gaussian(sigma={sigma})")
        errors.append(np.mean((restored.astype(np.float64) - sample.clean) ** 2))
    spectrum, variance = sample.meta["spectrum"], (sigma / 255) ** 2
    per_frequency = spectrum * variance / (spectrum + variance)
    # |coefficient|² of a real field: exponential in pairs of frequencies, so var = 2 Σ e² over all of them.
    deviation = np.sqrt(2 * np.sum(per_frequency**2) / 12) / spectrum.size
    assert abs(np.mean(errors) - per_frequency.mean()) < 4 * deviation


def test_bayes_optimum_of_a_picture_that_happens_to_be_of_16_bits_is_known_unless_its_noise_is_too() -> None:
    labels = np.zeros((16, 16), np.int32)
    labels[4:8] = 1
    clean = np.where(labels, 3, 40000).astype(np.float32) / np.float32(65535)
    sample = nb.Sample("by chance", clean, meta={"labels": labels})
    noisy, info = degrade_sample(bind("gaussian(sigma=5)", "regime"), sample)
    assert info.bit_depth == 16
    restored = restore("bayes_optimum", noisy, info.replace(sample=sample))[:, :, 0]
    assert np.abs(restored - clean).max() < 3 * 5 / 255 / 8
    rounded, info = degrade_sample(bind("gaussian(sigma=5, bits=8)", "regime"), sample)
    with pytest.raises(nb.Skip, match="white Gaussian noise only"):
        restore("bayes_optimum", rounded, info.replace(sample=sample))


def test_bayes_optimum_of_regions_has_the_error_of_their_means() -> None:
    cells = piecewise(n=20, size=48, pieces=6)
    ratios = []
    for index in range(20):
        restored, sample = optimum(cells, index, "gaussian(sigma=25)")
        regions = len(np.unique(sample.meta["labels"]))
        expected = (25 / 255) ** 2 * regions / sample.clean.size
        ratios.append(np.mean((restored.astype(np.float64) - sample.clean) ** 2) / expected)
    # Σ over the 6 regions of χ²₁ / 6 has variance 2/6; the mean of 20 pictures a deviation of 0.13.
    assert np.mean(ratios) == pytest.approx(1, abs=4 * np.sqrt(2 / 6 / 20))


@pytest.mark.parametrize("method", DENOISERS)
def test_nothing_beats_the_optimum(method: str) -> None:
    fields = gaussian_field(n=1, size=96)
    restored, sample = optimum(fields, 0, "gaussian(sigma=25)")
    noisy, info = degrade_sample(bind("gaussian(sigma=25)", "regime"), sample)
    other = restore(method, noisy, info)[:, :, 0]
    assert np.mean((other - sample.clean) ** 2) > np.mean((restored - sample.clean) ** 2)


@pytest.mark.parametrize(
    ("regime", "reason"),
    [
        ("laplace(sigma=25)", "white Gaussian noise only"),
        ("uniform(width=60)", "white Gaussian noise only"),
        ("correlated(sigma=25, radius=1)", "white Gaussian noise only"),
        ("stripes(sigma=25)", "white Gaussian noise only"),
        ("gaussian(sigma=80, clip=True)", "white Gaussian noise only"),
        ("gaussian(sigma=25, clip=True, bits=8)", "white Gaussian noise only"),
        ("poisson(peak=30)", "of a disclosed sigma"),
        ("gaussian_range(low=10, high=40)", "of a disclosed sigma"),
        ("blur(sigma=1) + gaussian(sigma=5)", "of a disclosed sigma"),
    ],
)
def test_bayes_optimum_skips_where_it_would_not_be_the_optimum(regime: str, reason: str) -> None:
    with pytest.raises(nb.Skip, match=reason):
        optimum(piecewise(n=1, size=128), 0, regime)


def test_bayes_optimum_skips_photographs() -> None:
    with pytest.raises(nb.Skip, match="synthetic data only"):
        restore("bayes_optimum", np.zeros((4, 4), np.float32), nb.Info({"sample": nb.Sample("x", scene(4, 4))}))


# Variance stabilisation


@pytest.mark.parametrize("counts", [0.5, 1, 2, 5, 20, 100])
def test_anscombe_inverse_is_unbiased(counts: float) -> None:
    from scipy.stats import poisson

    peak = 120.0
    forward, backward, _ = anscombe(peak)
    k = np.arange(400)
    mean = float(np.sum(poisson.pmf(k, counts) * forward(k / peak)))
    # The closed form is within 0.02 counts of the exact inverse (Mäkitalo & Foi 2011).
    assert backward(np.array(mean)) * peak == pytest.approx(counts, abs=0.02)


def test_algebraic_inverse_would_be_biased() -> None:
    from scipy.stats import poisson

    k = np.arange(100)
    mean = float(np.sum(poisson.pmf(k, 2) * 2 * np.sqrt(k + 3 / 8)))
    assert abs(mean**2 / 4 - 3 / 8 - 2) > 0.15


@pytest.mark.parametrize(("peak", "sigma"), [(20.0, 0.0), (100.0, 0.0), (30.0, 0.05), (100.0, 0.02)])
def test_anscombe_makes_the_variance_one(peak: float, sigma: float) -> None:
    rng = np.random.default_rng(0)
    forward, _, deviation = anscombe(peak, sigma)
    for x in (0.3, 0.9):
        noisy = rng.poisson(peak * x, 200_000) / peak + sigma * rng.standard_normal(200_000)
        assert np.std(forward(noisy)) == pytest.approx(deviation, abs=0.03)


@pytest.mark.parametrize("looks", [1.0, 4.0, 16.0])
def test_logarithm_is_stable_and_unbiased(looks: float) -> None:
    rng = np.random.default_rng(0)
    forward, backward, deviation = logarithm(looks)
    stable = forward(0.5 * rng.gamma(looks, 1 / looks, 400_000))
    assert np.std(stable) == pytest.approx(deviation, rel=0.02)
    assert backward(np.mean(stable)) == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("regime", ["poisson(peak=8)", "poisson_gaussian(peak=20, sigma=10)", "gamma(looks=2)"])
def test_vst_keeps_the_brightness_of_a_flat_picture(regime: str) -> None:
    flat = np.full((128, 128), 100, np.uint8)
    noisy, info = nb.degrade(regime, flat, seed=0)
    # gaussian_filter averages nearly all of the stabilised picture: what is left is the bias.
    restored = restore("vst(method=gaussian_filter(width=12.0))", noisy, info)
    assert float(restored.mean()) == pytest.approx(100 / 255, rel=0.015)


@pytest.mark.parametrize(
    ("method", "regime", "reason"),
    [
        ("vst", "gaussian(sigma=25)", "needs peak"),
        ("vst", "rayleigh", "needs peak"),
        ("vst(kind=log)", "poisson(peak=20)", "needs looks"),
        ("vst(kind=anscombe)", "gamma(looks=4)", "needs peak"),
        ("bicubic", "gaussian(sigma=25)", "needs scale"),
        ("telea", "gaussian(sigma=25)", "needs mask"),
        ("wiener_deconv", "gaussian(sigma=25)", "needs kernel"),
        ("jpeg_reapply", "gaussian(sigma=25)", "needs quality"),
    ],
)
def test_skips_where_the_regime_does_not_disclose_enough(method: str, regime: str, reason: str) -> None:
    noisy, info = nb.degrade(regime, scene(16, 16), seed=0)
    with pytest.raises(nb.Skip, match=reason):
        restore(method, noisy, info)


@pytest.mark.parametrize("spec", ["vst(method=nlmm)", "vst(kind=cubic)", "vst(method=3)", "nlm(h=strong)"])
def test_wrong_parameters_are_usage_errors(spec: str) -> None:
    with pytest.raises(nb.UsageError):
        bind(spec, "method")


# Filters and operators, against their definitions


def test_gaussian_filter_finds_nearly_the_best_width() -> None:
    noisy, info = nb.degrade("gaussian(sigma=25)", scene(), seed=0)
    widths = [f"gaussian_filter(width={w})" for w in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0)]
    best = max(psnr(restore(spec, noisy, info), scene()) for spec in widths)
    assert psnr(restore("gaussian_filter", noisy, info), scene()) > best - 0.15


def test_wiener_agrees_with_its_definition() -> None:
    noisy = np.random.default_rng(0).random((20, 24)).astype(np.float32)
    padded = np.pad(noisy.astype(np.float64), 2, mode="symmetric")
    window = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    mean, var = window.mean((2, 3)), window.var((2, 3))
    expected = mean + np.maximum(var - 0.04, 0) / var * (noisy - mean)
    restored = restore("wiener(size=5)", noisy, nb.Info({"sigma": 0.2}))
    assert np.allclose(restored[:, :, 0], expected, atol=1e-6)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_reproduces_a_parabola_away_from_the_border(scale: int) -> None:
    # Keys' kernel with a = −0.5 is exact for polynomials up to degree 2; pixel centres at (i + ½)/scale − ½.
    n = 16
    small = (np.arange(n)[:, None] ** 2 / 256 * np.ones((1, n))).astype(np.float32)
    restored = restore("bicubic", small, nb.Info({"scale": scale, "shape": (n * scale - 1, n * scale)}))
    position = (np.arange(n * scale - 1) + 0.5) / scale - 0.5
    inside = (position > 1) & (position < n - 2)
    assert np.allclose(restored[inside, 0, 0], position[inside] ** 2 / 256, atol=1e-4 / 256)


@pytest.mark.parametrize("method", ["bicubic", "lanczos"])
def test_enlarging_a_flat_picture_keeps_it(method: str) -> None:
    info = nb.Info({"scale": 3, "shape": (13, 14)})
    assert np.allclose(restore(method, np.full((5, 5), 0.3, np.float32), info), 0.3, atol=1e-6)


@pytest.mark.parametrize("method", ["telea", "biharmonic"])
def test_inpainting_leaves_known_pixels_and_ignores_what_is_under_the_mask(method: str) -> None:
    noisy, info = nb.degrade("mask(keep=0.5)", scene(), seed=0)
    known = info.mask > 0
    restored = restore(method, noisy, info)[:, :, 0]
    assert np.array_equal(restored[known], noisy[known])
    other = np.where(known, noisy, 7).astype(np.float32)
    assert np.allclose(restore(method, other, info)[:, :, 0], restored, atol=1e-5)


@pytest.mark.parametrize("method", ["telea", "biharmonic"])
def test_inpainting_without_a_known_pixel_returns_the_input(method: str) -> None:
    noisy = np.zeros((6, 6), np.float32)
    assert np.array_equal(restore(method, noisy, nb.Info({"mask": np.zeros((6, 6))}))[:, :, 0], noisy)


@pytest.mark.parametrize("boundary", ["reflect", "circular"])
def test_wiener_deconvolution_nearly_inverts_a_blur_without_noise(boundary: str) -> None:
    assert gain("wiener_deconv", f"blur(sigma=1, boundary={boundary})", scene()) > 4


def test_richardson_lucy_stops_where_the_noise_begins() -> None:
    noisy, info = nb.degrade("blur(sigma=1.5) + gaussian(sigma=10)", scene(), seed=0)
    stopped = psnr(restore("richardson_lucy", noisy, info), scene())
    unstopped = psnr(restore("richardson_lucy", noisy, info.replace(sigma=1e-6)), scene())
    assert stopped > unstopped + 3


def test_adaptive_median_leaves_a_clean_ramp_alone() -> None:
    ramp = (np.add.outer(np.arange(20), 2 * np.arange(20)) / 60).astype(np.float32)
    restored = restore("adaptive_median", ramp, nb.Info())[:, :, 0]
    assert np.array_equal(restored[1:-1, 1:-1], ramp[1:-1, 1:-1])


# BM3D, an extra


@pytest.mark.parametrize("channels", [1, 3])
def test_bm3d_is_above_nlm(channels: int) -> None:
    pytest.importorskip("bm3d", reason="the extra [bm3d] is not installed")
    clean = scene(64, 64, channels)
    assert gain("bm3d", "gaussian(sigma=25)", clean) > gain("nlm", "gaussian(sigma=25)", clean)


def test_bm3d_takes_tiny_and_flat_pictures() -> None:
    pytest.importorskip("bm3d", reason="the extra [bm3d] is not installed")
    restored = restore("bm3d", np.full((1, 3, 3), 0.5, np.float32), nb.Info({"sigma": 0.1}))
    assert np.allclose(restored, 0.5, atol=1e-4)
