"""Set distances against the usual ways, as ratios in one run; and the memory of a large kernel distance."""

import os
import subprocess
import sys

import numpy as np
import pytest
from targets import hold

D = 2048


def features(n, seed):
    """Non-negative, correlated and of uneven scale, as pooled network features are."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, 64)) @ np.random.default_rng(99).normal(size=(64, D)) / 8
    return np.maximum(latent + rng.normal(size=(n, D)) + 0.1 * seed, 0)


def by_sqrtm(a, b):
    """As pytorch-fid and clean-fid do it: covariances and the root of their product."""
    from scipy.linalg import sqrtm

    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    gap = a.mean(axis=0) - b.mean(axis=0)
    return float(gap @ gap + np.trace(first) + np.trace(second) - 2 * np.trace(sqrtm(first @ second).real))


def by_symmetric_root(a, b):
    """An independent exact way, for regular covariances: eigenvalues of Σa^½ Σb Σa^½."""
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    gap = a.mean(axis=0) - b.mean(axis=0)
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    between = np.linalg.eigvalsh(root @ second @ root)
    return float(gap @ gap + np.trace(first) + np.trace(second) - 2 * np.sqrt(np.maximum(between, 0)).sum())


def statistics(features):
    return features.mean(axis=0), np.cov(features, rowvar=False)


def frechet_torchmetrics(a, b):
    import torch
    from torchmetrics.image.fid import _compute_fid

    return float(_compute_fid(*(torch.from_numpy(s) for side in (a, b) for s in statistics(side))))


def frechet_torch_fidelity(a, b):
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    sides = [fid_features_to_statistics(torch.from_numpy(side)) for side in (a, b)]
    return float(fid_statistics_to_metric(*sides, False)["frechet_inception_distance"])


def frechet_clean_fid(a, b):
    from cleanfid.fid import frechet_distance

    return float(frechet_distance(*statistics(a), *statistics(b)))


def kernel_torchmetrics(a, b):
    import torch
    from torchmetrics.image.kid import poly_mmd

    return float(poly_mmd(torch.from_numpy(a), torch.from_numpy(b)))


def kernel_torch_fidelity(a, b):
    from torch_fidelity.metric_kid import kernel_mmd

    keys = {
        "kid_kernel": "poly",
        "kid_kernel_poly_degree": 3,
        "kid_kernel_poly_gamma": None,
        "kid_kernel_poly_coef0": 1,
    }
    return float(kernel_mmd(a, b, **keys))


def kernel_clean_fid(a, b):
    from cleanfid.fid import kernel_distance

    return float(kernel_distance(a, b, num_subsets=1, max_subset_size=len(a)))


def ours_frechet(a, b):
    import noisebench as nb

    return nb.frechet_distance(a, b)


def ours_kernel(a, b):
    import noisebench as nb

    return nb.kernel_distance(a, b)[0]


PEER_CHILD = """
import sys, time
sys.path.insert(0, {folder!r})
import test_distribution_speed as bench

a, b, expected = {setup}
small = a[:8, :4].copy(), b[:8, :4].copy()
for call in (bench.{ours}, bench.{theirs}):
    call(*small)  # imports
    start = time.process_time()
    value = call(a, b)
    print(value, time.process_time() - start)
print(expected)
"""


def against(ours, theirs, setup):
    """Ours and a peer's in a child of one thread: value, processor seconds, of each; and what is expected."""
    code = PEER_CHILD.format(folder=os.path.dirname(os.path.abspath(__file__)), setup=setup, ours=ours, theirs=theirs)
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **threads})
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip(f"{theirs}: {done.stderr.strip().splitlines()[-1]}: pip install 'noisebench[peers]'")
    assert done.returncode == 0, done.stderr[-2000:]
    *_, mine, other, expected = done.stdout.strip().splitlines()
    return (*map(float, mine.split()), *map(float, other.split()), float(expected))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("setup", ["bench.scaled(1000)", "bench.unlike(2500)"])
