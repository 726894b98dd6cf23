"""The track `functions`: its metrics, regimes, datasets and methods against values worked out by hand."""

from __future__ import annotations

import itertools
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.planning.cells import shown_to
from noisebench.track.calling import call_on, reveal
from noisebench.tracks.functions import Target, as_target
from numpy.testing import assert_allclose

TRACK = get_track("functions")
X = np.linspace(0, 1, 41)
AT = (X[1:] + X[:-1]) / 2


def target(value=np.sin, x=X, at=AT) -> Target:
    return as_target("made", x, value(x), at, value(at))


def posed(item: Target, regime: str = "none", seed: int = 0, draw: int = 0):
    return TRACK.pose(bind(regime, "regime", "functions"), item, seed, draw)


def fit(method: str, item: Target, regime: str = "none", seed: int = 0) -> np.ndarray:
    runner = TRACK.open(bind(method, "method", "functions"))
    return call_on(runner, reveal(posed(item, regime, seed), item, shown_to(runner.meta)), "cpu")[0]


def scores(output: np.ndarray, item: Target, protocol: str = "held_out") -> dict[str, float]:
    measures = [bind(m, "metric", "functions") for m in ("rmse", "sup_norm")]
    return TRACK.score(output, item, posed(item), bind(protocol, "protocol", "functions"), measures)


def test_errors_by_hand():
    item = as_target("made", [0.0, 1.0], [3.0, 7.0], [0.2, 0.4, 0.6, 0.8], [0.0, 0.0, 0.0, 0.0])
    output = np.array([1.0, -5.0, 1.0, -1.0])
    assert scores(output, item) == {"rmse": np.sqrt(28 / 4), "sup_norm": 5.0}
    # The samples 3 and 7 have a standard deviation of 2.
    assert scores(output, item, "standardised") == {"rmse": np.sqrt(28 / 4) / 2, "sup_norm": 2.5}


def test_noise_has_the_level_it_says_and_is_keyed():
    item = target(x=np.linspace(0, 1, 100_000))
    noise = posed(item, "gaussian(sigma=0.3)").given.y - item.y
    assert_allclose([noise.mean(), noise.std(), (noise**4).mean()], [0, 0.3, 3 * 0.3**4], atol=0.004)
    runs = [posed(item, "gaussian(sigma=0.3)", seed, draw) for seed, draw in itertools.product((0, 1), (0, 1))]
    assert len({case.input_sha256 for case in runs}) == 4
    assert np.array_equal(runs[0].given.y - item.y, noise)
    assert runs[0].info.sigma == 0.3
    assert np.array_equal(posed(item).given.y, item.y)


def test_outliers_hit_the_share_and_leave_the_rest():
    item = target(x=np.linspace(0, 1, 100_000))
    y = posed(item, "outliers(share=0.2)").given.y
    hit = y != item.y
    assert_allclose(hit.mean(), 0.2, atol=0.005)
    assert_allclose([y[hit].min(), y[hit].mean(), y[hit].max()], [0, np.sin(1) / 2, np.sin(1)], atol=0.01)


def test_noise_upon_noise_discloses_no_level():
    case = posed(target(), "gaussian(sigma=0.1)+gaussian(sigma=0.2)")
    assert case.info.sigma is None


def test_a_polynomial_is_found_again():
    item = target(lambda x: 1 - 3 * x + 4 * x**3)
    assert_allclose(fit("polynomial(degree=3)", item), item.truth, atol=1e-12)
    assert scores(fit("polynomial(degree=2)", item), item)["rmse"] > 0.01
    assert_allclose(fit("polynomial", item), item.truth, atol=1e-6)
    grid = np.random.default_rng(0).uniform(size=(60, 2))
    plane = as_target("plane", grid, grid[:, 0] * grid[:, 1], grid[:5] * 0.9, grid[:5, 0] * grid[:5, 1] * 0.81)
    assert_allclose(fit("polynomial(degree=2)", plane), plane.truth, atol=1e-12)


def test_a_spline_and_a_process_follow_a_smooth_function():
    item = target(lambda x: np.sin(6 * x))
    for method in ("spline", "gaussian_process", "gaussian_process(kernel=rbf)"):
        assert scores(fit(method, item), item)["sup_norm"] < 2e-3, method
        noisy = scores(fit(method, item, "gaussian(sigma=0.1)"), item)["rmse"]
        assert 1e-3 < noisy < 0.07, method


