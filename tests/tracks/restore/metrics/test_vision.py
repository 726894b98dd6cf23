"""psnr_hvs and fsim against the authors' definitions, written out block by block and filter by filter."""

import math

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import registry
from scipy.fft import dctn
from scipy.signal import convolve2d
from skimage import data

# From the authors' code: the sensitivity of the eye to the 8×8 cosines, and how they mask each other.
SENSITIVITY = np.array([
    [1.608443, 2.339554, 2.573509, 1.608443, 1.072295, 0.643377, 0.504610, 0.421887],
    [2.144591, 2.144591, 1.838221, 1.354478, 0.989811, 0.443708, 0.428918, 0.467911],
    [1.838221, 1.979622, 1.608443, 1.072295, 0.643377, 0.451493, 0.372972, 0.459555],
    [1.838221, 1.513829, 1.169777, 0.887417, 0.504610, 0.295806, 0.321689, 0.415082],
    [1.429727, 1.169777, 0.695543, 0.459555, 0.378457, 0.236102, 0.249855, 0.334222],
    [1.072295, 0.735288, 0.467911, 0.402111, 0.317717, 0.247453, 0.227744, 0.279729],
    [0.525206, 0.402111, 0.329937, 0.295806, 0.249855, 0.212687, 0.214459, 0.254803],
    [0.357432, 0.279729, 0.270896, 0.262603, 0.229778, 0.257351, 0.249855, 0.259950],
])  # fmt: skip
MASKING = (SENSITIVITY / SENSITIVITY[0, 2]) ** 2


def luma(picture):
    picture = np.asarray(picture, np.float64)
    return picture if picture.ndim == 2 else picture @ [0.299, 0.587, 0.114]


# --- psnr_hvs --------------------------------------------------------------------------------------------------


def hidden_ref(block, cosines):
    def spread(part):
        return part.var(ddof=1) * part.size

    power = (cosines**2 * MASKING).sum() - cosines[0, 0] ** 2 * MASKING[0, 0]
    whole = spread(block)
    ratio = sum(spread(block[i : i + 4, j : j + 4]) for i in (0, 4) for j in (0, 4)) / whole if whole else 0
    return math.sqrt(power * ratio) / 32


def psnr_hvs_ref(x, y, masked):
    x, y = luma(x), luma(y)
    total = count = 0
    for i in range(0, x.shape[0] - 7, 8):
        for j in range(0, x.shape[1] - 7, 8):
            a, b = x[i : i + 8, j : j + 8], y[i : i + 8, j : j + 8]
            da, db = dctn(a, norm="ortho"), dctn(b, norm="ortho")
            error = np.abs(da - db)
            if masked:
                kept = np.maximum(error - max(hidden_ref(a, da), hidden_ref(b, db)) / MASKING, 0)
                kept[0, 0] = error[0, 0]
                error = kept
            total += ((error * SENSITIVITY) ** 2).sum()
            count += 64
    return math.inf if total == 0 else 10 * math.log10(255**2 * count / total)


# --- fsim ------------------------------------------------------------------------------------------------------


