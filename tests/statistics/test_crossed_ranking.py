"""Differences over items and trainings: what they rest on at either end, and what widens them."""

from __future__ import annotations

import numpy as np
import pytest
from noisebench.statistics.crossed_ranking import TrainingScores
from noisebench.statistics.paired_tests import Floats
from noisebench.statistics.ranking import Ranking, rank_ranges
from scipy import stats


def ranked(scores: Floats, anew: tuple[bool, ...] = (), shared: tuple[int, ...] = ()) -> Ranking:
    """The ranking of scores (M, S, n); all methods are trained anew, and none share trainings, but those given."""
    m = len(scores)
    together = np.isin(np.arange(m), shared)
    trainings = TrainingScores(scores, np.array(anew or (True,) * m), together & together[:, None])
    return rank_ranges(scores.mean(axis=1), "key", trainings)


def student(values: Floats, level: float) -> list[float]:
    """The mean and its interval by Student's t."""
    half = stats.t.ppf(1 - level / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return [float(end) for end in (values.mean(), values.mean() - half, values.mean() + half)]


def beside_a_constant(differences: Floats) -> Floats:
    """Scores (2, S, n) of a method with these differences (S, n) to one that is not trained."""
    hard = np.random.default_rng(0).normal(28, 3, differences.shape[1])
    return np.stack([hard + differences, np.broadcast_to(hard, differences.shape)])


def test_where_trainings_alone_vary_the_interval_is_that_of_the_trainings() -> None:
    by_seed = np.array([0.1, 0.4, 0.3])
    found = ranked(beside_a_constant(np.repeat(by_seed[:, None], 68, axis=1)), (True, False)).between[0, 1]
    # Two ways to take their variance, here the same, share 5 %: four fifths of it are for that of two samples.
    assert found.tolist() == pytest.approx(student(by_seed, 0.04), abs=1e-6)


def test_where_items_alone_vary_the_interval_is_that_of_the_items() -> None:
    by_item = np.random.default_rng(1).normal(0.2, 0.3, 12)
    scores = beside_a_constant(np.tile(by_item, (5, 1)))
    alone = rank_ranges(scores.mean(axis=1), "key")
    assert ranked(scores, (True, False)).between[0, 1] == pytest.approx(alone.between[0, 1], abs=1e-9)


def test_untrained_methods_are_judged_over_items_alone_whoever_stands_beside_them() -> None:
    rng = np.random.default_rng(4)
    plain = np.repeat(rng.normal(size=(2, 1, 12)), 3, axis=1)
    scores = np.concatenate([plain, rng.normal(size=(2, 3, 12)) + rng.normal(0, 5, (2, 3, 1))])
    alone = rank_ranges(scores.mean(axis=1), "key")
    assert (ranked(scores, (False, False, True, True)).between[0, 1] == alone.between[0, 1]).all()


def test_a_recipe_that_varies_more_widens_the_intervals_of_its_own_pairs_alone() -> None:
    rng = np.random.default_rng(2)
    spread = np.array([0.05, 0.05, 0.05, 3.0])[:, None, None]
    noise = rng.normal(size=(4, 3, 1)) * spread + rng.normal(0, 0.01, (4, 3, 12))
    between = ranked(noise).between
    width = between[..., 2] - between[..., 1]
    calm = ranked(noise[:3]).between
    assert width[0, 3] > 10 * width[0, 1] and width[1, 3] > 10 * width[0, 1]
    assert width[0, 1] < 2 * (calm[0, 1, 2] - calm[0, 1, 1])


def test_methods_whose_trainings_go_up_and_down_together_are_judged_by_seed() -> None:
    rng = np.random.default_rng(3)
    luck = rng.normal(0, 2, (1, 3, 1)) + rng.normal(0, 0.01, (2, 3, 12))
    assert ranked(luck + np.array([0.5, 0])[:, None, None]).ranges == [(1, 1), (2, 2)]
    assert ranked(luck + np.array([0.5, 0])[:, None, None], shared=(0, 1)).ranges == [(1, 1), (2, 2)]


def test_samplers_of_one_network_are_one_sample_of_trainings() -> None:
    """Ten rows of one network say no more of the spread of trainings than one."""
    rng = np.random.default_rng(6)
    one = rng.normal(0, 1, (1, 3, 1)) + rng.normal(0, 0.01, (10, 3, 12))
    other = rng.normal(0, 1, (1, 3, 1)) + rng.normal(0, 0.01, (1, 3, 12))
    scores = np.concatenate([one, other])
    width = np.ptp(ranked(scores, shared=tuple(range(10))).between[0, 10, 1:])
    assert width >= np.ptp(ranked(scores[[0, 10]]).between[0, 1, 1:])


def calm_rows(methods: int = 8) -> Floats:
    """Scores (M, 3, 12) of equal methods whose trainings deviate by 0.1."""
    rng = np.random.default_rng(11)
    return rng.normal(0, 0.1, (methods, 3, 1)) + rng.normal(0, 0.01, (methods, 3, 12))


def test_methods_whose_trainings_deviate_alike_lend_each_other_their_degrees_of_freedom() -> None:
    scores = calm_rows()
    own = np.ptp(ranked(scores[:2]).between[0, 1, 1:])
    # Two methods alone have four degrees of freedom at most, and one pair to judge; here there are 28.
    assert np.ptp(ranked(scores).between[0, 1, 1:]) < own


def test_a_restless_method_is_judged_by_its_own_trainings_as_one_comparison() -> None:
    scores = calm_rows()
    by_seed = np.array([-2.0, 0.1, 1.9])
    scores[0] = by_seed[:, None]
    _, low, high = student(by_seed, 0.2 * 0.04)
    widths = np.ptp(ranked(scores).between[0, 1:, 1:], axis=1)
    assert widths.tolist() == pytest.approx([high - low] * 7, rel=0.02)


def test_what_a_seed_does_to_all_cancels_among_the_trained_and_not_beside_the_others() -> None:
    luck = np.array([-1.0, 0.0, 1.0])[:, None]
    scores = np.concatenate([calm_rows() + luck, np.zeros((1, 3, 12))])
    width = np.ptp(ranked(scores, (True,) * 8 + (False,)).between[..., 1:], axis=2)
    alone = np.ptp(ranked(calm_rows()).between[0, 1, 1:])
    _, low, high = student(luck[:, 0], 0.04)
    assert width[0, 1] == pytest.approx(alone, rel=0.2)
    assert (width[8, :8] > high - low).all()


def test_a_board_of_which_most_trainings_do_not_vary_is_judged() -> None:
    scores = np.zeros((5, 3, 12)) + np.arange(5)[:, None, None]
    scores[4] += np.array([-0.1, 0.0, 0.1])[:, None]
    assert ranked(scores).ranges == [(5, 5), (4, 4), (3, 3), (2, 2), (1, 1)]


@pytest.mark.parametrize(("seeds", "items"), [(2, 5), (3, 5)])
def test_few_items_tell_nothing_apart(seeds: int, items: int) -> None:
    ranking = ranked(np.arange(2.0)[:, None, None] + np.zeros((2, seeds, items)))
    assert ranking.ranges == [(1, 2), (1, 2)] and np.isnan(ranking.between[0, 1, 1:]).all()


def test_equal_recipes_are_not_told_apart_and_constant_differences_are() -> None:
    scores = np.zeros((3, 3, 6))
    scores[2] = 1.0
    assert ranked(scores).ranges == [(2, 3), (2, 3), (1, 1)]


def test_a_recipe_that_diverged_hides_no_difference() -> None:
    base = np.broadcast_to(np.linspace(20, 30, 8), (3, 8))
    assert ranked(np.stack([base, base - 1, base - 1e12])).ranges == [(1, 1), (2, 2), (3, 3)]


def test_unknown_scores_of_each_seed_tell_nothing_apart() -> None:
    scores = np.full((2, 3, 8), np.nan)
    trainings = TrainingScores(scores, np.array([True, True]), np.zeros((2, 2), dtype=bool))
    means = np.stack([np.linspace(20, 30, 8), np.linspace(10, 20, 8) ** 1.1])
    assert rank_ranges(means, "key", trainings).ranges == [(1, 2), (1, 2)]


def test_an_interval_leaves_0_out_where_a_pair_is_told_apart_and_only_there() -> None:
    rng = np.random.default_rng(7)
    told = 0
    for _ in range(20):
        scores = (
            rng.normal(size=(6, 4, 1)) * 0.2 + rng.normal(size=(6, 1, 12)) * 0.2 + rng.normal(size=(6, 4, 12)) * 0.1
        )
        ranking = ranked(scores + np.arange(6)[:, None, None] * 0.5)
        first, second = np.triu_indices(6, 1)
        low, high = ranking.between[first, second, 1], ranking.between[first, second, 2]
        assert ((low > 0) | (high < 0)).tolist() == ranking.apart[first, second].tolist()
        told += int(ranking.apart.sum())
    assert 0 < told < 20 * 30