def test_the_nearest_samples_are_averaged():
    item = target(lambda x: x)
    assert_allclose(fit("k_nn(k=2)", item), item.truth, atol=1e-12)
    assert_allclose(fit("mean", item), 0.5)
    assert np.array_equal(fit("oracle", item), item.truth)


def test_random_features_solve_least_squares_of_their_own_draw():
    from scipy.special import expit

    item = target(lambda x: np.sin(6 * x))
    rng = posed(item).info.rng
    w, b = rng.uniform(-3, 3, (1, 8)), rng.uniform(-3, 3, 8)
    a, ridge = expit(item.x @ w + b), 1e-3
    c = np.linalg.solve(a.T @ a + ridge * len(item.x) * np.eye(8), a.T @ item.y)
    assert_allclose(fit("random_features(lam=3, width=8, ridge=0.001)", item), expit(item.at @ w + b) @ c, atol=1e-8)


def test_a_box_that_is_too_small_leaves_an_error_at_any_width():
    x = np.linspace(0, 1, 201)
    item = target(lambda x: np.exp(-((20 * (x - 0.5)) ** 2)), x, (x[1:] + x[:-1]) / 2)
    narrow, wide, right = (
        scores(fit(f"random_features(lam={lam}, width={width})", item), item)["rmse"]
        for lam, width in ((1, 50), (1, 400), (100, 400))
    )
    assert wide > 0.9 * narrow > 0.1
    assert right < 0.1 * wide


def test_the_floor_of_a_smooth_function_is_far_below_single_precision():
    item, held = target(lambda x: np.sin(9 * x)), bind("held_out", "protocol", "functions")
    floor = bind("width_floor(lam=10)", "metric", "functions")
    (value,) = TRACK.score(item.truth, item, posed(item), held, [floor]).values()
    assert value < 1e-7


def test_the_floor_is_of_the_function_alone():
    item = target(lambda x: np.exp(-((40 * (x - 0.5)) ** 2)))
    held, floors = bind("held_out", "protocol", "functions"), ("width_floor(lam=1)", "width_floor(lam=100)")
    measures = [bind(m, "metric", "functions") for m in floors]
    first, second = (TRACK.score(o, item, posed(item), held, measures) for o in (item.truth, item.truth + 1))
    assert first == second
    assert first[floors[0]] > 10 * first[floors[1]]


@pytest.mark.parametrize(
    ("output", "what"),
    [
        (np.zeros(3), "shape (3,)"),
        (np.full(40, np.nan), "not finite (NaN)"),
        (np.zeros(40, dtype=complex), "array of numbers"),
        ([0.0] * 40, "returned list"),
    ],
)
def test_an_output_that_is_no_fit_is_refused(output, what):
    case = posed(target())
    with pytest.raises(nb.Invalid, match=what.replace("(", r"\(").replace(")", r"\)")):
        TRACK.open(bind("mean", "method", "functions")).accept(output, case)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="are due, not"):
        as_target("made", X, X[1:], AT, AT)
    with pytest.raises(ValueError, match="not finite"):
        as_target("made", X, np.full(41, np.inf), AT, AT)


def test_datasets_hold_what_they_say(tmp_path: Path):
    bumps = nb.open_dataset(bind("bumps(n=3, bandwidth=40, samples=50)", "dataset", "functions"))
    items = [bumps.load(i) for i in range(3)]
    assert [(i.id, i.x.shape, i.at.shape) for i in items] == [(f"bumps_0{n}", (50, 1), (49, 1)) for n in range(3)]
    assert np.array_equal(items[2].y, bumps.load(2).y)
    peaks = nb.open_dataset(bind("three_bumps(samples=2001)", "dataset", "functions")).load(0)
    assert_allclose(peaks.y[[500, 1000]], [0.3 + 0.2 * np.exp(-2.25), 0.5 + 0.2 * np.exp(-1)], atol=1e-9)
    lines = nb.open_dataset(bind("scanlines(most=2)", "dataset", "functions"))
    line = lines.load(1)
    assert len(lines.ids) == 2 and 0 <= line.y.min() < line.y.max() <= 1
    assert abs(len(line.y) - len(line.truth)) <= 1


