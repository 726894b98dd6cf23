"""Fidelity metrics against their equations, written out in float64, on pictures that are hard to score."""

import math
import pickle
import subprocess
import sys

import cv2
import noisebench as nb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from noisebench.components.registry import bind, bind_all
from noisebench.tracks.restore.scoring import score_pair
from noisebench.tracks.restore.tensor_scoring import score_tensors, supports
from scipy.ndimage import correlate1d
from skimage import data, metrics

ALL = ("psnr", "ssim", "ms_ssim", "mse", "mae")
TAPS = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
TAPS /= TAPS.sum()
SHAPE = (187, 203)  # odd, and more than one piece of the fast path


# --- the definitions -------------------------------------------------------------------------------------


def mean11(plane):
    """Gaussian-weighted local means where the window fits."""
    return correlate1d(correlate1d(plane, TAPS, axis=0), TAPS, axis=1)[5:-5, 5:-5]


def structure(x, y, peak):
    """Luminance and contrast-structure maps of one channel: equations 6, 12 and 13 of Wang et al. 2004."""
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    offset_x, offset_y = (
        x.mean(),
        y.mean(),
    )  # they add nothing to variances but rounding errors
    x, y = x - offset_x, y - offset_y
    mx, my = mean11(x), mean11(y)
    vx, vy, cov = mean11(x * x) - mx * mx, mean11(y * y) - my * my, mean11(x * y) - mx * my
    mx, my = mx + offset_x, my + offset_y
    return (2 * mx * my + c1) / (mx**2 + my**2 + c1), (2 * cov + c2) / (vx + vy + c2)


def channels(x, y):
    x, y = (np.atleast_3d(np.asarray(p, np.float64)) for p in (x, y))
    return [(x[..., c], y[..., c]) for c in range(x.shape[2])]


def ssim_ref(x, y, peak):
    return float(np.mean([np.mean(np.prod(structure(a, b, peak), axis=0)) for a, b in channels(x, y)]))


def halve(plane):
    """2×2 averages; an odd last row or column is repeated."""
    plane = np.pad(plane, [(0, side % 2) for side in plane.shape], mode="edge")
    return plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2).mean(axis=(1, 3))


def ms_ssim_ref(x, y, peak):
    values = []
    for a, b in channels(x, y):
        product = 1.0
        for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
            luminance, contrast = structure(a, b, peak)
            term = np.mean(luminance * contrast) if scale == 4 else np.mean(contrast)
            product *= max(term, 0.0) ** weight
            a, b = halve(a), halve(b)
        values.append(product)
    return float(np.mean(values))


def psnr_ref(x, y, peak):
    error = np.mean((np.asarray(x, np.float64) - np.asarray(y, np.float64)) ** 2)
    return 10 * np.log10(peak**2 / error) if error else np.inf


# --- the pictures ----------------------------------------------------------------------------------------


