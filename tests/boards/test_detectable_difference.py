"""What a board can tell apart: planned, and held against what the test of a board does in simulation."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from board_records import record
from messages import missing_from
from noisebench.boards.board import Board
from noisebench.boards.build import boards
from noisebench.cli import main
from noisebench.report.plan_size import plan_lines
from noisebench.report.tables import remarks
from noisebench.statistics.ranking import rank_ranges
from noisebench.statistics.sample_size import POWER, power, smallest_effect
from noisebench.store.export import export_text
from noisebench.store.record import Record


def share_told_apart(methods: int, effect: float, n: int, repeats: int = 150) -> float:
    """How often the test of a board tells two methods apart, whose differences have the mean `effect`, deviation 1."""
    draws = np.random.default_rng(11)
    found = 0
    for place in range(repeats):
        scores = draws.standard_normal((methods, n)) / math.sqrt(2)
        scores[0] += effect
        found += int(rank_ranges(scores, f"board {place}").apart[0, -1])
    return found / repeats


@pytest.mark.parametrize(("methods", "n"), [(2, 12), (3, 30)])
def test_the_smallest_difference_is_found_four_times_of_five(methods: int, n: int) -> None:
    effect = smallest_effect(n, methods * (methods - 1) // 2)
    assert 0.72 <= share_told_apart(methods, effect, n) <= 0.9
    assert share_told_apart(methods, 0.5 * effect, n) < 0.4


def test_the_smallest_effect_has_that_power_and_none_with_too_few_units() -> None:
    assert power(smallest_effect(40, 3), 40, 3) == pytest.approx(POWER, abs=1e-4)
    assert smallest_effect(5, 1) == math.inf
    assert smallest_effect(400, 3) < smallest_effect(40, 3)


def records(n: int = 24, seeds: int = 1, noise: float = 0.0) -> list[Record]:
    """Three methods: b is near to a, c is not; each seed adds noise of its own to a picture."""
    draws = np.random.default_rng(3)
    hard, near, far = draws.normal(30, 4, n), draws.normal(0, 0.1, n), draws.normal(0, 1.0, n)
    return [
        record(name, {"psnr": values + draws.normal(0, noise, n) if noise else values}, seed=seed)
        for name, values in (("a", hard), ("b", hard - 0.5 + near), ("c", hard - 3 + far))
        for seed in range(seeds)
    ]


def board_of(some: list[Record]) -> Board:
    (board,) = boards(some)
    return board


def test_a_board_states_what_it_can_tell_apart() -> None:
    board = board_of(records())
    detectable = board.detectable
    assert detectable is not None and [detectable.labels[i] for i in detectable.places[0]] == ["a", "b"]
    a, b = (row.scores["psnr"].values for row in board.rows[:2])
    assert detectable.smallest[0] == pytest.approx(smallest_effect(24, 3) * (a - b).std(ddof=1))
    (line,) = [text for text in remarks(board) if text.startswith("detectable")]
    assert not missing_from(line, "difference: 0.76 dB", "80 %", "(0.076 dB to 0.76 dB, by pair)")
    assert board_of(records(n=5)).detectable is None


def test_the_planned_number_of_pictures_tells_the_difference() -> None:
    detectable = board_of(records()).detectable
    assert detectable is not None
    needed = detectable.units_for(2, 0.5)
    deviation = float(detectable.deviations[2])
    assert needed > 24 and 0.72 <= share_told_apart(3, 0.5 / deviation, needed) <= 0.9


def test_seeds_help_where_the_noise_is_what_differs_and_nowhere_else() -> None:
    noisy = board_of(records(n=400, seeds=2, noise=1.0)).detectable
    assert noisy is not None and noisy.seed_variances is not None
    # A difference of two draws of variance 1; by noncentral t 400 pictures resolve 0.17 of a deviation.
    assert noisy.seed_variances == pytest.approx(np.full(3, 2.0), rel=0.15)
    needed = noisy.seeds_for(0, 0.1)
    assert needed is not None and 4 <= needed <= 8
    assert noisy.seeds_for(2, 0.05) is None  # what differs is the pictures


def test_it_is_said_in_words() -> None:
    board = board_of(records())
    title, *lines = plan_lines(board, board.detectable, None, 0.1)
    assert title == "photos · gaussian(sigma=25)"
    assert not missing_from(lines[0], "24 pictures and 1 seed", "psnr", "for a and b")
    assert not missing_from(lines[1], "pictures would tell it", "half of the pairs")
    assert "run a second one" in lines[2]
    few = board_of(records(n=3))
    assert not missing_from(plan_lines(few, few.detectable, None, None)[1], "3 pictures", "needs 6")


def test_the_verb_reads_stores_and_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "r.json"
    file.write_text(export_text(records()))
    assert main(["plan-size", str(file), "--difference", "0.1", "--json"]) == 0
    (planned,) = json.loads(capsys.readouterr().out)["boards"]
    assert planned["units"] == 24 and planned["metric"] == "psnr" and len(planned["pairs"]) == 3
    assert planned["pairs"][0]["methods"] == ["a", "b"] and planned["pairs"][2]["units_needed"] > 24


def test_one_pair_is_planned_by_the_difference_that_it_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.json").write_text(export_text(records()))
    words = ["plan-size", str(tmp_path / "r.json"), "--method", "c", "a"]
    assert main([*words, "--json"]) == 0
    (planned,) = json.loads(capsys.readouterr().out)["boards"]
    (pair,) = planned["pairs"]
    detectable = board_of(records()).detectable
    assert detectable is not None and set(pair["methods"]) == {"a", "c"}
    place = detectable.place_of("a", "c")
    assert place is not None and pair["units_needed"] == detectable.units_for(place, abs(pair["difference"]))
    assert main([*words, "--difference", "0.1"]) == 0
    assert not missing_from(capsys.readouterr().out, "a and c ", " in psnr", "24 pictures", "0.10 dB: about ")


@pytest.mark.parametrize(
    ("words", "due"),
    [
        ([], "name a STORE"),
        (["r.json", "--method", "a", "x"], "no method 'x'"),
        (["r.json", "--method", "a", "a"], "--method a twice"),
        (["r.json", "--pilot", "demo"], "not both"),
        (["r.json", "--difference", "-1"], "a number above 0"),
        (["r.json", "--metric", "psnrs"], "did you mean 'psnr'"),
        (["r.json", "--limit", "3"], "--limit is of --pilot"),
        (["none.json"], "none.json"),
    ],
)
def test_mistakes_are_one_line(
    words: list[str], due: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.json").write_text(export_text(records()))
    monkeypatch.chdir(tmp_path)
    assert main(["plan-size", *words]) == 2
    told = capsys.readouterr()
    assert due in told.err and told.err.count("\n") == 1 and told.out == ""
