"""Boards: what is averaged, what is ranked, what is refused; and the statistics against scipy and by hand."""

from __future__ import annotations

import itertools
import math
import random
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from board_records import as_schema_1, cost_record, record, sha
from conftest import ROOT
from messages import missing_by_line, missing_from
from msgspec import structs
from noisebench.boards.board import Board, reading_text
from noisebench.boards.build import boards
from noisebench.boards.levels import level_families
from noisebench.boards.order_stability import evidence
from noisebench.boards.rows import Row
from noisebench.statistics.paired_tests import (
    MeanDifferences,
    keyed_rng,
    mean_differences,
    paired_difference,
    without_rounding,
)
from noisebench.statistics.ranking import cliques, rank_ranges
from noisebench.store.cell_json import plain_values
from noisebench.store.reading import read_records
from noisebench.text.errors import UsageError
from scipy import stats

INF = math.inf
NAN = math.nan


def one(*records: object) -> Board:
    """The only board of some records."""
    (board,) = boards(list(records))  # type: ignore[arg-type]
    return board


def row(board: Board, label: str) -> Row:
    return next(r for r in board.rows if r.label == label)


# ----------------------------------------------------------------------------------------- statistics


def judged(*differences: object, identity: str = "a board") -> MeanDifferences:
    """Rows of differences of one length as a family of their own."""
    (made,) = mean_differences([np.array(differences, dtype=float)], identity)
    return made


def test_an_interval_is_that_of_resampled_studentised_means_by_hand() -> None:
    differences = np.random.default_rng(0).gamma(2.0, size=(3, 9)) - 1.5
    drawn = keyed_rng("key|9").integers(0, 9, size=(1999, 9), dtype=np.int64)
    mean, error = differences.mean(axis=1), differences.std(axis=1, ddof=1) / 3
    again = differences[:, drawn]
    t = (again.mean(axis=2) - mean[:, None]) / (again.std(axis=2, ddof=1) / 3)
    high, low = np.sort(t, axis=1)[:, 1799], -np.sort(t, axis=1)[:, 199]
    bound = np.sort(np.maximum(t / high[:, None], -t / low[:, None]).max(axis=0))[1919]
    (made,) = mean_differences([differences], "key")
    assert made.mean == pytest.approx(mean)
    assert made.interval[:, 0] == pytest.approx(mean - bound * high * error, rel=1e-9)
    assert made.interval[:, 1] == pytest.approx(mean + bound * low * error, rel=1e-9)


def test_an_interval_leaves_0_out_where_p_is_at_most_5_percent_and_only_there() -> None:
    rng = np.random.default_rng(1)
    told = []
    for n in (6, 8, 12, 40):
        differences = rng.exponential(size=(60, n)) - 1 + rng.normal(0, 0.8, (60, 1))
        made = judged(*differences)
        out = (made.interval[:, 0] > 0) | (made.interval[:, 1] < 0)
        assert np.array_equal(out, made.significant)
        told.append(int(out.sum()))
    assert 0 < told[2] < told[3] < 60


def test_more_differences_in_a_family_make_none_more_certain() -> None:
    rng = np.random.default_rng(2)
    one, others = rng.normal(0.8, 1, 14), rng.normal(0, 1, (20, 14))
    alone, among = judged(one), judged(one, *others)
    assert alone.p[0] < among.p[0]
    assert among.interval[0, 0] < alone.interval[0, 0] and alone.interval[0, 1] < among.interval[0, 1]


def test_tables_of_other_lengths_belong_to_the_family() -> None:
    rng = np.random.default_rng(2)
    one, others = rng.normal(0.8, 1, (1, 14)), rng.normal(0, 1, (20, 9))
    first, second = mean_differences([one, others], "key")
    assert (len(first.p), len(second.p)) == (1, 20)
    assert mean_differences([one], "key")[0].p[0] < first.p[0]


def test_the_unit_of_a_difference_changes_no_p() -> None:
    differences = np.random.default_rng(3).normal(0.5, 1, (4, 12))
    made = judged(*differences, *(1000 * differences))
    assert made.p[:4] == pytest.approx(made.p[4:], abs=0)


def test_resamples_of_equal_items_only_leave_an_interval_bounded_in_every_unit() -> None:
    differences = np.array([0.0, 0.0, 0.0, 1.0, 2.5, 3.0, 5.0, 7.0])
    interval = judged(differences).interval
    assert (interval[:, 0] < interval[:, 1]).all() and np.abs(interval).max() < 10 * np.ptp(differences)
    for unit in (2.0**-20, 2.0**20):
        assert np.array_equal(judged(unit * differences).interval, unit * interval)


def test_a_difference_of_mostly_equal_items_is_not_judged_and_widens_no_other() -> None:
    other = np.array([0.4, 1.1, 0.2, 1.9, 0.7, 1.3])
    made = judged([0.0, 0.0, 0.0, 0.0, 1.0, 3.0], other)
    assert made.p[0] == 1.0 and np.isnan(made.interval[0]).all()
    assert made.interval[1].tolist() == judged(other).interval[0].tolist()


def test_a_family_of_more_than_500_differences_has_a_fourth_of_the_resamples() -> None:
    differences = np.random.default_rng(4).normal(1000, 1, (501, 12))
    assert judged(*differences[:500]).p.tolist() == [1.25 / 2000] * 500
    assert judged(*differences).p.tolist() == [1.25 / 500] * 501