def test_a_table_of_the_user(tmp_path: Path):
    rows = np.column_stack([np.arange(20.0), np.arange(20.0) * 2, np.arange(20.0) ** 2])
    np.savetxt(tmp_path / "mine.csv", rows, delimiter=",", header="a,b,value", comments="")
    item = nb.open_dataset(bind(f"table(path='{tmp_path}', held_out=0.25)", "dataset", "functions")).load(0)
    assert item.id == "mine" and item.x.shape == (15, 2) and item.at[:, 0].tolist() == [2, 6, 10, 14, 18]
    assert item.truth.tolist() == [4, 36, 100, 196, 324]
    (tmp_path / "mine.csv").write_text("1,2\n3,x\n")
    with pytest.raises(nb.UsageError, match=r"mine\.csv.* cannot be read"):
        nb.open_dataset(bind(f"table(path='{tmp_path}')", "dataset", "functions")).load(0)
    with pytest.raises(nb.UsageError, match=r"has no \.csv file"):
        nb.open_dataset(bind("table(path=nowhere)", "dataset", "functions"))


def grid_target(value, d: int, count: int = 200) -> Target:
    points = np.random.default_rng(d).uniform(size=(count + 40, d))
    return as_target("made", points[:count], value(points[:count]), points[count:], value(points[count:]))


def wave(points):
    return np.sin(3 * points.sum(axis=-1))


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize(("method", "most"), [("fourier_features", 0.01), ("mlp", 0.1), ("siren(omega=5)", 0.05)])
def test_a_smooth_function_of_several_coordinates_is_followed(method, most, d):
    item = grid_target(wave, d)
    assert scores(fit(method, item), item)["rmse"] < most * item.truth.std()


def test_fourier_features_tend_to_their_kernel_with_the_root_of_their_number():
    item = grid_target(wave, 2, 100)
    apart = np.linalg.norm(item.x[:, None] - item.x[None], axis=-1)
    between = np.linalg.norm(item.at[:, None] - item.x[None], axis=-1)
    kernel, cross = (np.exp(-(distance**2) / (2 * 0.4**2)) for distance in (apart, between))
    y, ridge = item.y - item.y.mean(), 0.01
    due = cross @ np.linalg.solve(kernel + ridge * len(y) * np.eye(len(y)), y) + item.y.mean()
    errors = [
        np.mean(
            [np.abs(fit(f"fourier_features(length=0.4, width={width}, ridge=0.01)", item, "gaussian(sigma=1e-9)", seed)
                    - due).mean() for seed in range(4)]
        )
        for width in (100, 1_600)
    ]  # fmt: skip
    # Sixteen times as many: a quarter of the error.
    assert 2.5 < errors[0] / errors[1] < 6.5


def test_the_least_leave_one_out_error_is_that_of_fits_without_each_sample():
    from noisebench.methods.functions.fourier_features import _fit

    rng = np.random.default_rng(0)
    a, y, ridge = rng.normal(size=(12, 5)), rng.normal(size=12), 0.3

    def weights(kept):
        return np.linalg.solve(a[kept].T @ a[kept] + ridge * len(y) * np.eye(5), a[kept].T @ y[kept])

    left = [y[i] - a[i] @ weights(np.arange(12) != i) for i in range(12)]
    error, found = _fit(a, y, [ridge])
    assert_allclose([error, *found], [np.mean(np.square(left)), *weights(np.arange(12) >= 0)], atol=1e-12)


def test_sines_start_with_variance_1_in_every_layer():
    from noisebench.methods.functions.siren import siren_layers

    rng, x = np.random.default_rng(0), np.random.default_rng(1).uniform(-1, 1, (2_000, 2))
    layers = siren_layers(rng, [2, 512, 512, 512, 1], 30.0)
    for number, (weights, bias) in enumerate(layers[:-1]):
        into = 30 * (x @ weights)
        if number:
            assert_allclose([into.mean(), into.std()], [0, 1], atol=0.1)
        x = np.sin(into + 30 * bias)


def test_the_slope_of_a_siren_is_that_of_the_function():
    x, step = np.linspace(0, 1, 201), 1e-4
    at = np.linspace(0.1, 0.9, 33)
    item = as_target("made", x, np.sin(6 * x), np.concatenate([at - step, at + step]), np.zeros(66))
    low, high = np.split(fit("siren(omega=5, apart=0)", item), 2)
    assert_allclose((high - low) / (2 * step), 6 * np.cos(6 * at), atol=0.6)


def test_a_network_of_rectified_units_is_linear_between_its_kinks_and_a_line_is_found():
    item = target(lambda x: 2 * x - 0.5)
    assert_allclose(fit("mlp(apart=0)", item), item.truth, atol=0.01)
    far = as_target("made", X, np.abs(X - 0.5), np.linspace(50, 60, 5), np.zeros(5))
    assert_allclose(np.diff(fit("mlp(width=8, depth=1)", far), 2), 0, atol=1e-9)