@pytest.mark.parametrize("peer", ["torchmetrics", "torch_fidelity", "clean_fid"])
def test_frechet_distance_is_more_exact_and_faster_than_that_of(peer, setup):
    value, seconds, other, slow, expected = against("ours_frechet", f"frechet_{peer}", setup)
    print(
        f"\nFréchet {setup} d={D}: ours {seconds:.2f} s, error {abs(value / expected - 1):.0e}; "
        f"{peer} {slow:.2f} s, error {abs(other / expected - 1):.0e}: {slow / seconds:.1f}×"
    )
    assert value == pytest.approx(expected, rel=1e-8)
    assert abs(value / expected - 1) <= max(abs(other / expected - 1), 1e-10)
    assert slow > seconds


@pytest.mark.parametrize("peer", ["torchmetrics", "torch_fidelity", "clean_fid"])
def test_kernel_distance_has_the_value_of(peer):
    value, seconds, other, slow, _ = against("ours_kernel", f"kernel_{peer}", "bench.unlike(1000)[:2] + (0,)")
    print(
        f"\nKID N=1000 d={D}: ours {seconds:.2f} s with its standard error; {peer} {slow:.2f} s without: "
        f"{slow / seconds:.1f}×; values differ by {abs(value / other - 1):.0e}"
    )
    assert value == pytest.approx(other, rel=1e-6)


CHILD = """
import sys, time
sys.path.insert(0, {folder!r})
import noisebench as nb
from test_distribution_speed import by_sqrtm, scaled, unlike

a, b, expected = {setup}
def timed(call):
    start = time.process_time()
    value = call(a, b)
    return value, time.process_time() - start
ours = [timed(nb.frechet_distance) for _ in range(3)]
theirs = timed(by_sqrtm)
print(expected, ours[0][0], sorted(t for _, t in ours)[1], *theirs)
"""


def compare(setup, n):
    """Both in a child of one thread, in processor time: what else runs on the machine changes neither."""
    code = CHILD.format(folder=os.path.dirname(os.path.abspath(__file__)), setup=setup)
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, env={**os.environ, **threads}
    )
    expected, ours, seconds, theirs, slow = map(float, done.stdout.split())
    print(
        f"\nFréchet N={n} d={D}, one thread: ours {seconds:.2f} s (error {abs(ours / expected - 1):.0e}), "
        f"sqrtm {slow:.2f} s (error {abs(theirs / expected - 1):.0e}): {slow / seconds:.1f}×"
    )
    assert ours == pytest.approx(expected, rel=1e-8)
    return slow / seconds


def scaled(n):
    """A set and itself scaled by 3 and moved, whose distance is known though both covariances are singular."""
    a = features(n, 0)
    b = 3 * a + 0.5
    gap = b.mean(axis=0) - a.mean(axis=0)
    return a, b, float(gap @ gap + 4 * a.var(axis=0, ddof=1).sum())


def unlike(n):
    """Two sets with regular covariances that do not commute."""
    a, b = features(n, 0), 1.2 * features(n, 1)
    return a, b, by_symmetric_root(a, b)


@pytest.mark.timeout(900)
def test_frechet_distance_below_the_dimension_is_20_times_sqrtm():
    hold({"Fréchet distance below the dimension, times as fast as sqrtm": compare("scaled(1000)", 1000)})


@pytest.mark.timeout(900)
def test_frechet_distance_above_the_dimension_is_3_times_sqrtm():
    hold({"Fréchet distance above the dimension, times as fast as sqrtm": compare("unlike(4000)", 4000)})


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the high-water mark from /proc")
def test_kernel_distance_of_5000_by_5000_by_2048_stays_below_1_gib():
    code = (
        "import time, numpy as np, noisebench as nb;"
        "x, y = (np.random.default_rng(s).normal(size=(5000, 2048)) for s in (0, 1));"
        "t = time.perf_counter(); value, error = nb.kernel_distance(x, y); t = time.perf_counter() - t;"
        "print(value, error, t, open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    value, error, seconds, peak = map(float, done.stdout.split())
    print(f"\nKID 5000×5000×2048: {seconds:.1f} s, whole process {peak / 1024:.0f} MiB, {value:.2e} ± {error:.2e}")
    hold({"kernel distance of 5,000 to 5,000, memory": peak / 1024})
    assert abs(value) < 4 * error  # both sets have one distribution
