"""Score regression: patches with a known posterior mean, pairs that stay, rules when to stop, and the best network."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.datasets.restore.gaussian_mixture import gaussian_mixture
from noisebench.engine.train_cell import _is_best
from noisebench.methods.restore.bayes_optimum import posterior_mean
from noisebench.planning.recipe import recipe_of
from noisebench.store.cell import CurvePoint
from noisebench.training.trainer import Trainer


def stop(spec: str, scores: list[float | None], higher: bool = True, losses: list[float] | None = None) -> str:
    made = bind(spec, "stop")
    curve = [{"score": s, "loss": (losses or [1.0] * len(scores))[i]} for i, s in enumerate(scores)]
    return made.entry.obj(curve, higher, **made.kwargs)


def test_the_posterior_mean_of_two_points_is_their_mean_by_bayes_rule() -> None:
    means, none = np.array([[0.0], [1.0]]), np.zeros((2, 1, 1))
    found = posterior_mean(np.array([0.7]), np.array([0.25, 0.75]), means, none, 0.5)
    likely = np.array([0.25, 0.75]) * np.exp(-((0.7 - np.array([0, 1])) ** 2) / (2 * 0.25))
    assert found == pytest.approx([likely[1] / likely.sum()], abs=1e-12)


def test_the_posterior_mean_of_one_gaussian_is_its_wiener_filter() -> None:
    rng = np.random.default_rng(0)
    half = rng.standard_normal((5, 5))
    covariance, mean, seen = half @ half.T, rng.standard_normal(5), rng.standard_normal(5)
    due = mean + covariance @ np.linalg.inv(covariance + 0.09 * np.eye(5)) @ (seen - mean)
    found = posterior_mean(seen, np.ones(1), mean[None], covariance[None], 0.3)
    assert found == pytest.approx(due, abs=1e-10)


def test_patches_have_the_moments_of_their_law() -> None:
    patches = gaussian_mixture(n=3000, size=8, components=2)
    first = patches.load(0)
    pixels = np.stack([patches.load(i).clean.ravel() for i in range(3000)]).astype(np.float64)
    means = first.meta["means"].reshape(2, 64)
    due = first.meta["covariances"].mean(axis=0) + np.cov(means.T, bias=True)
    assert np.abs(pixels.mean(axis=0) - means.mean(axis=0)).max() < 5 * np.sqrt(due.diagonal().max() / 3000)
    assert np.abs(np.cov(pixels.T) - due).max() < 0.1 * due.diagonal().max()
    assert [np.trace(c) / 64 for c in first.meta["covariances"]] == pytest.approx([0.01, 0.01])


def test_another_seed_draws_other_patches_of_the_same_law() -> None:
    one, other = gaussian_mixture(seed=0).load(3), gaussian_mixture(seed=1).load(3)
    assert not np.array_equal(one.clean, other.clean)
    assert np.array_equal(one.meta["covariances"], other.meta["covariances"])


def test_the_optimum_of_a_mixture_errs_by_what_its_posterior_leaves() -> None:
    from noisebench.tracks.restore.degrade import degrade_sample

    patches, sigma = gaussian_mixture(n=150, components=1), 100 / 255
    method = bind("bayes_optimum", "method").entry.obj
    errors = []
    for i in range(150):
        sample = patches.load(i)
        noisy, info = degrade_sample(bind("gaussian(sigma=100)", "regime"), sample)
        restored = np.asarray(method(noisy, info.replace(sample=sample)), np.float64)
        errors.append(np.mean((restored[:, :, 0] - sample.clean) ** 2))
    values = np.linalg.eigvalsh(sample.meta["covariances"][0])
    left = values * sigma**2 / (values + sigma**2)
    assert np.mean(errors) == pytest.approx(left.mean(), abs=4 * np.sqrt(2 * np.sum(left**2)) / 64 / np.sqrt(150))


def batches(regime: str, fixed: bool) -> Any:
    data = nb.open_dataset(bind("dead_leaves(n=4, size=16)", "dataset"))
    return get_track("restore").batches(
        data, [0, 1, 2, 3], bind(regime, "regime"), lambda step: [step % 4, 3], crop=8, seed=0, fixed=fixed
    )


def test_pairs_that_stay_are_the_same_each_time_and_differ_from_item_to_item() -> None:
    made = batches("gaussian(sigma=50)", fixed=True)
    one, again, other = made(0), made(4), made(1)
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not np.array_equal(one["given"][0], other["given"][0])
    noise = [one["given"][i] - one["wanted"][i] for i in (0, 1)]
    assert not np.allclose(noise[0], noise[1])
    fresh = batches("gaussian(sigma=50)", fixed=False)
    assert not np.array_equal(fresh(0)["given"], fresh(4)["given"])


def test_pairs_that_stay_are_upright_cuts_of_their_picture() -> None:
    picture = nb.open_dataset(bind("dead_leaves(n=4, size=16)", "dataset")).load(0).clean / np.float32(255)
    cut = batches("none", fixed=True)(0)["wanted"][0, 0]
    places = [(y, x) for y in range(9) for x in range(9)]
    assert any(np.allclose(picture[y : y + 8, x : x + 8], cut) for y, x in places)


def test_labelled_pictures_keep_their_noise_too() -> None:
    track = get_track("classify")
    data = nb.open_dataset(nb.bind("digits(n=4)", "dataset", "classify"))
    regime = nb.bind("gaussian(sigma=50)", "regime", "classify")
    for fixed in (True, False):
        made = track.batches(data, [0, 1, 2, 3], regime, lambda _: [1, 2], crop=0, seed=0, fixed=fixed)
        assert np.array_equal(made(0)["given"], made(1)["given"]) is fixed


def test_generalisation_loss_stops_when_the_score_is_so_far_below_the_best() -> None:
    assert stop("gl(alpha=0.2)", [20.0, 21.0, 20.9]) == ""
    assert stop("gl(alpha=0.2)", [20.0, 21.0, 20.7]) == "a score 0.3 below the best"
    assert stop("gl(alpha=0.2)", [0.5, 0.4, 0.7], higher=False) == "a score 0.3 below the best"
    assert stop("gl(alpha=0.2)", [None]) == ""


def test_up_stops_after_so_many_rises_in_a_row() -> None:
    assert stop("up(s=2)", [20.0, 21.0, 20.9]) == ""
    assert stop("up(s=2)", [21.0, 20.9, 20.9]) == ""
    assert stop("up(s=2)", [20.0, 21.0, 20.9, 20.8]) == "a worse score in 2 validations in a row"
    assert stop("up(s=2)", [0.1, 0.2, 0.3], higher=False) != ""


def test_fitted_stops_after_a_pass_without_loss() -> None:
    assert stop("fitted", [0.5, 0.5], losses=[0.0, 1e-9]) == ""
    assert stop("fitted", [0.5, 0.5], losses=[1.0, 0.0]) == "a training loss of 0"


def test_the_best_validation_is_the_first_of_equals() -> None:
    def best(*scores: float | None, higher: bool = True) -> bool:
        return _is_best([CurvePoint(step=i, seconds=0.0, loss=0.0, score=s) for i, s in enumerate(scores)], higher)

    assert best(1.0) and best(1.0, 2.0) and best(None, 1.0) and best(2.0, 1.0, higher=False)
    assert not best(1.0, 1.0) and not best(2.0, 1.0) and not best(1.0, None)


def test_the_network_that_was_kept_is_the_one_that_is_used_also_after_a_snapshot() -> None:
    def trainer() -> Trainer:
        spec = "trained(arch=dncnn(depth=2, width=3, norm=False), steps=6, checks=3, keep=best)"
        return Trainer(recipe_of(bind(spec, "method").kwargs), (1, 8, 8), (1, 8, 8), 0, "cpu")

    rng = np.random.default_rng(0)
    one = trainer()
    for step in range(6):
        one.advance({name: rng.random((2, 1, 8, 8), np.float32) for name in ("given", "wanted")})
        if step == 2:
            one.keep_best()
            due = one.weights()
    other = trainer()
    other.resume(one.snapshot())
    assert one.weights() != due
    for each in (one, other):
        each.finish()
        assert each.weights() == due


def test_a_rule_that_stops_late_uses_the_network_of_the_best_validation(cli: Any, tmp_path: Any) -> None:
    from noisebench.store.cells import keys, read_cell

    recipe = (
        "arch=mlp(hidden=(128,)), objective=supervised(loss=l2), optimizer=adam(lr=0.01), schedule=constant, "
        "data=gaussian_mixture(n=48, components=1), regime=gaussian(sigma=100), draws=fixed, crop=8, batch=40, "
        "validation=8, steps=400, checks=40"
    )
    cli(
        "run", "--methods", f"trained({recipe}, stop=gl(alpha=0.3), keep=best)", "--datasets",
        "gaussian_mixture(n=3, components=1, seed=1)", "--regimes", "gaussian(sigma=100)", "--store", "s",
    )  # fmt: skip
    cells = [read_cell(tmp_path / "s", key) for key in keys(tmp_path / "s")]
    (training,) = (cell.training for cell in cells if cell.kind == "train")
    scores = [point.score for point in training.curve]
    assert training.steps < 400 and "below the best" in training.stopped
    assert training.score == max(scores) > scores[-1] + 0.3