def test_resamples_are_keyed_by_the_identity() -> None:
    differences = np.random.default_rng(3).normal(-0.2, 0.5, (4, 12))
    interval = judged(*differences).interval
    assert np.array_equal(interval, judged(*differences).interval)
    assert not np.array_equal(interval, judged(*differences, identity="another board").interval)


def test_a_constant_difference_has_no_width_and_no_difference_at_all_is_no_evidence() -> None:
    made = judged([0.25] * 8, [0.0] * 8)
    assert made.interval.tolist() == [[0.25, 0.25], [0.0, 0.0]]
    assert made.p.tolist() == [2 / 2**8, 1.0]


def test_no_p_is_below_the_chance_that_all_signs_agree() -> None:
    assert judged(np.linspace(1.0, 1.1, 6)).p.tolist() == [2 / 2**6]
    assert judged(np.linspace(1.0, 1.1, 20)).p.tolist() == [1.25 / 2000]


def test_a_difference_on_two_items_of_twelve_has_no_interval_and_is_no_evidence() -> None:
    made = judged([0.3, 0.5] + [0.0] * 10)
    assert made.p[0] == 1.0 and np.isnan(made.interval).all()


def test_five_items_have_neither_interval_nor_evidence() -> None:
    made = judged([9.0, 9.1, 9.2, 9.3, 9.4])
    assert made.p[0] == 1.0 and np.isnan(made.interval).all()


def test_methods_that_no_pair_tells_apart_are_cliques() -> None:
    apart = np.zeros((5, 5), dtype=bool)
    for i, j in ((0, 2), (0, 4), (1, 3), (1, 4), (2, 4), (3, 4)):
        apart[i, j] = apart[j, i] = True
    assert cliques(apart) == [(0, 1), (0, 3), (1, 2), (2, 3)]
    assert cliques(np.zeros((3, 3), dtype=bool)) == [(0, 1, 2)]
    assert cliques(~np.eye(3, dtype=bool)) == []


def test_cliques_are_the_sets_that_no_other_holds() -> None:
    rng = np.random.default_rng(5)
    for _ in range(30):
        apart = np.triu(rng.random((6, 6)) < 0.4, 1)
        apart = apart | apart.T
        sets = [
            set(s) for k in range(2, 7) for s in itertools.combinations(range(6), k) if not apart[np.ix_(s, s)].any()
        ]
        largest = [tuple(sorted(s)) for s in sets if not any(s < other for other in sets)]
        assert cliques(apart) == sorted(largest)


def test_two_perfect_scores_differ_by_nothing() -> None:
    assert paired_difference(np.array([[INF, 1.0]]), np.array([INF, 3.0])).tolist() == [[0.0, -2.0]]


def test_scores_that_differ_by_rounding_are_equal_and_others_are_not() -> None:
    column = np.array([[0.3, 1e6, INF], [0.1 + 0.2, 2e6, INF], [0.3 * (1 - 3e-15), 0.1, 30.0], [1e9, 0.1001, -INF]])
    made = without_rounding(column)
    assert len(set(made[:3, 0])) == 1 and made[3, 0] == 1e9
    assert np.array_equal(made[:, 1:], column[:, 1:])
    assert paired_difference(column[:1], column[1])[0].tolist() == [0.0, -1e6, 0.0]
    assert without_rounding(np.empty((0, 3))).shape == (0, 3)


def test_methods_that_differ_by_rounding_are_not_told_apart_and_tie_on_each_item() -> None:
    base = np.linspace(0.02, 0.09, 12)
    rounded = base * (1 + 1e-15 * (1 + np.arange(12) % 3))
    rows = {"a": base, "b": rounded, "c": base * 1.001, "diverged": np.full(12, 1e12)}
    board = one(*(record(name, {"rmse": v}, rank_by="rmse", track="functions") for name, v in rows.items()))
    assert {r.label: r.ranks for r in board.rows} == {"a": (1, 2), "b": (1, 2), "c": (3, 3), "diverged": (4, 4)}
    (found,) = evidence([board])
    assert found is not None and found.counts(0, 1) == (0, 12, 0) and found.counts(0, 2) == (12, 0, 0)
    assert found.friedman is not None and found.friedman.mean_ranks == (1.5, 1.5, 3.0, 4.0)
    assert found.choices[0].ranks == (1.5, 1.5, 3.0, 4.0)


def test_ties_are_rank_ranges() -> None:
    base = np.linspace(20, 30, 12)
    noise = np.tile([0.1, -0.1], 6) * np.linspace(1, 2, 12)
    scores = np.stack([base + 3, base + 3 + noise, base])
    assert rank_ranges(scores, "key").ranges == [(1, 2), (1, 2), (3, 3)]


def test_the_intervals_to_the_first_agree_with_the_ranks() -> None:
    rng = np.random.default_rng(5)
    for n in (8, 12, 30):
        scores = rng.normal(28, 4, n) - 0.25 * np.arange(9.0)[:, None] + 0.6 * rng.exponential(size=(9, n))
        ranking = rank_ranges(scores[np.argsort(-scores.mean(axis=1))], "key")
        assert np.array_equal(ranking.between[1:, 0, 2] < 0, ranking.apart[0, 1:])


