"""Speed of PSNR and SSIM on one CPU thread: ours, torchmetrics and scikit-image, as ratios in one run."""

import os
import time
from functools import partial

import cv2
import noisebench as nb
import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from targets import hold
from torchmetrics.functional.image import peak_signal_noise_ratio as torch_psnr
from torchmetrics.functional.image import structural_similarity_index_measure as torch_ssim

SIZES = {"512x512": (512, 512, 3), "1080p": (1080, 1920, 3)}


@pytest.fixture(autouse=True)
def one_thread():
    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    yield
    cv2.setNumThreads(before[0])
    torch.set_num_threads(before[1])


def pictures(size):
    """A smooth picture and the same with noise of sigma 25, uint8."""
    rng = np.random.default_rng(0)
    height, width, _ = SIZES[size]
    coarse = rng.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    clean = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    noisy = np.clip(np.rint(clean + rng.normal(0, 25, clean.shape)), 0, 255).astype(np.uint8)
    return noisy, clean


def ours(x, y):
    return nb.score(x, y, ("psnr", "ssim"))


def with_scikit_image(x, y):
    _, full = structural_similarity(
        x, y, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )  # fmt: skip
    return {"psnr": peak_signal_noise_ratio(y, x, data_range=255), "ssim": full[5:-5, 5:-5].mean()}


def with_torchmetrics(x, y):
    psnr, ssim = (f(x, y, data_range=255.0) for f in (torch_psnr, torch_ssim))
    return {"psnr": float(psnr), "ssim": float(ssim)}


def contenders(size):
    """Each on its own kind of input, made beforehand."""
    x, y = pictures(size)
    tensors = [torch.from_numpy(p.transpose(2, 0, 1).copy())[None].float() for p in (x, y)]
    return {
        "noisebench": partial(ours, x, y),
        "noisebench, float32 in": partial(ours, x / np.float32(255), y),
        "scikit-image": partial(with_scikit_image, x, y),
        "torchmetrics": partial(with_torchmetrics, *tensors),
    }


@pytest.mark.parametrize("name", ["noisebench", "noisebench, float32 in", "scikit-image", "torchmetrics"])
@pytest.mark.parametrize("size", SIZES)
def test_psnr_and_ssim(benchmark, size, name):
    benchmark.group = f"psnr + ssim, {size} RGB, one thread"
    scores = benchmark.pedantic(contenders(size)[name], rounds=5, warmup_rounds=1)
    assert set(scores) == {"psnr", "ssim"}


@pytest.mark.parametrize(("size", "rounds"), [("512x512", 15), ("1080p", 5)])
def test_ratios(capsys, size, rounds):
    """How many times faster we are, in processor time; the targets are those of 512×512."""
    calls = contenders(size)
    scores = {name: call() for name, call in calls.items()}
    wall, cpu = {name: [] for name in calls}, {name: [] for name in calls}
    for _ in range(rounds):  # interleaved, so that a busy machine is so for all
        for name, call in calls.items():
            times = 5 if name.startswith("noisebench") else 1
            start = time.perf_counter(), time.process_time()
            for _ in range(times):
                call()
            wall[name].append(1e3 * (time.perf_counter() - start[0]) / times)
            cpu[name].append(1e3 * (time.process_time() - start[1]) / times)
    with capsys.disabled():
        print(f"\npsnr + ssim, {size} RGB, one thread, median of {rounds} on {os.cpu_count()} cores")
        for name in calls:
            ours, theirs = ([np.median(values[key]) for values in (wall, cpu)] for key in ("noisebench", name))
            print(
                f"  {name:24}wall {theirs[0]:8.2f} ms{theirs[0] / ours[0]:7.1f} ×"
                f"    CPU {theirs[1]:8.2f} ms{theirs[1] / ours[1]:7.1f} ×"
            )
    own = ("noisebench", "noisebench, float32 in")
    errors = [abs(scores[n][metric] - scores["scikit-image"][metric]) for n in own for metric in ("psnr", "ssim")]
    measured = {"scoring, error": max(errors)}
    if size == "512x512":
        for name in ("scikit-image", "torchmetrics"):
            measured[f"scoring, times as fast as {name}"] = np.median(cpu[name]) / np.median(cpu["noisebench"])
    with capsys.disabled():
        hold(measured)
