"""What a terminal shows of boards: tables of any width, without markup, and what a run says at its end."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from board_records import record
from conftest import ROOT, Run
from noisebench.cli.options import print_listing
from noisebench.report.data import ReportData, report_data
from noisebench.report.terminal import ranking_lines, report_lines
from noisebench.store.reading import read_records
from noisebench.store.results import Results
from noisebench.text.terminal import TextColumn, cut_middle, fitted, listed, places

COLUMNS = [TextColumn("name", least=6, middle=True), TextColumn("score", right=True), TextColumn("note", drop=1)]
ROWS = [["a_long_method", "9.25", "first"], ["b", "10.5", "second"]]


def test_a_table_drops_columns_before_it_cuts_names_further_than_they_may_be() -> None:
    assert fitted(COLUMNS, ROWS, 40)[1] == "a_long_method   9.25  first"
    assert fitted(COLUMNS, ROWS, 21) == ["name    score  note", "a_l…od   9.25  first", "b        10.5  second"]
    assert fitted(COLUMNS, ROWS, 20) == ["name           score", "a_long_method   9.25", "b               10.5"]
    assert fitted(COLUMNS, ROWS, 13) == ["name    score", "a_l…od   9.25", "b        10.5"]


def test_a_column_without_any_text_is_left_out() -> None:
    assert fitted(COLUMNS, [["b", "1", ""]], 80) == ["name  score", "b         1"]
    assert fitted(COLUMNS, [], 80) == ["name  score  note"]


@pytest.mark.parametrize("text", ["abcdefghij", "画像画像画像", "a" * 500])
@pytest.mark.parametrize("most", [1, 2, 3, 5, 9])
def test_a_text_that_is_cut_in_its_middle_fits(text: str, most: int) -> None:
    assert "…" in cut_middle(text, most) and places(cut_middle(text, most)) <= most


def test_parts_stay_whole_where_a_line_is_broken() -> None:
    assert listed(["seed 0", "3 pictures", "ranked by psnr"], 20) == ["seed 0 · 3 pictures", "  ranked by psnr"]
    assert listed(["one", "x" * 30], 12) == ["one", *("  " + "x" * 10,) * 3]


@pytest.fixture(scope="module")
def demo() -> ReportData:
    return report_data(read_records(ROOT / "results/demo.parquet"), "t")


@pytest.mark.parametrize("width", [40, 80, 100, 120])
def test_a_board_fits_the_terminal_and_has_no_markup(demo: ReportData, width: int) -> None:
    lines = report_lines(demo, width, "leaderboard.md")
    assert max(map(places, lines)) <= width
    assert not [line for line in lines if "\\" in line or "&" in line or line.startswith(("|", "#"))]
    heads = [line for line in lines if line.lstrip().startswith("rank  ")]
    assert heads and all("psnr" in head for head in heads)
    assert all(("Δ psnr to best [95 %]" in head) == (width >= 80) for head in heads)
    assert any("flags" in head for head in heads) == (width >= 100)


def test_a_ranking_is_method_score_rank_and_ms(demo: ReportData) -> None:
    lines = ranking_lines(read_records(ROOT / "results/demo.parquet"), 80)
    assert lines.count("") == len(demo.boards) + 1
    assert lines[1] == demo.boards[0].title and lines[2].split() == ["rank", "method", "psnr", "(dB)", "↑", "p50", "ms"]
    assert [line.split()[1] for line in lines[3:6]] == [row.label for row in demo.boards[0].rows[:3]]


def test_long_names_that_are_cut_show_where_they_differ() -> None:
    names = [f"trained(arch=dncnn(depth=5, width=16), optimizer={o}(lr=0.001), steps=300)" for o in ("adam", "sgd")]
    records = [
        record("trained", {"psnr": np.arange(30.0, 36.0) - place}, display=name) for place, name in enumerate(names)
    ]
    for lines in (ranking_lines(Results.of(records), 80), report_lines(report_data(Results.of(records), "t"), 80, "x")):
        text = "\n".join(lines)
        assert "adam(lr" in text and "sgd(lr" in text and text.count("steps=300") == 1
        assert max(map(places, lines)) <= 80


HERE = ("--datasets", "piecewise(n=2, size=16)", "--regimes", "poisson(peak=9)", "--metrics", "psnr", "--store", "s")


def test_a_run_ends_with_its_ranking_and_what_to_do_next(cli: Run) -> None:
    shown = cli("run", "--methods", "identity", "gaussian_filter", *HERE).stdout.splitlines()
    *_, board, head, best, last, _, then = shown
    assert board == "piecewise(n=2, size=16) · poisson(peak=9)" and head.split()[:2] == ["rank", "method"]
    assert best.split()[1] == "gaussian_filter" and last.split()[1] == "identity"
    assert then == "next: noisebench report s --to board"


def test_a_run_of_skipped_cells_says_so_before_it_says_next(cli: Run) -> None:
    lines = cli("run", "--methods", "vst(method=nlm)", *HERE, "--regimes", "gaussian(sigma=5)").stdout.splitlines()
    assert lines[0].startswith("1 cell: 1 skipped") and "each one was skipped" in lines[1]
    assert lines[2].startswith("  skipped: vst(method=nlm) · ")
    assert "needs peak or looks" in lines[2]
    assert lines[3].startswith("next: ")


@pytest.mark.parametrize("terminal", [True, False])
def test_cells_fit_a_terminal_and_stay_whole_for_a_program(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    name = "trained(arch=" + "x" * 120 + ")"
    print_listing([["357f9675aca5", name]], TextColumn("key"), TextColumn("method", least=20, middle=True))
    shown = capsys.readouterr().out
    assert (max(map(len, shown.splitlines())) <= 80) == terminal
    assert (name in shown) == (not terminal)