def frequencies(shape):
    def axis(side):
        half = np.arange(-(side // 2), (side + 1) // 2)
        return half / (side - 1) if side % 2 else half / side

    return np.meshgrid(axis(shape[1]), axis(shape[0]))


def congruency_ref(picture):
    rows, columns = picture.shape
    x, y = frequencies(picture.shape)
    radius, theta = np.fft.ifftshift(np.sqrt(x**2 + y**2)), np.fft.ifftshift(np.arctan2(-y, x))
    low = 1 / (1 + (radius / 0.45) ** 30)
    radius[0, 0] = 1
    spectrum = np.fft.fft2(picture)
    energies, sizes = 0, 0
    for o in range(4):
        angle = o * np.pi / 4
        sine = np.sin(theta) * np.cos(angle) - np.cos(theta) * np.sin(angle)
        cosine = np.cos(theta) * np.cos(angle) + np.sin(theta) * np.sin(angle)
        spread = np.exp(-(np.abs(np.arctan2(sine, cosine)) ** 2) / (2 * (np.pi / 4 / 1.2) ** 2))
        responses, kernels = [], []
        for s in range(4):
            gabor = np.exp(-(np.log(radius * 6 * 2**s) ** 2) / (2 * np.log(0.55) ** 2)) * low
            gabor[0, 0] = 0
            bank = gabor * spread
            kernels.append(np.real(np.fft.ifft2(bank)) * np.sqrt(rows * columns))
            responses.append(np.fft.ifft2(spectrum * bank))
            if s == 0:
                power = (bank**2).sum()
        even, odd = sum(r.real for r in responses), sum(r.imag for r in responses)
        length = np.sqrt(even**2 + odd**2) + 1e-4
        energy = sum(
            (r.real * even + r.imag * odd) / length - np.abs(r.real * odd - r.imag * even) / length for r in responses
        )
        noise = -np.median(np.abs(responses[0]) ** 2) / np.log(0.5) / power
        squares = sum((k**2).sum() for k in kernels)
        products = sum((kernels[i] * kernels[j]).sum() for i in range(4) for j in range(i + 1, 4))
        tau = np.sqrt((2 * noise * squares + 4 * noise * products) / 2)
        energies = energies + np.maximum(
            energy - (tau * np.sqrt(np.pi / 2) + 2 * tau * np.sqrt(2 - np.pi / 2)) / 1.7, 0
        )
        sizes = sizes + sum(np.abs(r) for r in responses)
    return energies / sizes


def fsim_ref(x, y):
    yiq = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    pictures = []
    for picture in (np.asarray(p, np.float64) for p in (x, y)):
        parts = [picture] if picture.ndim == 2 else [picture @ row for row in yiq]
        side = max(1, int(min(picture.shape[:2]) / 256 + 0.5))
        box = np.full((side, side), 1 / side**2)
        half, (rows, columns) = side // 2, picture.shape[:2]  # where `same` of MATLAB begins
        pictures.append([convolve2d(p, box)[half : half + rows : side, half : half + columns : side] for p in parts])
    scharr = np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]]) / 16

    def alike(a, b, t):
        return (2 * a * b + t) / (a**2 + b**2 + t)

    phases = [congruency_ref(p[0]) for p in pictures]
    slopes = [
        np.sqrt(convolve2d(p[0], scharr, mode="same") ** 2 + convolve2d(p[0], scharr.T, mode="same") ** 2)
        for p in pictures
    ]
    similar = alike(*phases, 0.85) * alike(*slopes, 160)
    if len(pictures[0]) == 3:
        chroma = alike(pictures[0][1], pictures[1][1], 200) * alike(pictures[0][2], pictures[1][2], 200)
        similar = similar * np.real(chroma.astype(complex) ** 0.03)
    weight = np.maximum(*phases)
    return float((similar * weight).sum() / weight.sum())


# --- the pictures ----------------------------------------------------------------------------------------------


def noisy(clean, sigma, seed=0):
    return np.clip(np.rint(clean + np.random.default_rng(seed).normal(0, sigma, clean.shape)), 0, 255).astype(np.uint8)


GREY = data.camera()[100:197, 150:253]
COLOUR = data.astronaut()[:88, 180:271]
LARGE = data.coffee()[:, :430]  # is halved by fsim
FLAT = np.full((64, 60), 128, np.uint8)
PAIRS = {
    "grey": (noisy(GREY, 25), GREY),
    "grey, hardly noisy": (noisy(GREY, 1), GREY),
    "colour": (noisy(COLOUR, 25), COLOUR),
    "colours swapped": (COLOUR[..., ::-1], COLOUR),
    "negative": (255 - GREY, GREY),
    "large": (noisy(LARGE, 10), LARGE),
    "flat under noise": (noisy(FLAT, 3), FLAT),
}


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("masked", [False, True])
def test_psnr_hvs_is_that_of_the_authors(pair, masked):
    x, y = PAIRS[pair]
    (value,) = nb.score(x, y, f"psnr_hvs(masked={masked})").values()
    assert value == pytest.approx(psnr_hvs_ref(x, y, masked), abs=2e-6 if masked else 1e-9)  # MASKING has 6 digits


