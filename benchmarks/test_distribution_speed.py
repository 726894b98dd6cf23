"""Set distances against the usual ways, as ratios in one run; and the memory of a large kernel distance."""

import os
import subprocess
import sys

import numpy as np
import pytest

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
    assert compare("scaled(1000)", 1000) >= 20


@pytest.mark.timeout(900)
def test_frechet_distance_above_the_dimension_is_3_times_sqrtm():
    assert compare("unlike(4000)", 4000) >= 3


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
    assert peak <= 1024**2  # kB
    assert abs(value) < 4 * error  # both sets have one distribution
