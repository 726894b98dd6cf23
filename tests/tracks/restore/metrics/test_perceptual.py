"""Perceptual and field metrics against their papers, written out in float64, and against other people's code."""

import json
import math

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind, registry
from scipy.signal import convolve2d
from skimage import data, metrics

ALL = ("gmsd", "vif", "haarpsi", "snr", "nrmse", "epi", "enl")
PICTURE_METRICS = ("gmsd", "vif", "haarpsi", "epi", "enl")


# --- the definitions -------------------------------------------------------------------------------------------


def luma(picture):
    picture = np.asarray(picture, np.float64)
    if picture.ndim == 2 or picture.shape[2] == 1:
        return picture.reshape(picture.shape[:2])
    return 0.299 * picture[..., 0] + 0.587 * picture[..., 1] + 0.114 * picture[..., 2]


def same(plane, kernel):
    """MATLAB's conv2(plane, kernel, 'same'): of the full convolution, the part that starts at half the kernel."""
    full = convolve2d(plane, kernel, mode="full")
    top, left = (side // 2 for side in kernel.shape)
    return full[top : top + plane.shape[0], left : left + plane.shape[1]]


def halved(plane):
    return same(plane, np.full((2, 2), 0.25))[::2, ::2]


def gmsd_ref(x, y):
    prewitt = np.array([[1, 0, -1]] * 3) / 3

    def gradient(picture):
        small = halved(luma(picture))
        return np.hypot(same(small, prewitt), same(small, prewitt.T))

    a, b = gradient(x), gradient(y)
    return float(np.std((2 * a * b + 170) / (a**2 + b**2 + 170)))


def vif_ref(distorted, reference):
    ref, dist = luma(reference), luma(distorted)
    above = below = 0.0
    for n in (17, 9, 5, 3):
        r = np.arange(n) - n // 2
        window = np.exp(-(r[:, None] ** 2 + r**2) / (2 * (n / 5) ** 2))
        window /= window.sum()

        def mean(plane, window=window):
            return convolve2d(plane, window, mode="valid")

        if n < 17:
            ref, dist = mean(ref)[::2, ::2], mean(dist)[::2, ::2]
        m1, m2 = mean(ref), mean(dist)
        v1 = np.maximum(mean(ref * ref) - m1 * m1, 0)
        v2 = np.maximum(mean(dist * dist) - m2 * m2, 0)
        cov = mean(ref * dist) - m1 * m2
        for s1, s2, s12 in zip(v1.ravel(), v2.ravel(), cov.ravel(), strict=True):
            g = s12 / (s1 + 1e-10)
            rest = s2 - g * s12
            if s1 < 1e-10:
                g, rest, s1 = 0.0, s2, 0.0
            if s2 < 1e-10:
                g, rest = 0.0, 0.0
            if g < 0:
                g, rest = 0.0, s2
            above += math.log10(1 + g * g * s1 / (max(rest, 1e-10) + 2))
            below += math.log10(1 + s1 / 2)
    return above / below


def haarpsi_ref(x, y):
    def planes(picture):
        picture = np.asarray(picture, np.float64)
        if picture.ndim == 2:
            return [halved(picture)]
        yiq = picture @ np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]]).T
        return [halved(yiq[..., c]) for c in range(3)]

    def haar(plane, scale, turned):
        kernel = np.full((2**scale, 2**scale), 2.0**-scale)
        kernel[: 2 ** (scale - 1)] *= -1
        return np.abs(same(plane, kernel.T if turned else kernel))

    def alike(a, b):
        return (2 * a * b + 30) / (a**2 + b**2 + 30)

    a, b = planes(x), planes(y)
    maps, weights = [], []
    for turned in (False, True):
        maps.append(sum(alike(haar(a[0], k, turned), haar(b[0], k, turned)) for k in (1, 2)) / 2)
        weights.append(np.maximum(haar(a[0], 3, turned), haar(b[0], 3, turned)))
    if len(a) == 3:
        box = np.full((2, 2), 0.25)
        maps.append(sum(alike(np.abs(same(a[c], box)), np.abs(same(b[c], box))) for c in (1, 2)) / 2)
        weights.append((weights[0] + weights[1]) / 2)
    maps, weights = np.array(maps), np.array(weights)
    share = np.sum(weights / (1 + np.exp(-4.2 * maps))) / np.sum(weights)
    return float((np.log(share / (1 - share)) / 4.2) ** 2)


def epi_ref(x, y):
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    a, b = (convolve2d(luma(p), kernel, mode="valid").ravel() for p in (x, y))
    return float(np.corrcoef(a, b)[0, 1])