@pytest.mark.parametrize("pair", [name for name in PAIRS if "flat" not in name])
def test_fsim_is_that_of_the_authors(pair):
    x, y = PAIRS[pair]
    assert nb.score(x, y, "fsim")["fsim"] == pytest.approx(fsim_ref(x, y), abs=1e-9)


def test_fsim_is_near_that_of_piq():
    """Theirs has digits of YIQ, the sign of chroma and the median of an even number by rules of its own."""
    piq = pytest.importorskip("piq")
    import torch

    x, y = (torch.from_numpy(p[None, None].astype(np.float64) / 255) for p in PAIRS["grey"])
    assert nb.score(*PAIRS["grey"], "fsim")["fsim"] == pytest.approx(float(piq.fsim(x, y, chromatic=False)), abs=1e-5)


@pytest.mark.parametrize("name", ["psnr_hvs", "psnr_hvs(masked=True)", "fsim"])
@pytest.mark.parametrize("protocol", ["float", "raw"])
def test_the_scale_of_the_protocol_does_not_matter(name, protocol):
    x, y = PAIRS["colour"]
    (value,) = nb.score(x / 255, y / 255, name, protocol).values()
    assert value == pytest.approx(next(iter(nb.score(x, y, name).values())), abs=1e-9)


@pytest.mark.parametrize(("name", "best"), [("psnr_hvs", math.inf), ("psnr_hvs(masked=True)", math.inf), ("fsim", 1)])
@pytest.mark.parametrize("clean", [GREY, COLOUR], ids=["grey", "colour"])
def test_equal_pictures_have_the_best_score(name, best, clean):
    (value,) = nb.score(clean, clean, name).values()
    assert value == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("name", ["psnr_hvs", "fsim"])
def test_more_noise_is_worse(name):
    values = [nb.score(noisy(COLOUR, sigma), COLOUR, name)[name] for sigma in (2, 5, 10, 25)]
    assert (
        registry("metric").get(name).meta["higher"] and values == sorted(values, reverse=True) and len(set(values)) == 4
    )


def test_a_shift_of_brightness_is_weighed_by_the_constant_cosine():
    x, y = np.full((16, 24), 101, np.uint8), np.full((16, 24), 100, np.uint8)
    # Each block has one cosine, 8 · 1, so the mean square is (8 c)² / 64 = c².
    assert nb.score(x, y, "psnr_hvs")["psnr_hvs"] == pytest.approx(20 * math.log10(255 / 1.608443), abs=1e-12)


@pytest.mark.parametrize(("name", "least"), [("psnr_hvs", 8), ("psnr_hvs(masked=True)", 8), ("fsim", 16)])
def test_too_small_a_picture_is_not_defined_and_the_smallest_is(name, least):
    x, y = np.random.default_rng(0).integers(0, 256, (2, least, least + 5), dtype=np.uint8)
    (value,) = nb.score(x, y, name).values()
    assert math.isfinite(value)
    (value,) = nb.score(x[1:], y[1:], name).values()
    assert value.reason == f"{name.split('(')[0]} needs at least {least}×{least} pixels, not {least - 1}×{least + 5}"


@pytest.mark.parametrize("name", ["psnr_hvs", "fsim"])
def test_other_than_1_or_3_channels_is_not_defined(name):
    x = np.zeros((64, 64, 4), np.uint8)
    assert nb.score(x, x, name)[name].reason == f"{name} takes 1 or 3 channels, not 4"


def test_fsim_of_flat_pictures_is_not_defined():
    for restored in (FLAT, np.zeros_like(FLAT)):
        reason = nb.score(restored, FLAT, "fsim")["fsim"].reason
        assert reason.startswith("fsim ") and "features" in reason


@pytest.mark.parametrize("shape", [FLAT.shape, (65, 81), (300, 300, 3)])
def test_fsim_of_a_flat_picture_and_another_is_low_and_the_same_either_way_round(shape):
    flat = np.full(shape, 90, np.uint8)
    other = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    there, back = (nb.score(x, y, "fsim")["fsim"] for x, y in ((flat, other), (other, flat)))
    assert 0 < there < 0.2
    assert there == pytest.approx(back, abs=1e-12)