def test_a_method_that_is_ahead_on_most_pictures_and_of_lower_mean_is_not_said_to_be_better() -> None:
    # Signed ranks say that the second is better (p = 0.02): it is a little ahead on 21 pictures, far behind on 3.
    behind = np.concatenate([np.linspace(0.1, 0.5, 21), [-9.0, -11.0, -13.0]])
    base = np.linspace(20, 30, 24)
    ranking = rank_ranges(np.stack([base, base + behind]), "key")
    assert stats.wilcoxon(behind).pvalue < 0.05 and behind.mean() < 0
    assert ranking.ranges == [(1, 2), (1, 2)]


def test_five_pictures_can_never_tell_methods_apart() -> None:
    assert rank_ranges(np.stack([np.arange(5.0) + 9, np.arange(5.0)]), "key").ranges == [(1, 2), (1, 2)]
    assert rank_ranges(np.stack([np.arange(6.0) + 9, np.arange(6.0)]), "key").ranges == [(1, 1), (2, 2)]


# --------------------------------------------------------------------------------------------- boards


def test_the_mean_is_over_pictures_of_the_mean_over_seeds() -> None:
    board = one(
        record(scores={"psnr": [20.0, 30.0]}, seed=0),
        record(scores={"psnr": [32.0, 22.0]}, seed=1, items=["p001", "p000"]),
    )
    assert board.seeds == (0, 1)
    assert row(board, "nlm").scores["psnr"].values.tolist() == [21.0, 31.0]
    assert row(board, "nlm").scores["psnr"].mean == 26.0


def test_protocols_regimes_and_datasets_never_share_a_board() -> None:
    made = boards(
        [
            record(scores={"psnr": [20.0]}),
            record(scores={"psnr": [20.0]}, protocol="float"),
            record(scores={"psnr": [20.0]}, regime="gaussian(sigma=50)"),
            record(scores={"psnr": [20.0]}, dataset="set12"),
        ]
    )
    assert [(b.dataset, b.regime, b.protocol) for b in made] == [
        ("photos", "gaussian(sigma=25)", "float@1"),
        ("photos", "gaussian(sigma=25)", "uint8@1"),
        ("photos", "gaussian(sigma=50)", "uint8@1"),
        ("set12", "gaussian(sigma=25)", "uint8@1"),
    ]


def test_a_method_with_more_seeds_stands_on_both_boards() -> None:
    made = boards(
        [
            record("a", {"psnr": [20.0]}, seed=0),
            record("a", {"psnr": [22.0]}, seed=1),
            record("b", {"psnr": [21.0]}, seed=0),
        ]
    )
    assert [(b.seeds, [r.label for r in b.rows]) for b in made] == [((0,), ["b", "a"]), ((0, 1), ["a"])]


def test_an_exact_picture_is_counted_and_in_no_mean() -> None:
    score = row(one(record(scores={"psnr": [INF, 30.0, 40.0]})), "nlm").scores["psnr"]
    assert (score.mean, score.identical, score.note) == (35.0, 1, "1 of 3 identical")


def test_a_picture_is_exact_only_where_it_is_with_every_seed() -> None:
    def seeds(name: str, *scores: list[float], **more: Any) -> list[Any]:
        return [record(name, {"psnr": values}, seed=seed, **more) for seed, values in enumerate(scores)]

    # The first picture is exact with one seed of nlm, the second with both.
    board = one(
        *seeds("nlm", [INF, INF, 30.0, 32.0], [20.0, INF, 30.0, 32.0]),
        *seeds("median", [10.0, 11.0, 20.0, 21.0], [16.0, 11.0, 22.0, 23.0]),
    )
    assert row(board, "nlm").scores["psnr"].by_item.tolist() == [20.0, INF, 30.0, 32.0]
    assert row(board, "median").scores["psnr"].by_item.tolist() == [16.0, 11.0, 21.0, 22.0]
    assert [(r.label, r.scores["psnr"].identical) for r in board.rows] == [("nlm", 1), ("median", 0)]
    assert [r.scores["psnr"].mean for r in board.rows] == pytest.approx([82 / 3, 59 / 3])
    said = "scores of each method, where one is exact with one seed and not with another"
    assert f"psnr: in no mean: 1 of the 8 {said}" in board.notes
    # Exact with one seed throughout and worst with the other is last.
    board = one(*seeds("a", [INF] * 8, [5.0] * 8), *seeds("b", [30.0] * 8, [31.0] * 8))
    assert [(r.label, r.scores["psnr"].mean) for r in board.rows] == [("b", 31.0), ("a", 5.0)]
    assert f"psnr: in no mean: 8 of the 16 {said}" in board.notes
    # What another method has exact with each of the other seeds leaves no seed to compare.
    board = one(*seeds("a", [INF, 30.0], [20.0, 30.0]), *seeds("b", [20.0, 31.0], [INF, 31.0]))
    assert [(r.label, r.scores["psnr"].mean) for r in board.rows] == [("b", 31.0), ("a", 30.0)]
    # An oracle takes nothing from the others, and nothing that is not defined is averaged away.
    oracle = seeds("oracle", [INF, 40.0, INF], [20.0, 40.0, 9.0], flags={"oracle": True})
    board = one(*oracle, *seeds("a", [10.0, 30.0, 8.0], [20.0, NAN, INF]))
    assert row(board, "oracle").scores["psnr"].by_item.tolist() == [20.0, 40.0, INF]
    assert row(board, "a").scores["psnr"].by_item[[0, 2]].tolist() == [15.0, 8.0]
    assert math.isnan(row(board, "a").scores["psnr"].mean)