REFERENCES = {"gmsd": gmsd_ref, "vif": vif_ref, "haarpsi": haarpsi_ref, "epi": epi_ref}


# --- the pictures ----------------------------------------------------------------------------------------------


def noisy(clean, sigma, seed=0):
    drawn = clean + np.random.default_rng(seed).normal(0, sigma, clean.shape)
    return np.clip(np.rint(drawn), 0, 255).astype(np.uint8)


GREY = data.camera()[100:197, 150:253]  # 97×103: odd, so that the zeros beyond the border count
COLOUR = data.astronaut()[:88, 180:271]
FLAT = np.full((64, 60), 201, np.uint8)
EDGE = np.where(np.arange(60) < 30, 20, 230).astype(np.uint8) * np.ones((64, 1), np.uint8)
PAIRS = {
    "grey": (noisy(GREY, 25), GREY),
    "grey, hardly noisy": (noisy(GREY, 1), GREY),
    "colour": (noisy(COLOUR, 25), COLOUR),
    "colour, swapped": (COLOUR[..., ::-1], COLOUR),
    "negative": (255 - GREY, GREY),
    "an edge, and noise on it": (noisy(EDGE, 3), EDGE),
    "a bright flat under an edge": (FLAT, EDGE),
    "an edge over noise": (EDGE, noisy(FLAT, 5)),
}


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", REFERENCES)
def test_values_are_those_of_the_paper(name, pair):
    x, y = PAIRS[pair]
    value = nb.score(x, y, name)[name]
    if name == "epi" and "flat" in pair:
        assert value.reason.startswith("epi ") and "edges" in value.reason
    else:
        assert value == pytest.approx(REFERENCES[name](x, y), abs=1e-9)


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("protocol", ["float", "raw"])
def test_the_scale_of_the_protocol_does_not_matter(name, protocol):
    x, y = PAIRS["colour"]
    value = nb.score(x / 255, y / 255, name, protocol=protocol)[name]
    assert value == pytest.approx(nb.score(x, y, name)[name], abs=1e-9)


@pytest.mark.parametrize(
    ("name", "best"), [("gmsd", 0), ("vif", 1), ("haarpsi", 1), ("snr", math.inf), ("nrmse", 0), ("epi", 1)]
)
@pytest.mark.parametrize("clean", [GREY, COLOUR], ids=["grey", "colour"])
def test_equal_pictures_have_the_best_score(name, best, clean):
    assert nb.score(clean, clean, name)[name] == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("name", ["gmsd", "vif", "haarpsi", "snr", "nrmse", "epi"])
def test_more_noise_is_worse_in_the_direction_the_metric_says(name):
    values = [nb.score(noisy(COLOUR, sigma), COLOUR, name)[name] for sigma in (2, 5, 10, 25)]
    higher = registry("metric").get(name).meta["higher"]
    assert values == sorted(values, reverse=higher) and len(set(values)) == 4


def test_vif_rises_above_1_with_contrast():
    assert nb.score(GREY / 255 * 0.7, GREY / 255 * 0.5, "vif")["vif"] > 1.05


# --- ratios ----------------------------------------------------------------------------------------------------


def test_snr_by_hand():
    # Σ clean² = 100² + 50² = 12500, Σ error² = 10² + 5² = 125
    clean = np.array([[100, 50]], np.uint8)
    assert nb.score(np.array([[110, 45]], np.uint8), clean, "snr")["snr"] == 20.0
    assert nb.score(np.array([[110, 45]]) / 255, clean, "snr", "raw")["snr"] == pytest.approx(20.0, rel=1e-12)


@pytest.mark.parametrize(("by", "theirs"), [("euclidean", "euclidean"), ("range", "min-max"), ("mean", "mean")])
def test_nrmse_is_that_of_scikit_image(by, theirs):
    x, y = PAIRS["colour"]
    spec = f"nrmse(by={by})"
    (value,) = nb.score(x, y, spec).values()
    assert value == pytest.approx(metrics.normalized_root_mse(y, x, normalization=theirs), rel=1e-12)


# --- speckle ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("looks", [1, 4, 16])
def test_enl_of_speckle_is_its_number_of_looks(looks):
    clean = np.full((512, 512), 0.1)
    speckled = clean * np.random.default_rng(0).gamma(looks, 1 / looks, clean.shape)
    (value,) = nb.score(speckled, clean, "enl(tile=32, share=1.0)", "raw").values()
    assert value == pytest.approx(looks, rel=0.05)


