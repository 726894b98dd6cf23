"""Distances of feature sets against closed forms: what mathematics gives exactly, the code gives to rounding."""

import math
import subprocess
import sys

import noisebench as nb
import numpy as np
import pytest
from noisebench.distances.frechet import frechet_infinity
from noisebench.distances.kernel import kernel_distance
from noisebench.distances.moments import Moments


def normal(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def exact(n, mean, cov, seed=0):
    """Features whose sample mean and unbiased covariance are exactly these."""
    white = normal(n, len(mean), seed)
    white -= white.mean(axis=0)
    white = white @ np.linalg.inv(np.linalg.cholesky(white.T @ white / (n - 1))).T
    return white @ np.linalg.cholesky(cov).T + mean


def kernel(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3


# --- Fréchet distance ------------------------------------------------------------------------------------------


def test_one_dimension_is_the_difference_of_means_and_of_deviations():
    a, b = exact(10, [1.0], [[4.0]]), exact(17, [4.0], [[9.0]], seed=1)
    assert nb.frechet_distance(a, b) == pytest.approx(3.0**2 + (2 - 3) ** 2, rel=1e-12)


def test_commuting_gaussians_have_a_known_distance():
    first, second = np.array([1.0, 4.0, 9.0, 0.25]), np.array([4.0, 1.0, 16.0, 0.25])
    a, b = exact(50, np.zeros(4), np.diag(first)), exact(70, [1.0, 0, 0, 2], np.diag(second), seed=1)
    expected = 5.0 + np.sum((np.sqrt(first) - np.sqrt(second)) ** 2)
    assert nb.frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_two_by_two_gaussians_that_do_not_commute_have_a_known_distance():
    first, second = np.array([[2.0, 0.7], [0.7, 1.0]]), np.array([[1.0, -0.4], [-0.4, 3.0]])
    # The root of a 2×2 product has the trace √(tr P + 2 √det P).
    product = first @ second
    root = math.sqrt(np.trace(product) + 2 * math.sqrt(np.linalg.det(product)))
    expected = np.trace(first) + np.trace(second) - 2 * root
    a, b = exact(40, [0.0, 0.0], first), exact(40, [0.0, 0.0], second, seed=1)
    assert nb.frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)
    known = (Moments(2, np.zeros(2), np.asarray(cov, float)) for cov in (first, second))
    assert nb.frechet_distance(*known) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("n", "d"), [(5, 40), (40, 5), (40, 40), (2, 3)])
def test_identical_sets_are_at_no_distance(n, d):
    a = normal(n, d)
    assert nb.frechet_distance(a, a) == pytest.approx(0.0, abs=1e-12 * d)


@pytest.mark.parametrize(("n", "d"), [(5, 40), (40, 5), (41, 40)])
def test_a_translation_costs_its_square(n, d):
    a, step = normal(n, d), np.linspace(-3, 3, d)
    assert nb.frechet_distance(a, a + step) == pytest.approx(step @ step, rel=1e-12)


@pytest.mark.parametrize(("n", "d"), [(5, 40), (40, 5)])
def test_scaling_costs_the_square_of_its_excess_times_the_variance(n, d):
    a = normal(n, d)
    a -= a.mean(axis=0)
    total = np.sum(a * a) / (n - 1)
    assert nb.frechet_distance(a, 3 * a) == pytest.approx(4 * total, rel=1e-12)


def test_orthogonal_subspaces_of_singular_covariances_do_not_overlap():
    a, b = np.zeros((30, 20)), np.zeros((30, 20))
    a[:, :3], b[:, 3:7] = normal(30, 3), normal(30, 4, seed=1)
    gap = a.mean(axis=0) - b.mean(axis=0)
    spread = a.var(axis=0, ddof=1).sum() + b.var(axis=0, ddof=1).sum()
    assert nb.frechet_distance(a, b) == pytest.approx(gap @ gap + spread, rel=1e-12)


def test_columns_that_are_copies_double_the_distance():
    a, b = normal(60, 6), 1.5 * normal(50, 6, seed=1) + 0.2
    assert nb.frechet_distance(np.hstack([a, a]), np.hstack([b, b])) == pytest.approx(
        2 * nb.frechet_distance(a, b), rel=1e-12
    )