def test_a_method_exact_on_one_flat_picture_and_worst_on_all_others_is_last() -> None:
    base = np.linspace(25, 32, 12)
    board = one(
        record("flat", {"psnr": [INF, *(base[1:] - 5)]}), record("good", {"psnr": base}),
        record("fair", {"psnr": base - 1}),
    )  # fmt: skip
    assert [(r.label, r.ranks) for r in board.rows] == [("good", (1, 1)), ("fair", (2, 2)), ("flat", (3, 3))]
    # The first picture is in nobody's mean, so that the differences are those of the means.
    assert [r.scores["psnr"].mean for r in board.rows] == pytest.approx([base[1:].mean() - k for k in (0, 1, 5)])
    assert [r.difference for r in board.rows] == pytest.approx([0.0, -1.0, -5.0])
    assert row(board, "flat").interval == pytest.approx((-5.0, -5.0))
    assert [r.scores["psnr"].identical for r in board.rows] == [0, 0, 1]
    (note,) = (note for note in board.notes if note.startswith("psnr: "))
    assert not missing_from(note, "the 11 of 12 pictures", "no method is exact")


def test_a_method_exact_on_every_picture_is_first_and_takes_no_picture_from_the_others() -> None:
    base = np.linspace(25, 32, 8)
    scores = {"all": [INF] * 8, "good": base, "fair": base - 1, "too": [INF] * 8}
    # A track in which a method can be exact.
    board = one(*(record(name, {"psnr": psnr}, track="classify") for name, psnr in scores.items()))
    assert [(r.label, r.ranks, r.difference) for r in board.rows] == [
        ("all", (1, 2), None), ("too", (1, 2), None), ("good", (3, 3), 0.0), ("fair", (4, 4), -1.0),
    ]  # fmt: skip
    assert not missing_by_line(board.notes, ["2 methods ", "exact on all pictures", "best of the others"])


def test_five_pictures_tell_no_method_apart_that_has_them_all_exact() -> None:
    scores = {"all": [INF] * 5, "good": [30.0] * 5}
    board = one(*(record(name, {"psnr": psnr}, track="classify") for name, psnr in scores.items()))
    assert [r.ranks for r in board.rows] == [(1, 2), (1, 2)]


def test_where_lower_is_better_the_interval_of_a_worse_method_is_above_0() -> None:
    base = np.linspace(0.1, 0.3, 12)
    more = 0.05 + 0.01 * np.cos(np.arange(12.0))
    board = one(record("a", {"mse": base}, rank_by="mse"), record("b", {"mse": base + more}, rank_by="mse"))
    interval = row(board, "b").interval
    assert interval is not None and 0.03 < interval[0] < more.mean() < interval[1] < 0.07


def test_where_each_picture_is_exact_for_some_method_nothing_is_ranked() -> None:
    board = one(record("a", {"psnr": [INF, 30.0]}), record("b", {"psnr": [31.0, INF]}))
    assert [r.ranks for r in board.rows] == [None, None]
    assert not missing_from(board.notes[-1], "no method is ranked: psnr: ", "each of the 2 pictures", "exact")


def test_a_score_that_is_infinitely_bad_is_not_left_out() -> None:
    board = one(record("a", {"psnr": [-INF, *[40.0] * 7]}), record("b", {"psnr": [20.0] * 8}))
    assert (row(board, "a").scores["psnr"].mean, row(board, "a").unranked) == (-INF, "psnr 1 of 8 infinite")
    assert row(board, "b").ranks == (1, 1)


def test_of_several_scores_that_are_not_defined_each_has_its_own_reason() -> None:
    both = "psnr: no picture; none at all; ssim: too small"
    board = one(record(scores={"psnr": [NAN, 30.0], "ssim": [NAN, 1.0]}, row_notes=[both, ""]))
    notes = {name: score.note for name, score in row(board, "nlm").scores.items()}
    assert notes == {
        "psnr": "not defined on 1 of 2 pictures: psnr: no picture; none at all",
        "ssim": "not defined on 1 of 2 pictures: ssim: too small",
    }


def test_a_score_that_is_not_defined_is_never_averaged_away() -> None:
    board = one(
        record(scores={"psnr": [30.0, NAN]}, row_notes=["", "psnr: the picture is empty"]),
        record("median", {"psnr": [20.0, 20.0]}),
    )
    nlm = row(board, "nlm")
    assert math.isnan(nlm.scores["psnr"].mean)
    assert nlm.scores["psnr"].note == "not defined on 1 of 2 pictures: psnr: the picture is empty"
    assert nlm.ranks is None and nlm.unranked.startswith("psnr not defined")
    assert row(board, "median").ranks == (1, 1)


@pytest.mark.parametrize("outcome", ["skipped", "failed", "oom", "timeout", "crashed", "invalid"])
def test_a_cell_that_is_not_ok_is_listed_and_never_averaged(outcome: str) -> None:
    traceback = "Traceback:\n  here\nValueError: no\n\n"
    board = one(
        record("good", {"psnr": [20.0, 21.0]}),
        record("bad", {"psnr": [99.0]}, pictures=2, outcome=outcome, reason="it broke", traceback=traceback),
    )
    assert [r.label for r in board.rows] == ["good"]
    (failure,) = board.failures
    assert (failure.label, failure.outcome, failure.reason) == ("bad", outcome, "it broke")
    assert (failure.last_line, failure.items) == ("ValueError: no", "1 of 2")


