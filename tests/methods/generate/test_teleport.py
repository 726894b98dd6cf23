"""Analytical teleportation, and the linear share of a score, against flows that are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.track.calling import call_on
from noisebench.tracks.generate import Gaussian, GaussianLaws

TRACK = get_track("generate")
NORMAL = "gaussian_digits(n=1, count=16, reference=64, trained=8)"
MIXTURE = "mixture_digits(n=1, count=24, reference=64, trained=8)"
PICTURES = "digits(split=train, trained={})"


def drawn(method: str, dataset: str = NORMAL) -> Any:
    item = nb.open_dataset(bind(dataset, "dataset", "generate")).load(0)
    case = TRACK.pose(bind("none", "regime", "generate"), item, 0)
    runner = TRACK.open(bind(method, "method", "generate"))
    runner.setup("cpu")
    told = case.info.replace(sample=item) if runner.meta["oracle"] else case.info
    return call_on(runner, replace(case, info=told), "cpu")[0]


def moments(of: str) -> GaussianLaws:
    return GaussianLaws(bind(of, "dataset", "generate"))


def flat(variances: list[float], width: int = 3) -> Gaussian:
    """A law along the first axes of `width` values."""
    return Gaussian(np.full(width, 0.5), np.array(variances), np.eye(width)[:, : len(variances)], (1, 1, width))


def test_each_axis_scales_by_its_deviation_with_noise_and_what_does_not_vary_by_the_noise() -> None:
    moved = flat([3.0]).moved(np.array([[1.5, 2.5, -0.5]]), 5.0, 2.0)
    np.testing.assert_allclose(moved, [[0.5 + np.sqrt(7 / 28), 0.5 + 2 * 2 / 5, 0.5 - 2 / 5]], rtol=1e-13)


def test_jumps_add_up_and_follow_the_slope_of_the_flow() -> None:
    law = moments("mixture_digits").of()
    rows = 80 * np.random.default_rng(0).standard_normal((5, 64))
    there = law.moved(rows, 80.0, 3.0)
    np.testing.assert_allclose(law.moved(law.moved(rows, 80.0, 9.0), 9.0, 3.0), there, atol=1e-11)
    np.testing.assert_allclose(law.moved(rows, 80.0, 80.0), rows, atol=1e-11)
    near = 1e-4
    slope = (law.moved(there, 3.0, 3.0 + near) - law.moved(there, 3.0, 3.0 - near)) / (2 * near)
    np.testing.assert_allclose(slope, (there - law.denoised(there, 3.0)) / 3.0, atol=1e-6)


def test_fewer_pictures_than_values_are_as_their_whole_covariance() -> None:
    few = moments(PICTURES.format(20))
    data = nb.open_dataset(bind(PICTURES.format(20), "dataset", "generate"))
    pictures = np.stack([data.load(i).picture.ravel() for i in range(20)]).astype(np.float64)
    variances, axes = np.linalg.eigh(np.cov(pictures.T))
    whole = Gaussian(pictures.mean(axis=0), np.maximum(variances, 0), axes, (1, 8, 8))
    rows = 80 * np.random.default_rng(0).standard_normal((4, 64))
    assert few.of().axes.shape == (64, 20)
    np.testing.assert_allclose(few.of().moved(rows, 80.0, 2.0), whole.moved(rows, 80.0, 2.0), atol=1e-5)
    np.testing.assert_allclose(few.of().denoised(rows, 2.0), whole.denoised(rows, 2.0), atol=1e-5)


def test_of_a_normal_law_one_jump_is_the_whole_flow() -> None:
    jump = drawn("teleport(base=euler(model=exact(of=gaussian_digits), most=1000), of=gaussian_digits, skip=0.002)")
    assert jump["evaluations"] == 1
    np.testing.assert_allclose(jump["samples"], drawn("bayes_optimum")["samples"], atol=2e-3)


def test_a_class_has_moments_of_its_own() -> None:
    labelled = MIXTURE.replace("reference", "labels=true, reference")
    jump = drawn("teleport(base=euler(model=exact, most=1000), of=mixture_digits, skip=0.002)", labelled)
    np.testing.assert_allclose(jump["samples"], drawn("bayes_optimum", labelled)["samples"], atol=2e-3)
    assert np.array_equal(moments(PICTURES.format(900)).of(3).mean.shape, (64,))
    assert np.abs(moments(PICTURES.format(900)).of(3).mean - moments(PICTURES.format(900)).of().mean).max() > 0.1


def test_skipping_nothing_is_the_sampler_itself() -> None:
    base = "dpm_solver_2m(model=exact, steps=9)"
    alone, with_it = drawn(base, MIXTURE), drawn(f"teleport(base={base}, of=mixture_digits, skip=80)", MIXTURE)
    assert with_it["evaluations"] == alone["evaluations"] == 9
    np.testing.assert_allclose(with_it["samples"], alone["samples"], atol=1e-6)


def test_six_of_eighteen_steps_are_saved_for_nothing_and_ten_are_not() -> None:
    """The endpoints of Heun's 18 steps on EDM's grid, with 12 and with 8 of them, against those of 150."""
    end = drawn("heun(model=exact, steps=150)", MIXTURE)["samples"]

    def error(skip: float) -> tuple[float, float]:
        made = drawn(f"teleport(base=heun(model=exact, steps=18), of=mixture_digits, skip={skip})", MIXTURE)
        off = np.linalg.norm((made["samples"] - end).reshape(24, -1), axis=1)
        return float(np.median(off / np.linalg.norm(end.reshape(24, -1), axis=1))), made["evaluations"]

    (none, calls), (six, fewer), (ten, fewest) = error(80), error(8.4), error(1.09)
    assert (calls, fewer, fewest) == (35, 23, 15)
    assert six < 1.1 * none and ten > 1.5 * none


def test_what_cannot_be_gone_on_with_is_refused() -> None:
    for base in ("identity", "exact", "bayes_optimum"):
        with pytest.raises(nb.UsageError, match="base=heun"):
            TRACK.open(bind(f"teleport(base={base}, of=mixture_digits)", "method", "generate"))
    with pytest.raises(nb.UsageError, match="training pictures"):
        moments("digits")
    with pytest.raises(nb.UsageError, match="covariance needs two"):
        moments(PICTURES.format(20)).of(77)
    with pytest.raises(nb.Skip, match="knows pictures"):
        drawn("teleport(base=euler(model=exact), of=gaussian_digits)", "brightness(size=4, n=1, count=2, reference=8)")


def share(model: str, of: str, level: float) -> float:
    data = nb.open_dataset(bind(f"noised(of={of}, n=8)", "dataset", "generate"))
    runner = TRACK.open(bind(model, "method", "generate"))
    runner.setup("cpu")
    metric = bind(f"score_linear_ev(of={of.split('(')[0]}, level={level})", "metric", "generate")
    found = []
    for item in (data.load(i) for i in range(8)):
        case = TRACK.pose(bind("none", "regime", "generate"), item, 0)
        made = call_on(runner, case, "cpu")[0]
        found += TRACK.score(made, item, case, bind("as_is", "protocol", "generate"), [metric]).values()
    return float(np.mean(found))


def test_the_score_of_a_normal_law_is_linear_at_every_level() -> None:
    for level in (0.03, 1.0, 20.0):
        assert share("exact(of=gaussian_digits)", NORMAL, level) == pytest.approx(1, abs=1e-5)


def test_the_score_of_a_mixture_is_linear_where_noise_is_strong() -> None:
    shares = [share("exact", MIXTURE, level) for level in (0.19, 1.23, 7.9)]
    assert shares[0] < shares[1] < shares[2] and shares[0] < 0.9 and shares[2] > 0.99


def test_batches_alone_have_pictures_to_be_asked_about() -> None:
    held = nb.open_dataset(bind("noised(of=digits, n=5)", "dataset", "generate"))
    batch = nb.open_dataset(bind("digits", "dataset", "generate")).load(0)
    assert len(held.ids) == 5 and np.array_equal(held.load(2).picture, batch.reference.pictures[2])
    assert held.load(2).label == batch.reference.labels[2]
    with pytest.raises(nb.UsageError, match="no reference pictures"):
        nb.open_dataset(bind("noised(of=digits(split=train))", "dataset", "generate"))


@pytest.mark.parametrize("of", ["mixture_digits", "brightness(size=8, means=(0.2, 0.7))"])
def test_the_law_of_a_class_has_the_moments_of_its_draws(of: str) -> None:
    bound = nb.bind(of, "dataset", "generate")
    law = nb.open_dataset(bound).law
    normal = np.random.default_rng(0).standard_normal((40_000, law.means.shape[1]))
    for label in range(2):
        drawn = law.drawn(normal, np.full(len(normal), label))
        own = GaussianLaws(bound).of(label)
        np.testing.assert_allclose(own.mean, drawn.mean(axis=0), atol=0.02)
        np.testing.assert_allclose((own.axes * own.variances) @ own.axes.T, np.cov(drawn.T), atol=0.02)