def test_enl_by_hand_looks_only_where_the_clean_picture_is_flat():
    clean = np.full((8, 8), 100, np.uint8)
    clean[:, 4:] = np.arange(4) * 60  # not flat: left out
    restored = clean.copy()
    restored[:4, :4] = [[90, 110, 90, 110]] * 4  # mean 100, variance 100
    restored[4:, :4] = [[80, 120, 80, 120]] * 4  # mean 100, variance 400
    restored[:, 4:] = 7
    spec = "enl(tile=4, share=0.5)"
    (value,) = nb.score(restored, clean, spec).values()
    assert value == (100.0 + 25.0) / 2


def test_enl_of_a_flat_restoration_is_infinite_and_of_a_black_one_zero():
    assert nb.score(np.full_like(FLAT, 100), FLAT, "enl")["enl"] == math.inf
    assert nb.score(np.zeros_like(FLAT), FLAT, "enl")["enl"] == 0.0


# --- where a metric has no value ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "least"), [("gmsd", 6), ("vif", 41), ("haarpsi", 16), ("epi", 3), ("enl", 16)])
def test_too_small_a_picture_is_not_defined_and_the_smallest_is(name, least):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (2, least, least + 5), dtype=np.uint8)
    assert math.isfinite(nb.score(x, y, name)[name])
    value = nb.score(x[1:], y[1:], name)[name]
    assert value.reason == f"{name} needs at least {least}×{least} pixels, not {least - 1}×{least + 5}"


@pytest.mark.parametrize("name", PICTURE_METRICS)
def test_other_than_1_or_3_channels_is_not_defined(name):
    x = np.random.default_rng(0).integers(0, 256, (64, 64, 4), dtype=np.uint8)
    assert nb.score(x, x, name)[name].reason == f"{name} takes 1 or 3 channels, not 4"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("vif", "vif needs a clean picture that is not flat"),
        ("epi", "epi needs pictures that have edges"),
        ("snr", "snr needs a clean picture that is not black"),
        ("nrmse", "nrmse(by=euclidean) divides by the euclidean of the clean picture, which is 0"),
        ("enl", "enl needs a clean picture that is not black"),
        ("haarpsi", "haarpsi needs pictures that are not black"),
    ],
)
def test_black_pictures_are_not_defined(name, reason):
    black = np.zeros((64, 64, 3), np.uint8)
    assert nb.score(black, black, name)[name].reason == reason


@pytest.mark.parametrize("name", ["vif", "epi"])
@pytest.mark.parametrize("value", [0.1, 0.7, 1.0])
def test_a_flat_colour_is_flat_whatever_its_rounding(name, value):
    flat = np.full((64, 64, 3), value) * [1, 0.9, 0.3]
    assert "needs" in nb.score(flat, flat, name, "raw")[name].reason


@pytest.mark.parametrize("name", ALL)
def test_a_border_that_leaves_nothing_is_not_defined(name):
    x, y = PAIRS["colour"]
    assert math.isnan(nb.score(x, y, name, "y8(border=99)")[name])


@pytest.mark.parametrize("name", ALL)
def test_every_metric_runs_under_every_protocol_and_leaves_the_pictures_alone(name):
    x, y = PAIRS["colour"]
    kept = x.copy(), y.copy()
    for protocol in {*registry("protocol").names(), "window(low=-1024, high=3072)"} - {"window"}:
        assert math.isfinite(nb.score(x, y, name, protocol)[name])
    assert np.array_equal(x, kept[0]) and np.array_equal(y, kept[1])


@pytest.mark.parametrize("spec", ["nrmse(by=median)", "enl(tile=2)", "enl(share=0.0)", "gmsd(c=3)"])
def test_a_wrong_parameter_is_one_line(spec):
    with pytest.raises(nb.UsageError) as caught:
        bind(spec, "metric")
    assert "\n" not in str(caught.value)


# --- end to end ------------------------------------------------------------------------------------------------


def test_a_run_stores_them_and_the_export_has_them(cli, tmp_path):
    cli(
        "run", "--methods", "identity", "--datasets", "photos", "--regimes", "gaussian(sigma=25)",
        "--metrics", "psnr", *ALL, "--limit", 1, "--store", "s",
    )  # fmt: skip
    cli("export", "s", "--to", "cells.json")
    (stored,) = json.loads((tmp_path / "cells.json").read_text())["cells"]
    assert stored["metrics"] == sorted(["psnr", *ALL])
    assert stored["cell"]["metrics"]["gmsd"] == {
        "version": 1, "higher": False, "unit": "", "decimals": 4, "order": 100, "gate": {},
    }  # fmt: skip