def test_one_failed_seed_takes_a_method_off_the_board_of_all_seeds() -> None:
    board = one(
        record("a", {"psnr": [20.0]}, seed=0),
        record("a", {"psnr": [20.0]}, seed=1),
        record("b", {"psnr": [30.0]}, seed=0),
        record("b", {}, pictures=1, seed=1, outcome="timeout"),
    )
    assert [r.label for r in board.rows] == ["a"]
    assert [(f.label, f.seed, f.outcome) for f in board.failures] == [("b", 1, "timeout")]


def test_an_ok_cell_without_all_its_pictures_is_incomplete() -> None:
    board = one(record("a", {"psnr": [20.0, 21.0]}), record("b", {"psnr": [30.0]}, pictures=2))
    assert [r.label for r in board.rows] == ["a"]
    assert board.failures[0].outcome == "incomplete"
    assert board.failures[0].reason == "1 of 2 pictures is stored"


def test_rank_by_decides_the_order_and_lower_may_be_better() -> None:
    first = record("a", {"psnr": [20.0] * 6, "mse": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}, rank_by="mse")
    second = record("b", {"psnr": [30.0] * 6, "mse": [0.2, 0.3, 0.4, 0.5, 0.6, 0.7]}, rank_by="mse")
    board = one(first, second)
    assert [(r.label, r.ranks) for r in board.rows] == [("a", (1, 1)), ("b", (2, 2))]
    assert row(board, "b").difference == pytest.approx(0.1)


def test_the_oracle_is_shown_but_not_ranked_and_sanity_rows_are() -> None:
    board = one(
        record("oracle", {"psnr": [INF] * 6}, flags={"oracle": True}),
        record("identity", {"psnr": [20.0] * 6}),
        record("nlm", {"psnr": [25.0, 26.0, 27.0, 28.0, 29.0, 30.0]}),
    )
    assert [(r.label, r.ranks) for r in board.rows] == [("nlm", (1, 1)), ("identity", (2, 2)), ("oracle", None)]
    assert [r.role for r in board.rows] == ["", "baseline", "sanity"]
    assert row(board, "oracle").flags == ("oracle",)


def test_a_method_below_the_noisy_input_is_warned_of() -> None:
    board = one(
        record("identity", {"psnr": [20.0, 20.0]}),
        record("bad", {"psnr": [19.0, 20.0]}),
        record(scores={"psnr": [30, 30]}),
    )
    assert not missing_by_line(board.warnings, ["bad is below ", "the noisy input", "by 0.5 dB"])
    assert [r.label for r in board.rows if r.below_baseline] == ["bad"]


def test_the_gap_to_a_known_optimum() -> None:
    board = one(
        record("bayes_optimum", {"psnr": [31.0, 33.0]}, flags={"oracle": True}), record(scores={"psnr": [30.0, 31.0]})
    )
    assert board.optimum_column is not None and board.optimum_column.label == "psnr"
    assert row(board, "nlm").below_optimum == 1.5
    assert row(board, "bayes_optimum").below_optimum is None


def test_flags_say_what_a_score_owes_to() -> None:
    flags = {"blind": True, "zero_shot": True, "self_ensemble": True, "tiled": True, "trained_on": ["photos"]}
    shown = row(one(record(scores={"psnr": [1.0]}, flags=flags)), "nlm").flags
    assert shown == ("blind", "zero-shot", "self-ensemble", "tiled", "contaminated")
    other = row(one(record(scores={"psnr": [1.0]}, flags=flags, dataset="set12")), "nlm").flags
    assert "contaminated" not in other


def test_a_set_within_another_is_trained_on_too() -> None:
    trained = record(scores={"psnr": [1.0]}, flags={"trained_on": ["cbsd68"]})
    for versions, due in (({"rgb": 1, "cbsd68": 1}, True), ({"rgb": 1, "kodak24": 1}, False)):
        cell = structs.replace(
            trained.cell, dataset=structs.replace(trained.cell.dataset, name="rgb", versions=versions)
        )
        shown = row(one(replace(trained, cell=cell)), "nlm").flags  # type: ignore[arg-type]
        assert ("contaminated" in shown) is due


def test_methods_that_saw_other_inputs_are_not_compared() -> None:
    board = one(
        record("a", {"psnr": [20.0] * 6}),
        record("b", {"psnr": [21.0] * 6}),
        record("identity", {"psnr": [90.0] * 6}, inputs="other noise"),
    )
    assert [(r.label, r.unranked) for r in board.rows] == [
        ("b", ""), ("a", ""), ("identity", "saw other inputs"),
    ]  # fmt: skip
    assert board.warnings == ("not compared: other noisy input (input_sha256) than the other 2: identity",)


def test_two_sources_of_one_method_are_two_rows_with_their_hash() -> None:
    board = one(record(scores={"psnr": [20.0]}), record(scores={"psnr": [21.0]}, source="edited"))
    expected = {f"nlm [{sha('sourcenlm')[:8]}]", f"nlm [{sha('editednlm')[:8]}]"}
    assert {r.label for r in board.rows} == expected


