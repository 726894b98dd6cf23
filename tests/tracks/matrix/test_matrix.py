"""The track `matrix`: its metrics, regimes, datasets and methods against values worked out by hand."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.planning.cells import shown_to
from noisebench.track.calling import call_on, reveal
from noisebench.tracks.matrix import Entries, Measured, Measurements, Sensing, as_measured, part_of
from numpy.testing import assert_allclose

TRACK = get_track("matrix")
PICTURE = np.arange(12.0).reshape(3, 4) / 12


def seen(truth: Any, *places: tuple[int, int]) -> Entries:
    rows, columns = np.array(places or list(np.ndindex(truth.shape))).T
    return Entries(rows, columns, truth.shape)


def item_of(text: str, index: int = 0) -> Measured:
    return nb.open_dataset(bind(text, "dataset", "matrix")).load(index)


def posed(item: Measured, regime: str = "none", seed: int = 0, draw: int = 0) -> Any:
    return TRACK.pose(bind(regime, "regime", "matrix"), item, seed, draw)


def recover(method: str, item: Measured, regime: str = "none", seed: int = 0) -> np.ndarray:
    runner = TRACK.open(bind(method, "method", "matrix"))
    return call_on(runner, reveal(posed(item, regime, seed), item, shown_to(runner.meta)), "cpu")[0]


def scores(output: Any, item: Measured, *metrics: str, protocol: str = "whole", regime: str = "none") -> dict[str, Any]:
    bound = [bind(m, "metric", "matrix") for m in metrics or ("relative_error",)]
    return TRACK.score(output, item, posed(item, regime), bind(protocol, "protocol", "matrix"), bound)


def error(method: str, item: Measured, regime: str = "none", seed: int = 0) -> float:
    return scores(recover(method, item, regime, seed), item)["relative_error"]


# ---- metrics and protocols


def test_errors_by_hand():
    item = as_measured("made", [[3.0, 0.0], [0.0, 4.0]], seen(np.eye(2)))
    found = scores(np.array([[3.0, 0.0], [0.5, 4.0]]), item, "relative_error", "log_error", "recovered(within=0.1)")
    assert found == {"relative_error": 0.1, "log_error": -1.0, "recovered(within=0.1)": 1.0}
    assert scores(item.truth, item, "log_error", "recovered") == {"log_error": -16.0, "recovered": 1.0}
    assert scores(np.zeros((2, 2)), item, "recovered") == {"recovered": 0.0}


def test_only_known_entries_count_and_only_those_that_were_not_seen_where_they_are_held_out():
    truth = np.array([[1.0, 2.0], [np.nan, 2.0]])
    item = as_measured("made", truth, seen(truth, (0, 0), (0, 1)))
    output = np.array([[1.0, 4.0], [99.0, 1.0]])
    assert scores(output, item)["relative_error"] == pytest.approx(np.sqrt(5) / 3)
    assert scores(output, item, protocol="held_out")["relative_error"] == 0.5
    full = as_measured("full", np.eye(2), seen(np.eye(2)))
    value = scores(np.eye(2), full, protocol="held_out")["relative_error"]
    assert value.reason.startswith("no entry counts")


def test_singular_values_above_a_part_of_the_largest_are_the_rank():
    item = as_measured("made", np.eye(3), seen(np.eye(3)))
    output = np.diag([100.0, 2.0, 0.5])
    assert scores(output, item, "numerical_rank", "numerical_rank(above=0.001)") == {
        "numerical_rank": 2.0, "numerical_rank(above=0.001)": 3.0,
    }  # fmt: skip
    assert scores(0 * output, item, "numerical_rank")["numerical_rank"] == 0


def test_the_largest_residuals_find_what_was_corrupted():
    truth = np.zeros((2, 4))
    moved = np.array([5.0, 0.0, 0.0, 0.0, -3.0, 0.0, 0.0, 1.0])
    item = as_measured("made", truth, seen(truth), disturbance=moved)
    assert scores(truth, item, "outlier_recall")["outlier_recall"] == 1
    # An error of 2 in a clean place is more than the outlier of 1.
    assert scores(np.eye(2, 4, 1) * 2, item, "outlier_recall")["outlier_recall"] == pytest.approx(2 / 3)
    clean = as_measured("clean", np.ones((2, 2)), seen(np.eye(2)))
    assert scores(np.ones((2, 2)), clean, "outlier_recall", regime="gaussian(sigma=1)")["outlier_recall"].reason == (
        "no measurement is corrupted"
    )


def test_psnr_is_of_pictures_and_of_clipped_values():
    item = as_measured("made", PICTURE, seen(PICTURE), peak=1.0)
    off = PICTURE.copy()
    off[0, 0] = -7.0
    off[2, 3] -= 0.12
    assert scores(off, item, "psnr")["psnr"] == pytest.approx(-10 * np.log10(0.12**2 / 12))
    assert scores(PICTURE, item, "psnr")["psnr"] == np.inf
    plain = as_measured("plain", PICTURE, seen(PICTURE))
    assert scores(off, plain, "psnr")["psnr"].reason.endswith(" no picture")


# ---- operators


@pytest.mark.parametrize("operator", [
    Sensing(nb.text_key("a"), 7, (3, 4)), Sensing(nb.text_key("b"), 5, (3, 3), symmetric=True),
    seen(PICTURE, (0, 1), (2, 2), (1, 0)), part_of(seen(PICTURE), np.array([3, 1])),
    part_of(Sensing(nb.text_key("a"), 7, (3, 4)), np.array([6, 0, 2])),
])  # fmt: skip
def test_the_adjoint_is_the_adjoint(operator):
    rng = np.random.default_rng(0)
    matrix, values = rng.standard_normal(operator.shape), rng.standard_normal(operator.count)
    assert operator.measure(matrix) @ values == pytest.approx(np.sum(matrix * operator.adjoint(values)))


def test_gaussian_measurements_have_the_gain_that_they_say():
    matrix = item_of("gaussian_psd(d=12)").truth
    for symmetric in (False, True):
        y = Sensing(nb.text_key("c"), 20_000, (12, 12), symmetric).measure(matrix)
        assert_allclose([y.mean(), y.std() / np.linalg.norm(matrix)], [0, 1], atol=0.03)


def test_a_measurement_does_not_depend_on_the_order_of_a_sum():
    item = item_of("gaussian_psd")
    a = item.operator.matrices
    by_hand = [float(np.sum((one * item.truth)[::-1, ::-1])) for one in a[:50]]
    assert item.y[:50].tolist() == by_hand
    assert item.truth.tolist() == item.truth.T.tolist()


def test_only_the_key_of_gaussian_measurements_travels():
    operator = item_of("gaussian_psd").operator
    assert operator.matrices.nbytes == 600 * 400 * 8
    sent = pickle.dumps(operator)
    assert len(sent) < 500
    assert np.array_equal(pickle.loads(sent).matrices, operator.matrices)


def test_too_many_numbers_are_refused_in_a_line():
    with pytest.raises(nb.UsageError, match=r"90,000,000 numbers: 25,000,000 is the most; measure fewer"):
        item_of("gaussian_psd(d=300, m=1000)")
    with pytest.raises(nb.UsageError, match="rank=21 .* 20: give 20 or less"):
        item_of("gaussian_psd(rank=21)")


# ---- regimes


def test_noise_has_the_level_it_says_and_is_keyed():
    item = item_of("entries(rows=400, columns=250, share=1)")
    noise = posed(item, "gaussian(sigma=0.3)").given.y - item.y
    assert_allclose([noise.mean(), noise.std()], [0, 0.3], atol=0.004)
    runs = [posed(item, "gaussian(sigma=0.3)", seed, draw) for seed, draw in itertools.product((0, 1), (0, 1))]
    assert len({case.input_sha256 for case in runs}) == 4
    assert np.array_equal(runs[0].given.y - item.y, noise)
    assert runs[0].info.sigma == 0.3
    assert np.array_equal(posed(item).given.y, item.y)


def test_outliers_hit_the_share_and_leave_the_rest():
    item = item_of("entries(rows=400, columns=250, share=1)")
    case = posed(item, "outliers(share=0.2, scale=10)")
    noise = case.given.y - item.y
    assert_allclose((noise != 0).mean(), 0.2, atol=0.005)
    assert_allclose(noise[noise != 0].std(), 10, rtol=0.02)
    assert np.array_equal(case.corrupted, noise != 0)


def test_of_a_mixture_only_gross_noise_counts_as_corrupted():
    item = item_of("gaussian_psd")
    case = posed(item, "outliers(share=0.2, scale=10) + gaussian(sigma=0.1)")
    assert 0.1 < case.corrupted.mean() < 0.3
    assert (case.given.y != item.y).all()
    assert (case.info.share, case.info.sigma) == (0.2, 0.1)
    assert posed(item, "gaussian(sigma=0.1)+gaussian(sigma=0.2)").info.sigma is None


def test_fewer_measurements_are_those_that_are_left():
    item = item_of("gaussian_psd")
    case = posed(item, "fewer(m=70) + outliers(share=0.5, scale=10)")
    assert case.given.operator.count == len(case.given.y) == len(case.corrupted) == 70
    clean = case.given.operator.measure(item.truth)
    assert np.array_equal(case.given.y != clean, case.corrupted) and 20 < case.corrupted.sum() < 50
    assert set(clean) < set(item.y)
    assert case.input_sha256 != posed(item, "fewer(m=70)").input_sha256
    with pytest.raises(nb.UsageError, match="of 600 measurements: give 600 or less"):
        posed(item, "fewer(m=601)")
    some = item_of("entries(share=1)")
    bound = bind("held_out", "protocol", "matrix"), [bind("relative_error", "metric", "matrix")]
    assert TRACK.score(0 * some.truth, some, posed(some, "fewer(m=9)"), *bound) == {"relative_error": 1}


def test_a_method_is_not_sent_what_was_corrupted():
    case = posed(item_of("gaussian_psd"), "outliers(share=0.2, scale=10)")
    sent = pickle.loads(pickle.dumps(reveal(case, None, None)))
    assert not hasattr(sent, "corrupted")
    assert np.array_equal(sent.given.y, case.given.y)


# ---- datasets


def test_matrices_have_the_rank_they_say_and_depend_on_their_number_alone():
    few, many = (nb.open_dataset(bind(f"gaussian_psd(n={n}, rank=3)", "dataset", "matrix")) for n in (2, 3))
    assert TRACK.identify(few.load(1)) == TRACK.identify(many.load(1)) != TRACK.identify(many.load(2))
    item = few.load(1)
    assert (item.id, item.truth.shape, item.operator.count, item.psd) == ("psd_01", (20, 20), 600, True)
    values = np.linalg.eigvalsh(item.truth)
    assert values[0] > -1e-12 and (values > 1e-9).sum() == 3
    assert 0.2 < values[-3] < values[-1] < 4
    other = item_of("gaussian_psd(rank=3, seed=1)")
    assert not np.array_equal(other.truth, item.truth)


@pytest.mark.parametrize(("text", "shape", "count"), [
    ("gaussian_rectangular(rows=9, columns=7, m=30)", (9, 7), 30),
    ("gaussian_rectangular(rows=4, columns=11, m=30)", (4, 11), 30), ("entries(rows=9, columns=7)", (9, 7), 32),
])  # fmt: skip
def test_rectangular_matrices(text, shape, count):
    item = item_of(text)
    assert (item.truth.shape, item.operator.count, item.psd) == (shape, count, False)
    assert np.linalg.matrix_rank(item.truth) == (3 if "entries" in text else 2)


def test_the_rank_is_told_where_the_set_tells_it():
    assert posed(item_of("gaussian_psd")).info.rank is None
    assert posed(item_of("gaussian_psd(tells_rank=True)")).info.rank == 2
    with pytest.raises(nb.Skip, match="needs rank"):
        recover("spectral", item_of("gaussian_psd"))


def test_a_photograph_with_missing_pixels():
    item = item_of("photographs(side=64, share=0.3)", 1)
    assert (item.truth.shape, item.operator.count, item.peak) == ((64, 64), round(0.3 * 64 * 64), 1.0)
    clean = nb.open_dataset(bind("photos", "dataset")).load(1).clean.reshape(64, 4, 64, 4, -1) / 255
    assert_allclose(item.truth, clean.mean(axis=(1, 3, 4)), atol=1e-12)
    with pytest.raises(nb.UsageError, match="is 256 x 256 pixels: give side=256 or less"):
        item_of("photographs(side=300)")


@pytest.mark.data
def test_photographs_of_a_set_of_the_field(data_dir, monkeypatch):
    monkeypatch.setenv("NOISEBENCH_DATA", str(data_dir))
    item = item_of("photographs(of=set12, side=96, most=1)")
    assert item.truth.shape == (96, 96) and 0.1 < item.truth.std() < 0.4
    assert error("nuclear_norm(lam=0.02)", item) < 0.5 * error("mean", item)


def test_things_move_before_a_background_of_rank_two():
    item = item_of("moving_things(side=32, frames=20)")
    assert (item.truth.shape, item.picture) == ((1024, 20), (32, 32))
    s = np.linalg.svd(item.truth, compute_uv=False)
    assert s[1] > 1e-3 * s[0] and s[2] < 1e-9 * s[0]
    frames = (item.y.reshape(32, 32, 20), item.truth.reshape(32, 32, 20))
    hidden = frames[0] != frames[1]
    assert 0.05 < hidden.mean() < 0.25
    assert frames[0].min() >= 0 and frames[0].max() <= 1
    assert hidden[..., 9].sum() > 50 > hidden[..., 0].sum()


def test_a_table_of_the_user(tmp_path: Path):
    (tmp_path / "ratings.csv").write_text("1,2,\n4,,6\n7,8,9\n")
    with (tmp_path / "squares.NPY").open("wb") as file:
        np.save(file, np.arange(20).reshape(4, 5) ** 2)
    opened = nb.open_dataset(bind(f"tables(path='{tmp_path}', share=0.7)", "dataset", "matrix"))
    ratings, squares = (opened.load(i) for i in range(2))
    assert (ratings.id, squares.id) == ("ratings", "squares")
    assert np.isnan(ratings.truth).sum() == 2 and ratings.operator.count == 5
    assert squares.truth[3, 4] == 361 and squares.operator.count == 14
    assert scores(np.nan_to_num(ratings.truth), ratings, protocol="held_out") == {"relative_error": 0}
    for text, problem in (("1,x\n", "could not convert"), ("1,2\n3\n", "cannot be read"), ("", "two known numbers")):
        (tmp_path / "ratings.csv").write_text(text)
        with pytest.raises(nb.UsageError, match=rf"ratings\.csv'.*{problem}"):
            nb.open_dataset(bind(f"tables(path='{tmp_path}/ratings.csv')", "dataset", "matrix")).load(0)
    with pytest.raises(nb.UsageError, match=r"has no \.csv or \.npy file"):
        nb.open_dataset(bind("tables(path=nowhere)", "dataset", "matrix"))


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: as_measured("a", np.eye(3), seen(np.eye(2))), r"a matrix \(2, 2\) is due, not \(3, 3\)"),
        (lambda: as_measured("a", np.full((2, 2), np.nan), seen(np.eye(2))), "a measurement is not finite"),
        (lambda: as_measured("a", [[1, 2], [3, 4]], seen(np.eye(2)), psd=True), "is symmetric"),
        (lambda: as_measured("a", np.eye(2), seen(np.eye(2)), disturbance=np.ones(3)), "a disturbance of each of 4"),
    ],
)
def test_what_does_not_fit_together_is_refused(make, what):
    with pytest.raises(ValueError, match=what):
        make()


# ---- methods


def test_sanity_rows():
    item = as_measured("made", [[1.0, 3.0], [5.0, 3.0]], seen(np.eye(2)))
    assert_allclose(recover("mean", item), 3.0)
    assert not recover("zero", item).any()
    assert np.array_equal(recover("oracle", item), item.truth)
    sensed = item_of("gaussian_rectangular")
    a = sensed.operator.matrices.sum(axis=(1, 2))
    assert_allclose(recover("mean", sensed), np.linalg.lstsq(a[:, None], sensed.y)[0][0], rtol=1e-9)


@pytest.mark.parametrize(
    "method", ["subgm", "squared_loss", "nuclear_norm", "nuclear_norm(loss=absolute)", "als", "als(rank=2, ridge=0)"]
)
@pytest.mark.parametrize(
    "dataset", ["gaussian_psd(d=12, m=300)", "gaussian_rectangular(rows=12, columns=8, m=300)",
                "entries(rows=24, columns=18, rank=1, share=0.9)"],
)  # fmt: skip
def test_without_noise_a_matrix_of_low_rank_is_found(method, dataset):
    if "entries" in dataset:
        method = method.replace("rank=2", "rank=1")
    assert error(method, item_of(dataset)) < 0.02


def test_a_step_of_sub_gradients_by_hand():
    item = item_of("gaussian_psd(d=4, m=30)")
    a, y = item.operator.matrices, item.y
    values, vectors = np.linalg.eigh(sum(np.sign(y_i) * a_i for y_i, a_i in zip(y, a, strict=True)))
    start = vectors @ np.diag(np.sqrt(np.maximum(values, 0) / values.max()))
    u = 0.3 * np.sqrt(np.median(np.abs(y)) / 0.6745) * start
    for step in (0.2, 0.2 * 0.5, 0.2 * 0.25):
        residuals = [np.sum(a_i * (u @ u.T)) - y_i for a_i, y_i in zip(a, y, strict=True)]
        gradient = sum(np.sign(r) * a_i for r, a_i in zip(residuals, a, strict=True)) * 2 / len(y) @ u
        u = u - step * gradient
    assert_allclose(recover("subgm(alpha=0.3, eta0=0.2, rho=0.5, steps=3)", item), u @ u.T, atol=1e-12)


def test_a_factor_of_the_rank_starts_in_the_largest_eigenvectors():
    item = item_of("gaussian_psd(d=6, m=200)")
    made = recover("subgm(rank=1, alpha=0.5, eta0=1e-9, steps=1)", item)
    towards = item.operator.adjoint(np.sign(item.y))
    top = np.linalg.eigh(towards)[1][:, -1]
    assert np.linalg.matrix_rank(made, 1e-6) == 1
    assert_allclose(made / np.trace(made), np.outer(top, top), atol=1e-6)


def test_a_matrix_in_another_unit_is_recovered_alike():
    item = item_of("gaussian_psd(d=10, m=200)")
    large = as_measured("large", item.truth * 1024, item.operator, psd=True)
    for method in ("subgm(steps=300)", "squared_loss(steps=50)", "nuclear_norm(lam=0.1)", "als(rank=2)"):
        assert_allclose(recover(method, large) / 1024, recover(method, item), atol=1e-4)


def test_entries_count_as_measurements_of_unit_gain():
    """Of rank 1 the sub-gradient at 0 has the norm 2 from all entries, 2 √(2/π) from Gaussian measurements."""
    item = item_of("entries(rows=20, columns=20, rank=1, share=1)")
    sensed = as_measured("sensed", item.truth, Sensing(nb.text_key("g"), 20_000, (20, 20)))
    for one, norm in ((item, 2), (sensed, 2 * np.sqrt(2 / np.pi))):
        first, last = (np.linalg.norm(recover(f"subgm(steps={n}, rho=0.999999)", one), 2) for n in (1, 16))
        assert np.log(last / first) == pytest.approx(30 * np.log(1 + 0.1 * norm), rel=0.03)


def test_a_small_start_recovers_what_a_large_one_does_not():
    item = item_of("gaussian_psd")
    small, large, full = (
        error(m, item, "outliers(share=0.2, scale=10)") for m in ("subgm", "subgm(alpha=1.0)", "squared_loss")
    )
    assert small < 0.002 and large > 0.005 and full > 1


def test_steps_that_end_before_the_start_has_grown_recover_nothing():
    item = item_of("gaussian_psd")
    early, late = (
        error(f"subgm(alpha=1e-6, rho={rho})", item, "outliers(share=0.2, scale=10)") for rho in (0.99, 0.995)
    )
    assert early > 0.5 and late < 1e-3


def test_principal_component_pursuit_finds_the_sparse_part():
    item = item_of("entries(rows=40, columns=30, rank=2, share=1)")
    low = recover("robust_pca", item, "outliers(share=0.1, scale=10)")
    assert error("robust_pca", item, "outliers(share=0.03, scale=10)") < 1e-6
    # With more outliers the optimum is another matrix than the truth, of a lower sum of the two norms.
    sparse = item.operator.adjoint(posed(item, "outliers(share=0.1, scale=10)").given.y) - low

    def cost(part: np.ndarray) -> float:
        return float(np.linalg.norm(part, "nuc") + np.abs(sparse + low - part).sum() / np.sqrt(40))

    rng = np.random.default_rng(0)
    near = [low + 1e-3 * np.outer(rng.standard_normal(40), rng.standard_normal(30)) for _ in range(20)]
    assert cost(low) < cost(item.truth) - 1e-3
    assert all(cost(low) < cost(one) for one in near)
    with pytest.raises(nb.Skip, match="every entry is measured"):
        recover("robust_pca", item_of("entries"))


def test_the_nuclear_norm_of_a_fully_seen_matrix_is_shrunk():
    """Of all entries and half the square the solution is known: every singular value less λ."""
    item = item_of("entries(rows=12, columns=9, rank=3, share=1)")
    u, s, v = np.linalg.svd(item.truth, full_matrices=False)
    made = recover("nuclear_norm(lam=0.25, steps=2000)", item)
    assert_allclose(made, (u * np.maximum(s - 0.25 * s[0], 0)) @ v, atol=1e-4 * s[0])


def test_wide_and_tall_matrices_are_shrunk_as_by_their_singular_values():
    from noisebench.methods.matrix._spectra import shrunk

    tall = np.random.default_rng(0).standard_normal((40, 6))
    u, s, v = np.linalg.svd(tall, full_matrices=False)
    due = (u * np.maximum(s - 5.5, 0)) @ v
    assert_allclose(shrunk(tall, 5.5, False), due, atol=1e-10)
    assert_allclose(shrunk(tall.T, 5.5, False), due.T, atol=1e-10)


def test_alternating_least_squares_takes_the_rank_that_is_told_and_else_looks_for_it():
    item = item_of("entries(rows=30, columns=20, rank=4, share=0.8)")
    ranks = [np.linalg.matrix_rank(recover(m, item), 1e-3) for m in ("als", "als(rank=2)")]
    assert ranks == [4, 2]
    told_of = item_of("entries(rows=30, columns=20, rank=5, share=0.8, tells_rank=True)")
    assert np.linalg.matrix_rank(recover("als", told_of), 1e-3) == 5


@pytest.mark.parametrize("method", ["subgm", "squared_loss", "nuclear_norm", "als", "robust_pca", "mean"])
def test_a_matrix_of_zeros_is_recovered_as_such(method):
    item = as_measured("zeros", np.zeros((6, 5)), seen(np.zeros((6, 5))))
    assert_allclose(recover(method, item), 0, atol=1e-9)


def test_one_measurement_is_too_few_to_hold_any_out():
    item = as_measured("one", np.ones((3, 2)), seen(np.ones((3, 2)), (1, 1)))
    for method in ("nuclear_norm", "als"):
        with pytest.raises(nb.Skip, match="^one measurement .*parameter.*: give its value"):
            recover(method, item)
    assert error("als(rank=1)", item) < 1


@dataclass(frozen=True)
class Sums:
    """Sums of rows: an operator of a user."""

    shape: tuple[int, int] = (4, 3)
    count: int = 4
    gain: float = 0.5
    identity: str = "sums of rows of 4 x 3"

    def measure(self, matrix):
        return matrix.sum(axis=1)

    def adjoint(self, values):
        return np.repeat(values[:, None], 3, axis=1)


def test_an_operator_of_the_user():
    item = as_measured("sums", np.outer([1.0, 2.0, 3.0, 4.0], np.ones(3)), Sums())
    for method in ("subgm", "squared_loss", "nuclear_norm(lam=0.001, steps=3000)", "als(rank=1, ridge=0)"):
        assert error(method, item) < 0.02, method
    assert len(TRACK.outputs.panel(item, posed(item), item.truth)["truth"]) > 100


@pytest.mark.parametrize("condition", [1.0, 100.0])
def test_the_condition_number_is_about_what_was_asked_for(condition):
    item = item_of(f"ill_conditioned(d=200, m=1, condition={condition})")
    values = np.linalg.eigvalsh(item.truth)[::-1]
    assert values[0] / values[1] == pytest.approx(condition, rel=0.5)
    assert np.abs(values[2:]).max() < 1e-9
    assert np.array_equal(item.truth * 2**20, np.rint(item.truth * 2**20)), "it lies on a grid"


def test_scaled_sub_gradients_do_not_mind_a_condition_number_that_others_do():
    item = item_of("ill_conditioned(condition=300, tells_rank=true)")
    outliers = "outliers(share=0.2, scale=10)"
    assert error("scaled_subgm", item, outliers) < 1e-3
    assert error("scaled_subgm", item, outliers) < 0.1 * error("subgm(alpha=0.00001, rho=0.995)", item, outliers)


def test_scaled_sub_gradients_are_of_a_rank_that_is_known():
    with pytest.raises(nb.Skip, match="needs the rank"):
        error("scaled_subgm", item_of("ill_conditioned"))
    assert error("scaled_subgm(rank=2)", item_of("gaussian_rectangular")) < 1e-3


# ---- outputs


@pytest.mark.parametrize(
    ("output", "what"),
    [
        (np.zeros((3, 3)), r"shape \(3, 3\)"),
        (np.full((20, 20), np.nan), r"not finite \(NaN\)"),
        (np.zeros((20, 20), dtype=complex), "array of numbers"),
        ([[0.0] * 20] * 20, "returned list"),
    ],
)
def test_an_output_that_is_no_matrix_of_the_shape_is_refused(output, what):
    case = posed(item_of("gaussian_psd"))
    with pytest.raises(nb.Invalid, match=what):
        TRACK.open(bind("mean", "method", "matrix")).accept(output, case)


def test_a_method_that_edits_its_measurements_is_told_so():
    def edits(given, info):
        given.y[:] = 0
        return np.zeros(given.shape)

    found = nb.evaluate(edits, "gaussian_psd(n=1)", track="matrix")
    (note,) = found.record.cell.notes
    assert "edits its input" in note


@pytest.mark.parametrize("dataset", ["gaussian_psd", "photographs(side=32)", "moving_things(side=24, frames=8)"])
def test_drawings_show_truth_and_measurements_and_matrix_and_error(dataset):
    import cv2

    item = item_of(dataset)
    drawn = TRACK.outputs.panel(item, posed(item), item.truth)
    truth, made = (cv2.imdecode(np.frombuffer(drawn[k], np.uint8), 1) for k in ("truth", "recovered"))
    assert truth.shape == made.shape and min(truth.shape[:2]) >= 96
    wide = (truth.shape[1] - 3) // 2
    assert np.array_equal(truth[:, :wide], made[:, :wide]), "what was recovered is the truth"
    assert len(np.unique(made[1:-1, wide + 4 : -1])) == 1, "and has no error"


def test_an_item_is_identified_by_all_that_is_measured_of_it():
    full, part = seen(PICTURE), seen(PICTURE, (0, 0), (1, 1))
    lines = [
        TRACK.identify(as_measured("a", PICTURE, operator, **more))
        for operator, more in ((full, {}), (part, {}), (full, {"disturbance": np.ones(12)}), (full, {"rank": 2}))
    ]
    assert len(set(lines)) == 4


def test_a_cost_is_measured_of_a_matrix_of_the_size():
    square, other = TRACK.probe((8, 8)), TRACK.probe((6, 4))
    assert (square.psd, square.truth.shape, other.psd, other.truth.shape) == (True, (8, 8), False, (6, 4))
    assert isinstance(posed(square).given, Measurements)
