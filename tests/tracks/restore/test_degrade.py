"""Noise depends on the picture, the regime and the seed, and on nothing else (design §6)."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
import torch
from checkout import SUPPORT
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from noisebench.components.registry import bind
from noisebench.imaging.pixels import bytes_sha256, pixel_sha256, to_unit
from noisebench.imaging.sample import Sample
from noisebench.planning.plan import plan
from noisebench.suite.suite import Suite
from noisebench.text.errors import Skip, UsageError
from noisebench.tracks.restore.degrade import degrade_sample
from regime_inputs import SPECS, imresize_matrix, picture

RANDOM = (
    "gaussian(sigma=25)", "gaussian_range(low=5, high=50)", "laplace(sigma=20)", "uniform(width=60)",
    "salt_pepper(p=0.2)", "impulse(p=0.2)", "mixture(sigmas=(10, 50), weights=(0.9, 0.1))",
    "correlated(sigma=25, radius=1.5)", "stripes(sigma=15)", "poisson(peak=30)",
    "poisson_gaussian(peak=30, sigma=5)", "gamma(looks=4)", "rayleigh", "rician(sigma=20)",
    "sensor(iso=3200)", "mask(keep=0.4)", "mask(keep=0.4, kind=holes)", "mask(keep=0.4, kind=strokes)",
    "downsample(scale=2) + gaussian(sigma=5)",
)  # fmt: skip
FIXED = tuple(s for s in SPECS if s != "real")


def degraded(spec: str, clean: np.ndarray, seed: int = 0, draw: int = 0, name: str = "a") -> np.ndarray:
    return degrade_sample(bind(spec, "regime"), Sample(name, clean), seed, draw)[0]


# --- the recipe, spelled out -----------------------------------------------------------------------------


def test_gaussian_noise_is_the_documented_recipe() -> None:
    clean = picture(9, 7, 3)
    pixels = hashlib.sha256(b"u1 9x7x3\n" + clean.tobytes()).hexdigest()
    text = f"gaussian(bits=None, clip=False, sigma=25.0)|gaussian@1|3|{pixels}|2"
    key = hashlib.sha256(text.encode()).digest()
    rng = np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "little")))
    exact = clean / 255.0 + 25 / 255 * rng.standard_normal((9, 7, 3))
    noisy, _ = nb.degrade("gaussian(sigma=25)", clean, seed=3, draw=2)
    assert noisy.dtype == np.float32
    assert np.array_equal(noisy, exact.astype(np.float32))


def test_pixel_hash_tells_type_and_shape_apart_but_not_layout() -> None:
    grey = picture(6, 4)
    assert pixel_sha256(grey) == pixel_sha256(grey[:, :, None]) == pixel_sha256(np.asfortranarray(grey))
    others = [grey.astype(np.uint16), grey.astype(np.float32), grey.reshape(4, 6), grey.reshape(2, 4, 3)]
    assert len({pixel_sha256(p) for p in (grey, *others)}) == 5
    assert pixel_sha256(others[0]) == pixel_sha256(others[0].astype(">u2"))


@pytest.mark.parametrize("dtype, top", [(np.uint8, 255), (np.uint16, 65535), (">u2", 65535)])
def test_whole_numbers_are_scaled_by_their_largest_value(dtype: object, top: int) -> None:
    unit = to_unit(np.array([[0, 1, top]], dtype=dtype))
    assert np.array_equal(unit, np.array([[[0.0], [1 / top], [1.0]]]))


# --- on nothing else -------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", FIXED)
def test_name_order_and_company_do_not_matter(spec: str) -> None:
    pictures = [picture(12, 10, 3, seed=n) for n in range(4)]
    alone = [bytes_sha256(degraded(spec, p)) for p in pictures]
    reverse = [bytes_sha256(degraded(spec, p, name=f"other/{i}")) for i, p in enumerate(pictures[::-1])]
    subset = [bytes_sha256(degraded(spec, p)) for p in pictures[1::2]]
    assert alone == reverse[::-1]
    assert alone[1::2] == subset


@pytest.mark.parametrize("spec", FIXED)
def test_a_picture_with_or_without_channel_axis_and_as_tensor_is_the_same(spec: str) -> None:
    grey = np.float32(picture(12, 10) / 255.0)
    flat, _ = nb.degrade(spec, grey)
    deep, _ = nb.degrade(spec, grey[:, :, None])
    tensor, _ = nb.degrade(spec, torch.from_numpy(grey)[None, None])
    assert flat.ndim == 2
    assert deep.shape == (*flat.shape, 1)
    assert tensor.shape == (1, 1, *flat.shape)
    assert np.array_equal(flat, deep[:, :, 0])
    assert np.array_equal(flat, tensor[0, 0].numpy())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.uint8])
def test_a_colour_tensor_equals_the_array(dtype: torch.dtype) -> None:
    tensor = torch.from_numpy(picture(12, 10, 3)).to(dtype) / (1 if dtype == torch.uint8 else 256)
    tensor = tensor.to(dtype).permute(2, 0, 1)[None]
    array = (tensor if dtype == torch.uint8 else tensor.float())[0].permute(1, 2, 0).numpy()
    noisy, info = nb.degrade("gaussian(sigma=25)", tensor)
    expected, also = nb.degrade("gaussian(sigma=25)", array)
    assert noisy.dtype == torch.float32
    assert np.array_equal(noisy[0].permute(1, 2, 0).numpy(), expected)
    assert info.disclosed() == also.disclosed()


def test_float64_and_float32_pictures_are_one() -> None:
    clean = np.float32(picture(12, 10) / 255.0)
    for spec in FIXED:
        assert np.array_equal(nb.degrade(spec, clean)[0], nb.degrade(spec, clean.astype(np.float64))[0])


def test_threads_side_by_side_give_the_same() -> None:
    jobs = [(spec, n) for spec in FIXED for n in range(3)]
    serial = [bytes_sha256(degraded(spec, picture(20, 15, 3, seed=n))) for spec, n in jobs]
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(lambda j: bytes_sha256(degraded(j[0], picture(20, 15, 3, seed=j[1]))), jobs))
    assert parallel == serial


def test_global_random_state_neither_matters_nor_changes() -> None:
    np.random.seed(1)
    torch.manual_seed(1)
    before, torch_before = np.random.get_state()[1].copy(), torch.random.get_rng_state()
    first = [bytes_sha256(degraded(spec, picture(9, 9))) for spec in FIXED]
    assert np.array_equal(before, np.random.get_state()[1])
    assert torch.equal(torch_before, torch.random.get_rng_state())
    np.random.seed(2)
    assert first == [bytes_sha256(degraded(spec, picture(9, 9))) for spec in FIXED]


_CHILD = """
import json, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import noisebench as nb
from noisebench.imaging.pixels import bytes_sha256
from regime_inputs import picture
print(json.dumps([bytes_sha256(nb.degrade(s, picture(23, 17, 3, seed=5), seed=7)[0]) for s in sys.argv[2:]]))
"""


def test_another_process_in_another_folder_gives_the_same(tmp_path: Path) -> None:
    here = [bytes_sha256(nb.degrade(s, picture(23, 17, 3, seed=5), seed=7)[0]) for s in FIXED]
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(SUPPORT), *FIXED[::-1]],
        cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "3"}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == here[::-1]


# --- on the picture, the regime and the seed -------------------------------------------------------------


@pytest.mark.parametrize("spec", RANDOM)
def test_seed_draw_and_picture_change_the_noise(spec: str) -> None:
    clean = picture(16, 16)
    other = clean.copy()
    other[0, 0] ^= 1
    inputs = [
        degraded(spec, clean),
        degraded(spec, clean, seed=1),
        degraded(spec, clean, draw=1),
        degraded(spec, other),
    ]
    assert len({bytes_sha256(p[1:]) for p in inputs}) == 4


def test_noises_of_neighbouring_seeds_are_independent() -> None:
    noise = [degraded("gaussian(sigma=255)", np.zeros((200, 200), np.uint8), seed=s).ravel() for s in range(8)]
    correlation = np.corrcoef(noise) - np.eye(8)
    assert np.abs(correlation).max() <= 5 / np.sqrt(200 * 200)


def test_noise_of_another_sigma_is_another_noise() -> None:
    clean = np.zeros((100, 100), np.uint8)
    a, b = degraded("gaussian(sigma=25)", clean), degraded("gaussian(sigma=50)", clean)
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) <= 5 / 100


def test_a_spelling_of_the_same_spec_is_the_same_noise() -> None:
    clean = picture(8, 8)
    expected = degraded("gaussian(sigma=25)", clean)
    for spelling in ("gaussian( sigma = 25.0 )", "gaussian(clip=False, sigma=25, bits=None)"):
        assert np.array_equal(degraded(spelling, clean), expected)


def test_the_methods_own_generator_is_keyed_but_does_not_repeat_the_noise() -> None:
    clean = np.zeros((50, 50), np.uint8)
    noisy, info = nb.degrade("gaussian(sigma=255)", clean)
    _, again = nb.degrade("gaussian(sigma=255)", clean)
    mine = info.rng.standard_normal((50, 50))
    assert np.array_equal(mine, again.rng.standard_normal((50, 50)))
    assert abs(np.corrcoef(mine.ravel(), noisy.ravel())[0, 1]) <= 5 / 50
    assert torch.equal(torch.rand(5, generator=info.generator), torch.rand(5, generator=again.generator))


# --- chains ----------------------------------------------------------------------------------------------


def test_downsample_then_gaussian_adds_noise_to_the_small_picture() -> None:
    clean = picture(301, 240)
    noisy, info = nb.degrade("downsample(scale=2) + gaussian(sigma=5)", clean)
    small = imresize_matrix(301, 2, "bicubic") @ (clean / 255.0) @ imresize_matrix(240, 2, "bicubic").T
    z = (noisy - small) / (5 / 255)
    assert noisy.shape == (151, 120)
    assert abs(z.mean()) <= 5 / np.sqrt(z.size)
    assert abs((z**2).mean() - 1) <= 5 * np.sqrt(2 / z.size)
    assert (info.scale, info.sigma, info.shape) == (2, 5 / 255, (301, 240))


def test_sigmas_of_a_chain_add_in_squares() -> None:
    _, info = nb.degrade("gaussian(sigma=3) + laplace(sigma=4)", picture(4, 4))
    assert info.sigma == pytest.approx(5 / 255, rel=1e-12)
    assert type(info.sigma) is float


def test_a_secret_sigma_stays_secret_in_a_chain() -> None:
    for spec in (
        "gaussian_range(low=1, high=9) + gaussian(sigma=4)",
        "gaussian(sigma=4) + gaussian_range(low=1, high=9)",
    ):
        _, info = nb.degrade(spec, picture(4, 4))
        assert "sigma" not in info
        assert info.sigma is None


@pytest.mark.parametrize("operator", ["blur(sigma=1)", "downsample(scale=2)"])
def test_noise_before_an_operator_is_no_longer_disclosed(operator: str) -> None:
    before = "poisson_gaussian(peak=20, sigma=5) + gamma(looks=3) + mask(keep=0.5)"
    _, info = nb.degrade(f"{before} + {operator}", picture(8, 8))
    assert [n for n in ("sigma", "peak", "looks", "speckle", "mask") if n in info] == []
    _, info = nb.degrade(f"{before} + {operator} + gaussian(sigma=5)", picture(8, 8))
    assert info.sigma is None


def test_operators_of_a_chain_compose() -> None:
    clean = picture(24, 24)
    _, info = nb.degrade("downsample(scale=2) + downsample(scale=3)", clean)
    assert info.scale == 6
    _, info = nb.degrade("blur(sigma=1) + blur(sigma=2, kernel=motion)", clean)
    twice, _ = nb.degrade("blur(sigma=1, boundary=circular) + blur(sigma=2, kernel=motion, boundary=circular)", clean)
    spectrum = np.zeros((64, 64))
    h, w = info.kernel.shape
    spectrum[:h, :w] = info.kernel
    spectrum = np.fft.fft2(np.roll(spectrum, (-(h // 2), -(w // 2)), (0, 1)))
    tiled = np.tile(clean / 255.0, (4, 4))[:64, :64]
    inside = np.fft.ifft2(np.fft.fft2(tiled) * spectrum).real[24:40, 24:40]
    assert np.allclose(inside, twice[:16, :16], rtol=0, atol=1e-6)
    noisy, info = nb.degrade("mask(keep=0.5) + mask(keep=0.5)", clean)
    assert np.array_equal(noisy, np.float32(clean / 255.0 * info.mask))


def test_counting_takes_negative_light_as_none() -> None:
    noisy, _ = nb.degrade("gaussian(sigma=200) + poisson(peak=10)", picture(32, 32))
    assert noisy.min() == 0
    assert np.isfinite(nb.degrade("gaussian(sigma=200) + sensor(iso=800)", picture(32, 32))[0]).all()


def test_real_needs_a_noisy_picture_and_the_first_place() -> None:
    with pytest.raises(Skip, match="^regime real .*noisy pictures"):
        degraded("real", picture(4, 4))
    with pytest.raises(UsageError, match="^regime real .*noisy pictures"):
        nb.degrade("real", picture(4, 4))
    sample = Sample("a", picture(4, 4), noisy=picture(4, 4, seed=1))
    with pytest.raises(UsageError, match="can only stand first"):
        degrade_sample(bind("gaussian(sigma=1) + real", "regime"), sample)
    with pytest.raises(UsageError, match="can only stand first"):  # no cell is planned, none fails alone
        plan(Suite(methods=("identity",), datasets=("photos",), regimes=("real", "gaussian(sigma=1)+real")))
    noisy, _ = degrade_sample(bind("real + quantize(bits=8)", "regime"), sample)
    assert np.array_equal(noisy[:, :, 0], np.float32(picture(4, 4, seed=1) / 255.0))


# --- any picture -----------------------------------------------------------------------------------------

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9)) | st.tuples(
    st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3, 4])
)
pictures = shapes.flatmap(
    lambda shape: (
        arrays.arrays(np.uint8, shape)
        | arrays.arrays(np.uint16, shape)
        | arrays.arrays(np.float32, shape, elements=st.floats(0, 1, width=32))
    )
)


@settings(max_examples=150, deadline=None)
@given(clean=pictures, spec=st.sampled_from(FIXED), seed=st.integers(0, 2**63))
def test_any_picture_gives_a_finite_float32_picture_and_is_left_alone(clean: np.ndarray, spec: str, seed: int) -> None:
    before = clean.copy()
    clean.flags.writeable = False
    noisy, info = nb.degrade(spec, clean, seed=seed)
    scale = info.scale or 1
    assert noisy.shape == (-(-clean.shape[0] // scale), -(-clean.shape[1] // scale), *clean.shape[2:])
    assert noisy.dtype == np.float32
    assert np.isfinite(noisy).all()
    assert not np.shares_memory(noisy, clean)
    assert np.array_equal(clean, before)
    assert bytes_sha256(noisy) == bytes_sha256(nb.degrade(spec, before, seed=seed)[0])


@settings(max_examples=100, deadline=None)
@given(
    clean=pictures,
    bits=st.integers(1, 16),
    sigma=st.floats(0, 500),
    peak=st.floats(1e-3, 1e6),
    clip=st.booleans(),
)
def test_clip_and_bits_hold_for_any_strength(
    clean: np.ndarray, bits: int, sigma: float, peak: float, clip: bool
) -> None:
    spec = f"poisson_gaussian(peak={peak!r}, sigma={sigma!r}, clip={clip}, bits={bits})"
    noisy, info = nb.degrade(spec, clean)
    top = 2**bits - 1
    assert np.array_equal(noisy, (np.rint(noisy.astype(np.float64) * top) / top).astype(np.float32))
    assert not clip or (noisy.min() >= 0 and noisy.max() <= 1)
    assert info.sigma == pytest.approx(sigma / 255)


NEUTRAL = (
    "gaussian(sigma=0)", "laplace(sigma=0)", "uniform(width=0)", "stripes(sigma=0)", "salt_pepper(p=0)",
    "impulse(p=0)", "rician(sigma=0)", "mask(keep=1)", "downsample(scale=1)", "correlated(sigma=0, radius=3)",
    "none",
)  # fmt: skip


@pytest.mark.parametrize("spec", NEUTRAL)
def test_nothing_added_is_the_picture_itself(spec: str) -> None:
    clean = picture(12, 9, 3)
    assert np.abs(nb.degrade(spec, clean)[0] - np.float32(clean / 255.0)).max() <= 6e-8


# --- refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "clean, says",
    [
        (np.zeros((4, 4), np.int64), "is int64"),
        (np.zeros((4, 4), bool), "is bool"),
        (np.zeros((0, 4), np.uint8), "(0, 4)"),
        (np.zeros(4, np.uint8), "(4,)"),
        (np.zeros((1, 3, 4, 4), np.uint8), "(1, 3, 4, 4)"),
        (np.full((4, 4), np.nan, np.float32), "NaN"),
        (np.full((4, 4), np.inf, np.float32), "NaN or Inf"),
        (torch.zeros(4, 4), "(1, C, H, W)"),
        (torch.zeros(2, 3, 4, 4), "(1, C, H, W)"),
        ("photo.png", "clean picture is"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_no_picture_is_refused(clean: object, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        nb.degrade("gaussian(sigma=25)", clean)
    assert says in str(caught.value)


@pytest.mark.parametrize("seed", [1.5, "0", None, -1, True])
def test_a_seed_is_a_whole_number(seed: object) -> None:
    with pytest.raises(UsageError, match="^seed .*whole number from 0, not "):
        nb.degrade("gaussian(sigma=25)", picture(4, 4), seed=seed)  # type: ignore[arg-type]


def test_seed_types_that_are_equal_give_equal_noise() -> None:
    clean = picture(4, 4)
    assert np.array_equal(nb.degrade("rayleigh", clean, seed=1)[0], nb.degrade("rayleigh", clean, seed=np.int64(1))[0])