def test_metrics_scored_apart_come_together() -> None:
    board = one(record(scores={"psnr": [20.0]}), record(scores={"ssim": [0.5]}))
    (nlm,) = board.rows
    assert (nlm.scores["psnr"].mean, nlm.scores["ssim"].mean) == (20.0, 0.5)


def test_few_pictures_are_said_to_be_few() -> None:
    values = {"psnr": [20.0] * 5}
    board = one(record("a", values), record("b", values))
    assert not missing_from(board.undecided, "its 2 methods", "5 pictures", "needs 6", "a and b", "means are equal")
    assert [r.interval for r in board.rows] == [None, None]


def test_a_board_on_which_nothing_is_told_apart_says_so() -> None:
    values = [20.0, 25.0, 22.0, 21.0, 23.0, 24.0]
    board = one(record("a", {"psnr": [v + 0.1 for v in values]}), record("b", {"psnr": values[::-1]}))
    # Differences of mean 0.1 and variance 8.4: (2.054 + 0.842)² · 8.4 / 0.1² = 7,045, which is 7,100 in two digits.
    assert not missing_from(
        board.undecided, "its 2 methods", "6 pictures", "about 7,100", "a is better", "(by 0.10 dB)"
    )
    assert "needs" not in board.undecided


def test_a_board_on_which_two_methods_are_told_apart_is_not_undecided() -> None:
    values = [20.0, 25.0, 22.0, 21.0, 23.0, 24.0]
    board = one(record("a", {"psnr": [v + 1 for v in values]}), record("b", {"psnr": values}))
    assert board.undecided == ""
    assert one(record("a", {"psnr": values})).undecided == ""


def test_all_of_very_many_methods_are_ranked() -> None:
    spread = np.random.default_rng(0).normal(size=(200, 8))
    board = one(*(record(f"m{i:03d}", {"psnr": spread[i] + (30 if i < 150 else -300)}) for i in range(200)))
    assert [row.ranks for row in board.rows] == [(1, 150)] * 150 + [(151, 200)] * 50
    first, last = board.rows[0], board.rows[199]
    assert len(first.apart) == 50 and last.label in first.apart and first.label not in first.apart
    assert set(last.apart) == {row.label for row in board.rows[:150]} and "no such method" not in last.apart
    assert last.interval is not None and last.interval[0] < last.difference < last.interval[1] < -250  # type: ignore[operator]
    assert board.notes == ()


def test_the_test_of_all_pairs_is_the_same_however_many_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = np.random.default_rng(2).normal(size=(20, 9)) + np.arange(20)[:, None] / 4
    scores[3] = scores[4]
    whole = rank_ranges(scores, "x")
    first, second = np.triu_indices(20, 1)
    (plain,) = mean_differences([scores[second] - scores[first]], "x")
    for name in ("ROWS_AT_ONCE", "_JUDGED_AT_ONCE"):
        monkeypatch.setattr(f"noisebench.statistics.paired_tests.{name}", 7)
    parts = rank_ranges(scores, "x")
    assert whole.ranges == parts.ranges and np.array_equal(whole.apart, parts.apart) and 0 < whole.apart.sum() < 380
    assert whole.between == pytest.approx(parts.between, rel=1e-12, nan_ok=True)
    assert np.array_equal(whole.between[second, first], np.column_stack([plain.mean, plain.interval]), equal_nan=True)


def test_of_very_many_pairs_no_row_holds_its_differences_to_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).normal(size=(3, 8))
    rows = [record(name, {"psnr": noise[i] - 3 * i}) for i, name in enumerate("abc")]
    (usual,) = boards(rows)
    monkeypatch.setattr("noisebench.boards.build.MAX_PAIRS", 2)
    (lean,) = boards(rows)
    assert all(row.to_others is not None for row in usual.rows) and all(row.to_others is None for row in lean.rows)
    for one, other in zip(usual.rows, lean.rows, strict=True):
        assert (one.ranks, one.interval, set(one.apart)) == (other.ranks, other.interval, set(other.apart))


def test_costs_join_by_spec_and_source_at_the_most_common_setting() -> None:
    board = one(
        record("a", {"psnr": [20.0]}),
        record("b", {"psnr": [20.0]}),
        cost_record("a", p50=5.0),
        cost_record("a", p50=50.0, size=(512, 512, 1)),
        cost_record("b", p50=7.0),
        cost_record("b", p50=1.0, source="edited"),
    )
    assert board.cost_setting == "256×256×1, cpu, 1 thread"
    assert [r.cost.latency_ms["p50"] for r in board.rows] == [5.0, 7.0]  # type: ignore[index]


def test_the_signature_pins_a_score_down() -> None:
    board = one(record(scores={"psnr": [20.0]}, dataset="set12", regime="downsample(scale=2) + gaussian(sigma=5)"))
    assert board.signatures["psnr"] == (
        f"psnr|uint8@1|downsample(scale=2) + gaussian(sigma=5)@1+1|set12:{sha('set12')[:12]}|seed 0|noisebench 0.1.0"
    )
    plain = one(record(scores={"ssim": [0.5]}, dataset="a|b%"), record(scores={"ssim": [0.5]}, dataset="a|b%", seed=3))
    assert plain.signatures["ssim"] == (
        f"ssim|uint8@1|gaussian(sigma=25)@1|a%7Cb%25:{sha('a|b%')[:12]}|seeds 0,3|noisebench 0.1.0"
    )