def test_more_rows_than_columns_and_fewer_give_one_number():
    a, b = normal(60, 6), 1.5 * normal(50, 6, seed=1)
    wide = np.linalg.qr(normal(80, 6, seed=2))[0].T  # an isometry into 80 dimensions
    assert nb.frechet_distance(a @ wide, b @ wide) == pytest.approx(nb.frechet_distance(a, b), rel=1e-12)


def test_a_mean_far_from_zero_costs_no_digits():
    a, b = exact(200, np.full(3, 1e4), np.eye(3)), exact(200, np.full(3, 1e4), 4 * np.eye(3), seed=1)
    assert nb.frechet_distance(a, b) == pytest.approx(3.0, rel=1e-9)


@pytest.mark.parametrize("condition", [1e2, 1e6, 1e14])
def test_an_ill_conditioned_covariance_costs_no_digits(condition):
    turn = np.linalg.qr(normal(50, 50, seed=2))[0]
    a = (normal(400, 50) * np.sqrt(np.geomspace(1, 1 / condition, 50))) @ turn
    a -= a.mean(axis=0)
    assert nb.frechet_distance(a, 3 * a) == pytest.approx(4 * a.var(axis=0, ddof=1).sum(), rel=1e-12)


def test_integers_singles_and_tensors_are_features_too():
    import torch

    a, b = np.array([[0, 0], [2, 4]]), np.array([[1, 1], [5, 1]])
    expected = nb.frechet_distance(a.astype(float), b.astype(float))
    assert nb.frechet_distance(a, b.astype(np.float32)) == expected
    assert nb.frechet_distance(torch.tensor(a), torch.tensor(b)) == expected


def test_a_distance_leaves_its_input_alone():
    a, b = normal(9, 3), normal(8, 3, seed=1)
    kept = a.copy(), b.copy()
    nb.frechet_distance(a, b), nb.kernel_distance(a, b), frechet_infinity(np.repeat(a, 16, 0), Moments.of(b))
    assert np.array_equal(a, kept[0]) and np.array_equal(b, kept[1])


# --- statistics ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_batches_give_the_moments_of_the_whole(offset):
    x = normal(1000, 7) + offset
    both = Moments.of(x[:1]).add(x[1:300]).add(x[300:999]).add(x[999:])
    assert both.n == 1000
    assert np.allclose(both.mean, x.mean(axis=0), rtol=1e-14, atol=1e-15)
    assert np.allclose(both.cov, np.cov(x, rowvar=False), rtol=0, atol=1e-13)


def test_moments_and_features_give_one_distance():
    a, b = normal(60, 6), 1.5 * normal(50, 6, seed=1) + 0.3
    expected = nb.frechet_distance(a, b)
    assert nb.frechet_distance(Moments.of(a), Moments.of(b)) == pytest.approx(expected, rel=1e-12)
    assert nb.frechet_distance(Moments.of(a), b) == pytest.approx(expected, rel=1e-12)


def test_singular_covariances_are_good_to_1e_8():
    a, b = normal(10, 40), 1.5 * normal(12, 40, seed=1)
    assert nb.frechet_distance(Moments.of(a), Moments.of(b)) == pytest.approx(nb.frechet_distance(a, b), rel=1e-8)


# --- extrapolation ---------------------------------------------------------------------------------------------


def test_extrapolation_removes_the_bias_and_its_interval_covers_the_truth():
    d, n, runs = 6, 256, 40
    scale = np.sqrt(np.linspace(0.5, 2, d))
    truth = float(np.sum((1 - scale) ** 2))
    plain, found, covered = [], [], 0
    for seed in range(runs):
        a, b = normal(n, d, 2 * seed), normal(n, d, 2 * seed + 1) * scale
        value, low, high = frechet_infinity(a, b)
        plain.append(nb.frechet_distance(a, b))
        found.append(value)
        covered += low <= truth <= high
    assert np.mean(plain) - truth > 0.08
    assert abs(np.mean(found) - truth) < 3 * np.std(found) / math.sqrt(runs)
    assert covered >= 36  # nominally 38 of 40