def hard_pairs():
    """Name → (x, y) in grey levels, float64."""
    rng = np.random.default_rng(7)

    def noise(p, sigma):
        return p + rng.normal(0, sigma, p.shape)

    rows, columns = np.indices(SHAPE)
    flat = np.zeros((*SHAPE, 3))
    half = flat + 255.0 * (columns > SHAPE[1] // 2)[..., None]
    ramp = flat + np.linspace(0, 255, SHAPE[1])[None, :, None]
    pairs = {}
    for name in ("astronaut", "camera", "coffee"):
        photo = getattr(data, name)()[20 : 20 + SHAPE[0], 150 : 150 + SHAPE[1]].astype(np.float64)
        for sigma in (1, 5, 25, 75):
            pairs[f"{name}, sigma {sigma}"] = noise(photo, sigma), photo
        pairs[f"{name}, shifted"] = np.roll(photo, 1, axis=1), photo
        pairs[f"{name}, darker"] = photo * 0.5, photo
        pairs[f"{name}, negative"] = 255 - photo, photo
        pairs[f"{name}, against white"] = np.full_like(photo, 255), photo
        pairs[f"{name}, against black"] = np.zeros_like(photo), photo
    for a, b in ((0, 0), (255, 255), (255, 254), (255, 51), (0, 255), (3, 1), (128, 64), (254.6, 12.3)):
        pairs[f"constant {a} and {b}"] = flat + a, flat + b
    for level in (0, 10, 128, 250, 255):
        for sigma in (0.3, 3):
            pairs[f"level {level}, sigma {sigma}"] = noise(flat + level, sigma), flat + level
    for size in (1, 8, 24):
        board = 255.0 * ((rows // size + columns // size) % 2)[..., None] + flat
        pairs[f"checkerboard {size}, inverse"] = 255 - board, board
        pairs[f"checkerboard {size}, noisy"] = noise(board, 5), board
        pairs[f"checkerboard {size}, weaker"] = board * 0.9, board
        pairs[f"checkerboard {size}, moved"] = np.roll(board, 1, axis=0), board
        pairs[f"checkerboard {size}, against grey"] = flat + 128, board
    pairs["step, against black"] = half, flat
    pairs["step, weaker"] = half * 0.8, half
    pairs["step, brighter"] = half * 0.5 + 100, half * 0.4 + 20
    pairs["step, noisy"] = noise(half * 0.6 + 50, 3), half * 0.2 + 50
    noisy_step = noise(half * 0.6 + 50, 8)
    pairs["step, noisy and negative"] = 255 - noisy_step, noisy_step
    pairs["ramp, mirrored"] = ramp[:, ::-1], ramp
    pairs["ramp, weaker"] = ramp * 0.7, ramp
    for sigma in (1, 5, 12):  # few levels: rounding errors of one sign, where float32 alone is off by 4e-6
        for name, levels in (("two", [0, 255]), ("many", rng.integers(0, 256, 30))):
            blocks = np.kron(rng.choice(levels, (4, 4, 3)), np.ones((66, 66, 1)))[: SHAPE[0], : SHAPE[1]]
            pairs[f"blocks of {name} levels, sigma {sigma}"] = noise(blocks, sigma), blocks
    impulses = np.where(rng.random(flat.shape) < 0.3, rng.choice([0.0, 255.0], flat.shape), 128.0)
    pairs["impulses"] = impulses, flat + 128
    pairs["independent noise"] = rng.random(flat.shape) * 255, rng.random(flat.shape) * 255
    for shape in ((11, 11), (11, 40, 3), (12, 13, 1), (107, 11, 3), (107, 1600), (40, 30, 2), (33, 34, 5)):
        picture = rng.random(shape) * 255
        pairs[f"shape {shape}"] = noise(picture, 20), picture
    return pairs


PAIRS = hard_pairs()


@pytest.mark.parametrize("name", PAIRS)
def test_8_bit_scores_are_those_of_the_equations(name):
    x, y = (np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in PAIRS[name])
    scores = nb.score(x, y, ("psnr", "ssim", "mse", "mae"))
    difference = x.astype(np.float64) - y
    assert scores["ssim"] == pytest.approx(ssim_ref(x, y, 255), rel=0, abs=1e-6)
    assert scores["psnr"] == pytest.approx(psnr_ref(x, y, 255), rel=0, abs=1e-9)
    assert scores["mse"] == pytest.approx(np.mean(difference**2) / 255**2, rel=1e-12)
    assert scores["mae"] == pytest.approx(np.mean(np.abs(difference)) / 255, rel=1e-12)


@pytest.mark.parametrize("name", PAIRS)
def test_float_scores_are_those_of_the_equations(name):
    x, y = ((p / 255).astype(np.float32) for p in PAIRS[name])
    scores = nb.score(x, y, ("psnr", "ssim", "mse", "mae"), "float")
    x, y = np.clip(x.astype(np.float64), 0, 1), np.clip(y.astype(np.float64), 0, 1)
    assert scores["ssim"] == pytest.approx(ssim_ref(x, y, 1), rel=0, abs=1e-6)
    assert scores["psnr"] == pytest.approx(psnr_ref(x, y, 1), rel=0, abs=1e-9)
    assert scores["mse"] == pytest.approx(np.mean((x - y) ** 2), rel=1e-12)
    assert scores["mae"] == pytest.approx(np.mean(np.abs(x - y)), rel=1e-12)


@pytest.mark.parametrize("restored", ["float32", "float64", "uint8", "uint16"])
@pytest.mark.parametrize("clean", ["float32", "float64", "uint8", "uint16"])
@pytest.mark.parametrize("protocol", ["float", "raw"])
def test_sums_over_pixels_are_exact_whatever_the_types_of_the_pictures(restored, clean, protocol):
    rng = np.random.default_rng(0)
    peaks = {"uint8": 255, "uint16": 65535}
    truth = rng.random((150, 200, 3))  # more than one piece
    x, y = (
        np.rint(np.clip(p, 0, 1) * peaks[kind]).astype(kind) if kind in peaks else p.astype(kind)
        for p, kind in ((truth + rng.normal(0, 0.1, truth.shape), restored), (truth, clean))
    )
    a, b = (p / peaks.get(p.dtype.name, 1.0) if p.dtype.kind == "u" else p.astype(np.float64) for p in (x, y))
    if protocol == "float":
        a = np.clip(a, 0, 1)
    scores = nb.score(x, y, ("psnr", "mse", "mae", "snr"), protocol)
    assert scores["psnr"] == pytest.approx(psnr_ref(a, b, 1), rel=0, abs=1e-9)
    assert scores["mse"] == pytest.approx(np.mean((a - b) ** 2), rel=1e-12)
    assert scores["mae"] == pytest.approx(np.mean(np.abs(a - b)), rel=1e-12)
    assert scores["snr"] == pytest.approx(10 * np.log10(np.sum(b**2) / np.sum((a - b) ** 2)), rel=0, abs=1e-9)


@pytest.mark.parametrize("sigma", [5, 25])
@pytest.mark.parametrize("name", ["astronaut", "camera"])
def test_roundings_of_float32_cancel_in_photographs_with_wide_areas_of_one_brightness(name, sigma):
    y = getattr(data, name)()
    x = np.clip(np.rint(y + np.random.default_rng(0).normal(0, sigma, y.shape)), 0, 255).astype(np.uint8)
    for restored in (x, cv2.GaussianBlur(x, (0, 0), 1.0)):
        assert nb.ssim(restored, y) == pytest.approx(ssim_ref(restored, y, 255), rel=0, abs=1e-7)
        assert nb.ssim(restored / 255, y / 255, "float") == pytest.approx(nb.ssim(restored, y), rel=0, abs=1e-9)


@pytest.mark.parametrize("offset", [0, 10, 1000])
@pytest.mark.parametrize("sigma", [0.003, 0.3, 3])
def test_raw_scores_are_those_of_the_equations_far_outside_the_unit_range(offset, sigma):
    y = data.astronaut()[:150, :133] / 255 + offset
    x = y + np.random.default_rng(0).normal(sigma, sigma, y.shape)
    scores = raw_scores(x, y)
    assert scores["ssim"] == pytest.approx(ssim_ref(x, y, 1), rel=0, abs=1e-6)
    assert scores["psnr"] == pytest.approx(psnr_ref(x, y, 1), rel=0, abs=1e-9)


def raw_scores(x, y):
    return score_pair(x, y, bind("raw", "protocol"), bind_all(("psnr", "ssim"), "metric"))


def test_y8_scores_are_those_of_the_luma():
    y = data.astronaut()[:100, :133]
    x = np.clip(np.rint(y + np.random.default_rng(0).normal(0, 20, y.shape)), 0, 255).astype(np.uint8)
    luma = [(16 + p @ np.array([65.481, 128.553, 24.966]) / 255)[4:-4, 4:-4] for p in (x, y)]
    scores = nb.score(x, y, ("psnr", "ssim"), "y8(border=4)")
    assert scores["psnr"] == pytest.approx(psnr_ref(*luma, 255), rel=0, abs=1e-9)
    assert scores["ssim"] == pytest.approx(ssim_ref(*luma, 255), rel=0, abs=1e-6)


@pytest.mark.parametrize("shape", [(161, 161), (176, 203, 3), (187, 162, 1)])
@pytest.mark.parametrize("sigma", [2, 25, 80])
def test_ms_ssim_is_that_of_the_equations(shape, sigma):
    y = data.astronaut()[: shape[0], 100 : 100 + shape[1]].astype(np.float64)
    y = y if shape[2:] == (3,) else y[..., 0]
    x = y + np.random.default_rng(1).normal(0, sigma, y.shape)
    x8, y8 = (np.clip(np.rint(p), 0, 255).astype(np.uint8).reshape(shape) for p in (x, y))
    assert nb.score(x8, y8, "ms_ssim")["ms_ssim"] == pytest.approx(ms_ssim_ref(x8, y8, 255), rel=0, abs=1e-6)
    xf, yf = (np.clip(p / 255, 0, 1).reshape(shape) for p in (x, y))
    scores = nb.score(xf, yf, "ms_ssim", "float")
    assert scores["ms_ssim"] == pytest.approx(ms_ssim_ref(xf, yf, 1), rel=0, abs=1e-6)


def test_ms_ssim_counts_a_negative_contrast_term_as_zero():
    photo = data.camera()[150:350, 150:350]
    assert structure(255.0 - photo, photo.astype(np.float64), 255)[1].mean() < 0
    assert nb.score(255 - photo, photo, "ms_ssim") == {"ms_ssim": 0.0}


# --- exact values ----------------------------------------------------------------------------------------


def test_psnr_of_one_grey_level_everywhere():
    grey = np.full((8, 9, 3), 100, np.uint8)
    assert nb.psnr(grey + 1, grey) == pytest.approx(20 * math.log10(255), abs=1e-12)


def test_mse_and_mae_are_on_the_unit_scale_under_every_protocol():
    x, y = np.full((5, 5), 153, np.uint8), np.full((5, 5), 102, np.uint8)  # 0.6 and 0.4
    for protocol in ("uint8", "float", "raw", "gray8", "y8"):
        assert nb.score(x, y, ("mse", "mae"), protocol) == pytest.approx({"mse": 0.04, "mae": 0.2}, rel=1e-12)


def test_ssim_of_constants_is_the_luminance_term():
    x, y = np.full((20, 20), 100, np.uint8), np.full((20, 20), 200, np.uint8)
    c1 = 2.55**2
    assert nb.ssim(x, y) == pytest.approx((2 * 100 * 200 + c1) / (100**2 + 200**2 + c1), rel=0, abs=1e-7)


@pytest.mark.parametrize(("side", "lacking"), [(10, {"ssim", "ms_ssim"}), (11, {"ms_ssim"}), (160, {"ms_ssim"})])
def test_a_picture_too_small_has_no_score_and_says_why(side, lacking):
    picture = np.zeros((side, 200), np.uint8)
    scores = nb.score(picture, picture, ALL)
    assert {name for name, value in scores.items() if isinstance(value, nb.NotDefined)} == lacking
    least = {"ssim": 11, "ms_ssim": 161}
    for name in lacking:
        assert math.isnan(scores[name])
        assert scores[name].reason == f"{name} needs at least {least[name]}×{least[name]} pixels, not {side}×200"
        assert pickle.loads(pickle.dumps(scores[name])).reason == scores[name].reason


def test_one_pixel_has_a_psnr():
    assert nb.psnr([[1.0]], [[0.0]]) == 0.0


# --- properties ------------------------------------------------------------------------------------------

shapes = st.tuples(st.integers(11, 30), st.integers(11, 30)) | st.tuples(
    st.integers(11, 20), st.integers(11, 20), st.sampled_from([1, 3])
)
pictures = shapes.flatmap(lambda shape: st.tuples(*[arrays.arrays(np.uint8, shape, elements=st.integers(0, 255))] * 2))


@settings(max_examples=40, deadline=None)
@given(pictures, st.sampled_from(["uint8", "float", "raw", "y8", "gray8"]))
def test_scores_are_symmetric_and_bounded(pair, protocol):
    x, y = pair
    forth, back = (nb.score(*p, ("psnr", "ssim", "mse", "mae"), protocol) for p in ((x, y), (y, x)))
    assert forth["ssim"] == pytest.approx(back.pop("ssim"), rel=0, abs=1e-14)  # the order of a float64 sum
    assert {name: forth[name] for name in back} == back
    assert -1 <= forth["ssim"] <= 1 + 1e-15
    assert 0 <= forth["mse"] <= forth["mae"] <= 1
    assert (forth["psnr"] == math.inf) == (forth["mse"] == 0)


@settings(max_examples=40, deadline=None)
@given(pictures, st.sampled_from(["uint8", "float", "raw", "y8", "gray8"]))
def test_a_picture_is_identical_to_itself(pair, protocol):
    assert nb.score(pair[0], pair[0].copy(), ("psnr", "ssim", "mse", "mae"), protocol) == {
        "psnr": math.inf, "ssim": 1.0, "mse": 0.0, "mae": 0.0,
    }  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(pictures)
def test_ssim_of_any_small_picture_is_that_of_the_equations(pair):
    assert nb.ssim(*pair) == pytest.approx(ssim_ref(*pair, 255), rel=0, abs=1e-6)


def test_ms_ssim_of_a_picture_with_itself_is_one():
    assert nb.score(data.camera(), data.camera(), "ms_ssim") == {"ms_ssim": 1.0}


def test_order_and_number_of_threads_do_not_matter():
    x, y = data.astronaut(), np.roll(data.astronaut(), 1, axis=0)
    before = cv2.getNumThreads()
    try:
        values = []
        for threads in (1, 2):
            cv2.setNumThreads(threads)
            values.append(nb.score(x, y, ALL))
    finally:
        cv2.setNumThreads(before)
    assert values[0] == values[1]


# --- what others say -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def noisy_photo():
    y = data.astronaut()[:200, :211]
    x = np.clip(np.rint(y + np.random.default_rng(0).normal(0, 25, y.shape)), 0, 255).astype(np.uint8)
    return x, y


def test_agrees_with_scikit_image_in_its_gaussian_variant_on_the_valid_region(noisy_photo):
    x, y = noisy_photo
    _, full = metrics.structural_similarity(
        x, y, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )  # fmt: skip
    assert nb.ssim(x, y) == pytest.approx(full[5:-5, 5:-5].mean(), rel=0, abs=1e-6)
    assert nb.psnr(x, y) == pytest.approx(metrics.peak_signal_noise_ratio(y, x, data_range=255), abs=1e-9)


def test_agrees_with_torchmetrics_where_conventions_coincide(noisy_photo):
    """PSNR of one picture with the data range given; SSIM of its map without the border that it pads."""
    import torch
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    x, y = noisy_photo
    tx, ty = (torch.from_numpy(p.transpose(2, 0, 1).copy())[None].double() for p in (x, y))
    theirs = peak_signal_noise_ratio(tx, ty, data_range=255.0)
    assert nb.psnr(x, y) == pytest.approx(float(theirs), rel=0, abs=1e-5)
    mean, full = structural_similarity_index_measure(tx, ty, data_range=255.0, return_full_image=True)
    assert nb.ssim(x, y) == pytest.approx(float(full[..., 5:-5, 5:-5].mean()), rel=0, abs=1e-6)
    assert abs(nb.ssim(x, y) - float(mean)) > 1e-4  # the padded border counts there and not here


# --- tensors ---------------------------------------------------------------------------------------------


TENSORS = (*ALL, "gmsd")


def tensor_of(picture):
    import torch

    return torch.from_numpy(np.atleast_3d(picture).transpose(2, 0, 1).copy())[None]


def assert_tensors_agree(x, y, protocol, device="cpu"):
    rules, chosen = bind(protocol, "protocol"), bind_all(TENSORS, "metric")
    assert supports(rules, chosen)
    theirs = score_tensors(tensor_of(x).to(device), tensor_of(y).to(device), rules, chosen)
    ours = score_pair(x, y, rules, chosen)
    assert theirs == pytest.approx(ours, rel=0, abs=1e-5, nan_ok=True)
    for name in TENSORS:
        assert getattr(theirs[name], "reason", None) == getattr(ours[name], "reason", None)


@pytest.mark.parametrize(
    "protocol", ["uint8", "float", "raw", "y8(border=3)", "gray8", "y8(border=100)", "y8(border=3, rounded=True)"]
)
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "float64"])
def test_the_torch_path_gives_the_same_values(noisy_photo, protocol, kind):
    clean = noisy_photo[1][:171, :168]
    x = (clean / 255 + np.random.default_rng(0).normal(0, 0.1, clean.shape)).astype(np.float32)
    y = clean if kind == "uint8" else clean.astype(np.uint16) * 257 if kind == "uint16" else (clean / 255).astype(kind)
    assert_tensors_agree(x, y, protocol)


@pytest.mark.parametrize("name", ["camera, negative", "step, weaker", "constant 255 and 51", "shape (11, 11)"])
def test_the_torch_path_gives_the_same_values_on_hard_pictures(name):
    x, y = ((p / 255).astype(np.float32) for p in PAIRS[name])
    for protocol in ("uint8", "float"):
        assert_tensors_agree(x, y, protocol)


@pytest.mark.cuda
def test_tensors_on_a_gpu_are_scored_there(noisy_photo):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    x, y = ((p / 255).astype(np.float32) for p in noisy_photo)
    for protocol in ("uint8", "float", "y8(border=2)", "gray8"):
        assert_tensors_agree(x, y, protocol, "cuda")
    on_device = nb.score(tensor_of(x).cuda(), tensor_of(y).cuda(), TENSORS)
    assert on_device == pytest.approx(nb.score(x, y, TENSORS), rel=0, abs=1e-5)


def test_pictures_on_one_device_are_scored_there_where_it_can_be_done_and_brought_here_otherwise(noisy_photo):
    import torch

    class Elsewhere(torch.Tensor):
        device = torch.device("xla")

    x, y = (tensor_of(p) for p in noisy_photo)
    far_x, far_y = (p.as_subclass(Elsewhere) for p in (x, y))
    with pytest.raises(nb.UsageError, match="restored tensor .*xla .*clean .*meta: move one"):
        nb.psnr(far_x, y.to("meta"))
    for metric, restored, clean in (("fsim", far_x, far_y), ("psnr", far_x, y), ("psnr", x, far_y)):
        assert nb.score(restored, clean, metric) == nb.score(x, y, metric)


def test_a_cpu_tensor_scores_exactly_as_the_array(noisy_photo):
    x, y = noisy_photo
    assert nb.score(tensor_of(x), tensor_of(y), ALL) == nb.score(x, y, ALL)
    half = tensor_of(x / np.float32(255)).bfloat16()
    assert nb.psnr(half, half) == math.inf
    assert nb.score(tensor_of(x), y, ALL) == nb.score(x, y, ALL)


def test_tensors_are_one_picture_at_a_time(noisy_photo):
    x = tensor_of(noisy_photo[0])
    for wrong in (x[0, 0], x.expand(2, -1, -1, -1), x[:0]):
        with pytest.raises(nb.UsageError, match=r"give \(1, C, H, W\) or \(C, H, W\), one at a time"):
            nb.psnr(wrong, wrong)
        with pytest.raises(nb.UsageError, match=r"give \(1, C, H, W\) or \(C, H, W\), one at a time"):
            score_tensors(wrong, wrong, bind("uint8", "protocol"), bind_all(ALL, "metric"))


# --- how it is called ------------------------------------------------------------------------------------


def test_keys_are_the_metrics_as_asked_for():
    picture = np.zeros((12, 12), np.uint8)
    assert list(nb.score(picture, picture)) == ["psnr", "ssim"]
    assert list(nb.score(picture, picture, ["mae", "psnr"])) == ["mae", "psnr"]
    assert all(type(value) is float for value in nb.score(picture, picture).values())


def test_nothing_is_written_into_the_pictures():
    x, y = np.random.default_rng(0).random((2, 30, 30, 3))
    kept = x.copy(), y.copy()
    for protocol in ("uint8", "float", "raw", "y8", "gray8"):
        nb.score(x, y, protocol=protocol)
    assert np.array_equal(x, kept[0])
    assert np.array_equal(y, kept[1])


def test_pictures_that_are_views_score_as_their_copies(noisy_photo):
    x, y = (p[::-1, ::-1] for p in noisy_photo)
    assert nb.score(x, y, ALL) == nb.score(x.copy(), y.copy(), ALL)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: nb.psnr(p, p[:-1]), "12×13×1 and clean is 11×13×1"),
        (lambda p: nb.score(p, p, ("psnr", "psnr")), "given twice"),
        (lambda p: nb.score(p, p, ("pnsr",)), "did you mean 'psnr'"),
        (lambda p: nb.ssim(p, p, "unit8"), "did you mean 'uint8'"),
        (lambda p: nb.psnr(p / 255, p.astype(float) + 200), r"values 200 … 200, and floats are on \[0, 1\]"),
        (lambda p: nb.psnr("photo.png", p), "restored picture is"),
    ],
)
def test_a_wrong_call_is_one_line(call, message):
    with pytest.raises(nb.UsageError, match=message) as caught:
        call(np.zeros((12, 13), np.uint8))
    assert "\n" not in str(caught.value)


def test_scoring_arrays_loads_neither_torch_nor_scipy():
    program = (
        "import sys, numpy, noisebench as nb; p = numpy.zeros((170, 170), 'u1');"
        "nb.score(p, p, ('psnr', 'ssim', 'ms_ssim'));"
        "print([m for m in ('torch', 'scipy', 'skimage', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