def test_explain_reads_the_signature_of_a_board_back() -> None:
    from noisebench.boards.signature import explain_signature

    regime = "downsample(scale=2) + gaussian(sigma=5)"
    board = one(*(record(scores={"psnr": [20.0]}, regime=regime, seed=s) for s in (0, 1)))
    told = {part["part"]: part for part in explain_signature(board.signatures["psnr"])["parts"]}
    assert told["regime"]["now"] == told["protocol"]["now"] == "same version now"
    assert (told["dataset"]["value"], told["seed"]["value"]) == ("photos", "0,1")


def test_the_host_name_is_no_part_of_a_board() -> None:
    environment = one(record(scores={"psnr": [20.0]})).environment
    assert sorted(environment) == ["cpu", "noisebench", "numpy", "platform", "python", "torch"]


def test_the_order_of_records_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    records = [
        record(f"m{m}", {"psnr": rng.normal(30, 2, 9)}, seed=s, regime=f"gaussian(sigma={g})")
        for m in range(5) for s in (0, 1) for g in (15, 25)
    ]  # fmt: skip
    expected = repr(boards(records))
    for seed in range(3):
        random.Random(seed).shuffle(records)
        assert repr(boards(records)) == expected


def test_statistics_are_cheap_to_import() -> None:
    code = (
        "import sys, noisebench.boards.order_stability, noisebench.gate.check, noisebench.comparing.comparison\n"
        "print(sorted({'scipy', 'torch', 'pandas', 'cv2', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# --------------------------------------------------------------------------------------------- tracks


def fits(method: str, *rmse: float, **more: object) -> object:
    more = {"dataset": "bumps", "protocol": "held_out", "rank_by": "rmse", "track": "functions", **more}
    return record(method, {"sup_norm": [2 * v for v in rmse], "rmse": rmse}, **more)  # type: ignore[arg-type]


def test_a_board_speaks_the_words_of_its_track_and_never_mixes_tracks() -> None:
    where = {"dataset": "d", "regime": "gaussian(sigma=1)", "protocol": "p"}
    made = boards([fits("nlm", 0.2, **where), record("nlm", {"psnr": [30.0]}, **where)])  # type: ignore[list-item, arg-type]
    assert [(b.track, b.rank_by.label if b.rank_by else "") for b in made] == [
        ("functions", "rmse"), ("restore", "psnr"),
    ]  # fmt: skip
    assert [b.words["items"] for b in made] == ["functions", "pictures"]
    assert "means over functions." in reading_text(made[0].words)


def test_warnings_and_notes_are_in_the_words_of_the_track() -> None:
    board = one(fits("mean", 0.5, 0.5), fits("bad", 0.7, 0.5), fits("good", 0.1, 0.1))
    assert not missing_by_line(board.warnings, ["bad is below mean", "by 0.1"])
    assert [r.label for r in board.rows if r.below_baseline] == ["bad"]
    assert board.notes == ()
    assert not missing_from(board.undecided, "its 3 methods", "2 functions", "needs 6")
    short = one(fits("good", 0.1, pictures=2))
    assert short.failures[0].reason == "1 of 2 functions is stored"


def test_how_far_below_an_optimum_is_said_in_the_first_metric_whatever_its_direction() -> None:
    board = one(
        fits("best", 0.1, 0.2, flags={"oracle": True, "role": "optimum"}, rank_by="sup_norm"),
        fits("spline", 0.3, 0.3, rank_by="sup_norm"),
    )
    assert board.rank_by is not None and board.rank_by.label == "sup_norm"
    assert board.optimum_column is not None and board.optimum_column.label == "rmse"
    assert row(board, "spline").below_optimum == pytest.approx(0.15)


def test_without_an_optimum_there_is_no_ruler() -> None:
    board = one(record(scores={"psnr": [20.0]}), record("identity", {"psnr": [10.0]}))
    assert board.optimum_column is None and not board.has_optimum


def test_an_optimum_that_was_not_scored_by_a_metric_is_a_ruler_in_the_next() -> None:
    board = one(record("bayes_optimum", {"mse": [1.0]}), record(scores={"psnr": [20.0], "mse": [3.0]}))
    assert board.optimum_column is not None and board.optimum_column.label == "mse"
    assert row(board, "nlm").below_optimum == 2.0


def test_columns_stand_in_the_order_that_metrics_declare_with_their_decimals() -> None:
    board = one(record(scores={"mse": [0.1], "ssim": [0.5], "psnr": [20.0]}))
    assert [(c.label, c.decimals) for c in board.columns] == [("psnr", 2), ("ssim", 4), ("mse", 4)]


def test_where_no_suite_says_what_ranks_the_first_metric_does() -> None:
    board = one(record(scores={"ssim": [0.5], "mse": [0.1]}, rank_by=""))
    assert board.rank_by is not None and board.rank_by.label == "ssim"
    assert board.notes == ()


def test_a_signature_names_the_track_where_it_is_not_the_usual_one_and_is_read_back_in_it() -> None:
    from noisebench.boards.signature import explain_signature

    regime = "gaussian(sigma=0.1)"
    text = one(fits("mean", 0.5, regime=regime)).signatures["rmse"]
    assert text == f"functions/rmse|held_out@1|{regime}@1|bumps:{sha('bumps')[:12]}|seed 0|noisebench 0.1.0"
    parts = {part["part"]: part for part in explain_signature(text)["parts"]}
    assert "held-out points" in parts["metric"]["meaning"]
    assert "the functions whose fingerprint" in parts["dataset"]["meaning"]
    with pytest.raises(UsageError, match="track"):
        explain_signature(text.replace("functions/", "no_such_track/"))


# ------------------------------------------------------------------------------------------ old cells


def many() -> list[object]:
    rng = np.random.default_rng(1)
    return [
        record(m, {"mse": rng.random(8), "ssim": rng.random(8), "psnr": rng.normal(30, 2, 8)}, **more)  # type: ignore[arg-type]
        for m, more in {
            "nlm": {}, "identity": {}, "oracle": {"flags": {"oracle": True}}, "gaussian_filter": {},
            "bayes_optimum": {"flags": {"oracle": True}},
        }.items()
    ]  # fmt: skip


def test_cells_of_schema_1_make_the_same_board() -> None:
    now, then = one(*many()), one(*map(as_schema_1, many()))  # type: ignore[arg-type]
    assert [r.role for r in then.rows] == [r.role for r in now.rows]
    assert then.columns == now.columns and then.optimum_column == now.optimum_column
    assert (then.warnings, then.notes, then.signatures) == (now.warnings, now.notes, now.signatures)
    shown = ("label", "ranks", "difference", "interval", "tail", "below_optimum", "below_baseline", "unranked")
    assert [[getattr(r, f) for f in shown] for r in then.rows] == [[getattr(r, f) for f in shown] for r in now.rows]
    assert {k: then.words[k] for k in ("item", "items", "given", "level")} == {
        k: now.words[k] for k in ("item", "items", "given", "level")
    }


def test_cells_of_both_schemas_stand_on_one_board() -> None:
    first, *rest = many()
    board = one(as_schema_1(first), *rest)  # type: ignore[arg-type]
    assert len(board.rows) == 5 and board.columns == one(*many()).columns


def test_what_a_newer_cell_says_of_a_metric_goes_before_what_is_assumed_of_an_older_one() -> None:
    new, other = record("a", {"psnr": [1.0], "mse": [1.0]}), record("b", {"psnr": [1.0], "mse": [1.0]})
    new.cell.metrics["mse"] = structs.replace(new.cell.metrics["mse"], decimals=7, order=-1)
    for pair in ((new, as_schema_1(other)), (as_schema_1(record("0", {"psnr": [1.0], "mse": [1.0]})), new)):
        assert [(c.label, c.decimals) for c in one(*pair).columns] == [("mse", 7), ("psnr", 2)]


def test_a_cell_of_schema_1_without_all_its_pictures_is_incomplete() -> None:
    board = one(as_schema_1(record(scores={"psnr": [30.0]}, pictures=2)))
    assert board.failures[0].reason == "1 of 2 pictures is stored"


# --------------------------------------------------------------------------------------------- levels


def levelled(*regimes: str, **more: object) -> list[object]:
    return [record(m, {"psnr": [30.0]}, regime=r, **more) for r in regimes for m in ("nlm", "median")]  # type: ignore[arg-type]


def families(records: list[object]) -> list[tuple[str, str, list[float]]]:
    found = level_families(boards(records))  # type: ignore[arg-type]
    return [(f.parameter, f.regime, [level for level, _ in f.boards]) for f in found]


def test_boards_that_differ_in_one_number_of_the_regime_are_a_family() -> None:
    regimes = [f"gaussian(sigma={s}, clip={c})" for s in (50, 5, 25) for c in (True, False)]
    assert families(levelled(*regimes)) == [
        ("gaussian.sigma", "gaussian(clip=False)", [5.0, 25.0, 50.0]),
        ("gaussian.sigma", "gaussian(clip=True)", [5.0, 25.0, 50.0]),
    ]
    assert families(levelled("gaussian(sigma=5)", "poisson(peak=5)")) == []


def test_a_number_that_stands_twice_in_a_sum_is_no_level() -> None:
    assert families(levelled("gaussian(sigma=5) + gaussian(sigma=9)", "gaussian(sigma=7) + gaussian(sigma=8)")) == []


def test_families_of_two_tracks_are_apart() -> None:
    both = [*levelled("gaussian(sigma=5)"), *levelled("gaussian(sigma=9)", track="functions")]
    assert families(both) == []


# The records that these tests are made of


@pytest.mark.parametrize("kind", ["score", "cost"])
def test_the_records_of_the_tests_have_the_fields_of_real_cells(kind: str) -> None:
    made: dict[str, Any] = plain_values(
        (record("nlm", {"psnr": [30.0], "ssim": [0.9]}) if kind == "score" else cost_record()).cell
    )
    cells = [plain_values(r.cell) for r in read_records(ROOT / "results" / "demo.parquet") if r.cell.outcome == "ok"]
    real: dict[str, Any] = next(c for c in cells if c["kind"] == kind)
    assert set(made) <= set(real)
    assert set(made["cost"] or {}) <= set(real["cost"] or {})
    for part in ("suite", "words", "method", "dataset", "regime", "protocol", "metrics"):
        # The demonstration has groups of pictures, and the records of the tests have none.
        assert set(made[part]) == set(real[part]) - {"groups"}, part
    assert set(made["method"]["flags"]) == set(real["method"]["flags"])
    for name, about in made["metrics"].items():
        assert set(about) == set(real["metrics"][name]), name