def test_extrapolation_is_the_same_each_time_and_takes_reference_statistics():
    a, b = normal(160, 3), Moments(10**6, np.zeros(3), np.eye(3) * (10**6 - 1))
    assert frechet_infinity(a, b) == frechet_infinity(a, b)
    value, low, high = frechet_infinity(a, b)
    assert low < value < high and value < nb.frechet_distance(a, b)


def test_extrapolation_below_the_feature_dimension_is_refused_unless_allowed():
    a, b = normal(128, 65), normal(128, 65, seed=1)
    with pytest.raises(nb.UsageError, match=r"^a: 128 features of dimension 65 .* at least 130"):
        frechet_infinity(a, b)
    assert math.isfinite(frechet_infinity(a, b, allow_small=True)[0])


# --- kernel distance -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [1, 7, 512])
def test_kernel_distance_is_the_full_u_statistic_whatever_the_block(block):
    x, y = normal(23, 5), normal(31, 5, seed=1) + 0.5
    kx, ky, kxy = kernel(x, x), kernel(y, y), kernel(x, y)
    expected = (kx.sum() - np.trace(kx)) / (23 * 22) + (ky.sum() - np.trace(ky)) / (31 * 30) - 2 * kxy.sum() / (23 * 31)
    assert kernel_distance(x, y, block=block)[0] == pytest.approx(expected, rel=1e-12)


def test_kernel_distance_by_hand():
    # k(0, 2) = 1, k(1, 3) = 64, k(0, 1) = k(0, 3) = 1, k(2, 1) = 27, k(2, 3) = 343
    value, error = nb.kernel_distance([[0.0], [2.0]], [[1.0], [3.0]])
    assert value == 1 + 64 - 2 * (1 + 1 + 27 + 343) / 4
    assert math.isnan(error) and error.reason.startswith("a standard error ") and "at least 4" in error.reason


def test_kernel_distance_is_unbiased_also_below_zero():
    values = [nb.kernel_distance(normal(20, 4, 2 * s), normal(20, 4, 2 * s + 1))[0] for s in range(400)]
    assert min(values) < 0
    assert abs(np.mean(values)) < 3 * np.std(values) / 20


@pytest.mark.parametrize(("shift", "low", "high"), [(0.0, 1.0, 1.3), (0.4, 0.9, 1.1)])
def test_the_standard_error_is_the_spread_over_repeats(shift, low, high):
    pairs = [nb.kernel_distance(normal(60, 8, 2 * s), normal(90, 8, 2 * s + 1) + shift) for s in range(500)]
    values, errors = np.array(pairs).T
    assert low < math.sqrt(np.mean(errors**2)) / values.std() < high


def test_the_parts_of_the_standard_error_are_those_of_the_centred_kernels():
    x, y = normal(12, 3), normal(9, 3, seed=1) + 2.0
    m, n = 12, 9
    kx, ky, kxy = kernel(x, x), kernel(y, y), kernel(x, y)

    def within(k):  # U-centring, entry by entry
        k, size = k - np.diag(np.diag(k)), len(k)
        rows = k.sum(axis=1)
        centred = k - (rows[:, None] + rows) / (size - 2) + rows.sum() / ((size - 1) * (size - 2))
        return np.sum((centred - np.diag(np.diag(centred))) ** 2) / (size * (size - 3))

    def linear(k, cross):
        return np.var((k.sum(1) - np.diag(k)) / (len(k) - 1) - cross.mean(1), ddof=1)

    centred = kxy - kxy.mean(1, keepdims=True) - kxy.mean(0) + kxy.mean()
    tx, ty, txy = within(kx), within(ky), np.sum(centred**2) / ((m - 1) * (n - 1))
    first = 4 / m * (linear(kx, kxy) - tx / (m - 1) - txy / n)
    first += 4 / n * (linear(ky, kxy.T) - ty / (n - 1) - txy / m)
    second = 2 * tx / (m * (m - 1)) + 2 * ty / (n * (n - 1)) + 4 * txy / (m * n)
    assert first > 0
    assert kernel_distance(x, y)[1] == pytest.approx(math.sqrt(first + second), rel=1e-10)


