"""How many units a test needs: the plan against the test itself, and what a board that is undecided says."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from board_records import record
from noisebench.boards.board import Board
from noisebench.boards.build import boards
from noisebench.boards.together import overall
from noisebench.report.data import report_data
from noisebench.report.leaderboard import leaderboard_latex, leaderboard_markdown
from noisebench.report.order_stability import statistics_markdown
from noisebench.report.page.data import page_data
from noisebench.report.summary import summary
from noisebench.report.write import write_report
from noisebench.statistics.paired_tests import Floats
from noisebench.statistics.ranking import rank_ranges
from noisebench.statistics.sample_size import MOST, power, units_needed
from scipy.stats import nct, t


def differences(mean: float, deviation: float = 1.0) -> Floats:
    """Two differences of this mean and deviation."""
    return mean + deviation * np.array([-1.0, 1.0]) / math.sqrt(2)


def share_told_apart(methods: int, effect: float, n: int, boards: int = 200) -> float:
    """How often the test of a board tells the first of methods in equal steps from the last, `effect` better."""
    draws = np.random.default_rng(7)
    means = np.linspace(effect, 0, methods)[:, None]
    found = 0
    for place in range(boards):
        scores = draws.standard_normal((methods, n)) / math.sqrt(2) + means
        found += int(rank_ranges(scores, f"board {place}").apart[0, -1])
    return found / boards


@pytest.mark.parametrize(("methods", "effect", "n"), [(2, 1.0, 11), (2, 0.6, 26), (5, 1.0, 19), (6, 1.5, 12)])
def test_with_the_units_that_were_planned_the_test_tells_four_of_five_apart(
    methods: int, effect: float, n: int
) -> None:
    assert units_needed(differences(effect), methods * (methods - 1) // 2) == n
    assert 0.72 <= share_told_apart(methods, effect, n) <= 0.9


def test_with_half_of_the_units_that_were_planned_it_tells_few_apart() -> None:
    assert share_told_apart(5, 1.0, 10) < 0.45


@pytest.mark.parametrize(("effect", "n"), [(1.0, 11), (0.6, 26), (0.3, 96)])
def test_for_one_difference_power_is_that_of_the_noncentral_t_distribution(effect: float, n: int) -> None:
    bound = t.isf(0.02, n - 1)
    assert power(effect, n, 1) == pytest.approx(nct.sf(bound, n - 1, effect * math.sqrt(n)), abs=0.01)
    assert power(effect, n - 1, 1) < 0.80 <= power(effect, n, 1)


def test_more_differences_in_a_family_need_more_units() -> None:
    needed = [units_needed(differences(1.0), pairs) for pairs in (1, 3, 10, 36)]
    assert needed == [11, 15, 19, 23]
    # In simulation 9 methods need 8 or 9 units here, and noncentral t with all degrees of freedom says 7.
    assert units_needed(differences(3.0), 36) == 8


def test_the_unit_of_a_difference_and_its_sign_do_not_matter() -> None:
    assert units_needed(differences(0.5, 0.7), 3) == units_needed(-1000 * differences(0.5, 0.7), 3) == 25


def test_a_difference_that_is_always_the_same_needs_the_six_of_the_test() -> None:
    assert units_needed(np.full(3, 0.1), 36) == 6
    assert units_needed(np.full(3, np.inf), 36) == 6


def test_what_cannot_be_planned_has_no_number() -> None:
    assert units_needed(np.array([1.0]), 1) is None
    assert units_needed(np.array([-1.0, 1.0]), 1) is None
    assert units_needed(differences(1e-6), 1) == MOST + 1


# ------------------------------------------------------------------------------------------------ boards

HARD = np.array([0.0, 4.0, 9.0])


def three_pictures(regime: str = "gaussian(sigma=25)") -> Board:
    """A board of three pictures: what is told of it is planned."""
    (board,) = boards(few(regime))
    return board


def few(regime: str = "gaussian(sigma=25)", n: int = 3) -> list:  # type: ignore[type-arg]
    """Records of three methods on `n` pictures; b is 0.5 ± 0.5 dB behind a, identity 6 ± 1 dB."""
    hard = np.resize(HARD, n)
    return [
        record("a", {"psnr": 30 + hard}, regime=regime),
        record("b", {"psnr": 29.5 + hard + 0.5 * np.resize([-1.0, 0.0, 1.0], n)}, regime=regime),
        record("identity", {"psnr": 24 + hard + np.resize([-1.0, 1.0, 0.0], n)}, regime=regime),
    ]


SAID = (
    "This board cannot tell its 3 methods apart with 3 pictures, and the test needs 6. Going by the differences seen "
    "here, about 6 pictures would show that a is better than identity (by 6.00 dB), and about 15 pictures would show "
    "that a is better than b (by 0.50 dB)."
)


def test_an_undecided_board_says_how_many_pictures_would_tell_the_first_from_the_baseline_and_the_second() -> None:
    assert three_pictures().undecided == SAID


def test_without_a_baseline_the_last_takes_its_place() -> None:
    (board,) = boards([one for one in few() if one.cell.method.name != "identity"])
    assert re.search(r", about 11 .* a is better .* b \(by 0\.50 dB\)\.$", board.undecided)
    assert board.undecided.count("would show") == 1


def test_the_plan_is_never_what_was_not_enough() -> None:
    # The test gives no verdict on a difference that is the same on all items but one; by mean and spread 6 would do.
    gain = np.array([1.0] * 7 + [1.5])
    (board,) = boards([record("a", {"psnr": 30 + gain}), record("b", {"psnr": np.full(8, 30.0)})])
    assert re.search(r"about 9 .* a is better .* b \(by 1\.06 dB\)\.", board.undecided)


def test_what_is_planned_for_is_what_is_counted() -> None:
    (board,) = boards([record(name, {"rmse": 1 + HARD + gap * np.array([1.0, 2.0, 4.0])}, track="functions",
                              rank_by="rmse") for name, gap in (("a", 0.0), ("b", 0.1))])  # fmt: skip
    assert re.search(r"with 3 functions.* about \d+ functions", board.undecided)


def test_of_one_picture_no_number_is_planned() -> None:
    (board,) = boards(few(n=1))
    assert re.search(r"its 3 methods .* 1 picture, .* needs 6\.", board.undecided)
    assert re.search(r"one is too few .* a is better .* identity \(by 7\.00 dB\)", board.undecided)


def test_a_method_that_is_exact_where_the_others_are_not_needs_six_pictures_to_be_told_so() -> None:
    exact = record("a", {"psnr": [math.inf] * 3}, track="classify")
    (board,) = boards([exact, record("b", {"psnr": HARD}, track="classify")])
    assert re.search(r"about 6 .* a is better .* b\.", board.undecided)


def test_where_lower_is_better_the_lower_one_is_said_to_be_better() -> None:
    low, high = {"rmse": [0.1, 0.2, 0.1]}, {"rmse": [0.3, 0.3, 0.2]}
    (board,) = boards([
        record("low", low, track="functions", rank_by="rmse"), record("high", high, track="functions", rank_by="rmse"),
    ])  # fmt: skip
    assert re.search(r"low is better .* high \(by 0\.1333\)", board.undecided)
    assert "with 3 functions" in board.undecided


def test_every_form_of_a_report_says_that_a_board_is_undecided_and_calls_nobody_best(tmp_path: Path) -> None:
    data = report_data(few(), "few")
    text = leaderboard_markdown(data)
    assert text.index(f"**{SAID}**") < text.index("| a ")
    assert "Δ psnr to first" in text and "best" not in text.split(SAID)[1].split("## Versions")[0].split("\n- ")[0]
    assert SAID in leaderboard_latex(data) and r"\textbf" not in leaderboard_latex(data)
    assert json.loads("".join(summary(data)))["boards"][0]["undecided"] == SAID
    assert page_data(data, [])["boards"][0]["scores"][0]["undecided"] == SAID
    write_report(few(), tmp_path)
    assert SAID in (tmp_path / "leaderboard.html").read_text()


def test_the_page_says_it_of_each_metric_by_itself() -> None:
    # By psnr the two are apart on every picture; by ssim they are even.
    psnr = np.linspace(20, 30, 8)
    data = report_data(
        [
            record("a", {"psnr": psnr + np.linspace(2, 3, 8), "ssim": np.linspace(0.5, 0.9, 8)}),
            record("b", {"psnr": psnr, "ssim": np.linspace(0.9, 0.5, 8)}),
        ],
        "two",
    )
    said = [scores["undecided"] for scores in page_data(data, [])["boards"][0]["scores"]]
    assert said[0] == "" and re.search("its 2 methods .* 8 pictures\\.", said[1])


def test_undecided_boards_have_no_first_in_the_boards_together() -> None:
    clear = [record(name, {"psnr": HARD.repeat(3) + gain}, regime="gaussian(sigma=50)") for name, gain in
             (("a", 3.0), ("b", 1.0), ("identity", 0.0))]  # fmt: skip
    (one,) = overall(boards([*few(), *clear]))
    assert (one.labels, one.firsts) == (("a", "b", "identity"), (1, 0, 0))
    assert one.undecided == ("photos · gaussian(sigma=25)",)
    data = report_data([*few(), *clear], "both")
    text = statistics_markdown(data.title, data.sections)
    assert "no first: photos · gaussian(sigma=25)." in text
    assert "1 of 1" in text and "2 of 2" not in text


def test_where_all_boards_are_undecided_nobody_is_first_or_tied_for_it() -> None:
    data = report_data([*few(), *few("gaussian(sigma=50)")], "both")
    rows = data.sections[0].tables[0][1].rows
    assert [row[-1] for row in rows] == ["–", "–", "–"]