def test_kernel_distance_holds_two_blocks_and_no_kernel_matrix():
    code = (
        "import numpy as np, noisebench as nb;"
        "x = np.random.default_rng(0).normal(size=(6000, 4)).astype('f4'); nb.kernel_distance(x[:99], x[:99]);"
        "p = lambda: int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]);"
        "before = p(); nb.kernel_distance(x, x[:3000]); print(p() - before)"
    )
    if not sys.platform.startswith("linux"):
        pytest.skip("the high-water mark of memory is read from /proc")
    grown = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)
    assert grown < 32 * 1024  # kB; the kernel matrix has 288 MB


# --- bad input -------------------------------------------------------------------------------------------------

GOOD = np.arange(12.0).reshape(4, 3)
BAD = [
    (GOOD[:, :2], GOOD, "features have dimensions 2 and 3: take both from the same extractor"),
    (GOOD[:1], GOOD, "a: 1 features are too few: give at least 2"),
    (GOOD, GOOD[:0], "b: 0 features are too few: give at least 2"),
    (GOOD, GOOD[0], r"b: features have shape \(3,\): give \(N, d\), one row a picture"),
    (GOOD, GOOD[:, :0], r"b: features have shape \(4, 0\): give \(N, d\), one row a picture"),
    (GOOD > 1, GOOD, r"a: features are bool: give real numbers, \(N, d\)"),
    (GOOD, GOOD.astype(object), r"b: features are object: give real numbers, \(N, d\)"),
    (np.where(GOOD == 7, np.nan, GOOD), GOOD, "a: row 2 has a value that is not finite: a distance needs numbers"),
    (GOOD * 1e300, GOOD, r"a: a feature reaches 1.1e\+301, above 1e\+20: scale them"),
    (GOOD, np.where(GOOD == 0, np.inf, GOOD), "b: row 0 has a value that is not finite: a distance needs numbers"),
]


@pytest.mark.parametrize("distance", [nb.frechet_distance, nb.kernel_distance])
@pytest.mark.parametrize(("a", "b", "message"), BAD)
def test_bad_features_are_one_line_that_says_which_and_why(distance, a, b, message):
    with pytest.raises(nb.UsageError, match=f"^{message}$"):
        distance(a, b)


@pytest.mark.parametrize(
    ("mean", "cov", "message"),
    [
        ([0, 0], np.eye(3), r"a: mean has shape \(2,\) and covariance \(3, 3\): give \(d,\) and \(d, d\)"),
        ([0, 0], [[1, 2], [3, 1]], "a: covariance is not symmetric: .*"),
        ([0, 0], [[1, 2], [2, 1]], "a: covariance has the eigenvalue -1: it must not be negative"),
        ([0, np.nan], np.eye(2), "a: mean or covariance has values that are not finite: .*"),
    ],
)
def test_bad_statistics_are_one_line_that_says_which_and_why(mean, cov, message):
    with pytest.raises(nb.UsageError, match=f"^{message}$"):
        nb.frechet_distance(Moments(2, np.array(mean), np.array(cov)), Moments(2, np.zeros(2), np.eye(2)))


def test_moments_refuse_another_width_and_a_single_feature_has_no_covariance():
    with pytest.raises(nb.UsageError, match="dimensions 3 and 2"):
        Moments.of(GOOD).add(GOOD[:, :2])
    with pytest.raises(nb.UsageError, match="at least 2 features, not 1"):
        _ = Moments.of(GOOD[:1]).cov


def test_bad_options_are_one_line():
    with pytest.raises(nb.UsageError, match=r"^block is 0: give 1 or more rows$"):
        kernel_distance(GOOD, GOOD, block=0)
    with pytest.raises(nb.UsageError, match=r"^splits is 0: give 1 or more$"):
        frechet_infinity(normal(128, 2), normal(128, 2), splits=0)
    with pytest.raises(nb.UsageError, match=r"^a: row 3 .* finite"):
        frechet_infinity(np.where(np.arange(128)[:, None] == 3, np.nan, normal(128, 2)), normal(128, 2))
