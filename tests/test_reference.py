"""The committed board is what `report` makes of the committed results."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from noisebench.boards.board import boards
from noisebench.report.names import shown
from noisebench.report.studies import chart_table, study_charts
from noisebench.report.tables import to_markdown
from noisebench.report.write import write_report
from noisebench.store.reading import read_records
from noisebench.suite.study import read_study
from noisebench.suite.suite import find_suite
from PIL import Image

RESULTS, BOARD = ROOT / "results" / "demo.json", ROOT / "reports" / "demo"
MADE_WITH = ROOT / "reports" / "made_with.json"
TEXT = ("leaderboard.md", "leaderboard.csv", "leaderboard.tex", "summary.json")


@pytest.fixture(scope="module")
def again(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("board")
    write_report(read_records(RESULTS), folder)
    return folder


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def pixels(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file).convert("RGBA"), dtype=np.int16)


def test_the_same_files_are_made(again):
    assert files(again) == files(BOARD)


@pytest.mark.parametrize("name", TEXT)
def test_text_is_the_same_byte_for_byte(again, name):
    assert (again / name).read_bytes() == (BOARD / name).read_bytes()


def test_the_page_is_the_same_but_for_the_encoding_of_its_pictures(again):
    def words(folder: Path) -> str:
        return re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "PICTURE", (folder / "leaderboard.html").read_text())

    assert words(again) == words(BOARD)
    assert "PICTURE" in words(BOARD)


def test_plots_and_page_are_the_same_byte_for_byte_with_the_same_libraries(again):
    made_with = json.loads(MADE_WITH.read_text())
    here = {name: version(name) for name in made_with}
    if here != made_with:
        pytest.skip(f"the board was drawn with {made_with}, here are {here}: other bytes for the same picture")
    for name in files(BOARD):
        assert (again / name).read_bytes() == (BOARD / name).read_bytes(), name


TRAINED = sorted(p.name.partition(".")[0] for p in (ROOT / "results").glob("*.json.xz"))


@pytest.mark.parametrize("name", ["awgn", "polyu", "mri_knee", "lowlight", "functions", *TRAINED])
def test_boards_of_text_and_plots_are_what_is_made_of_their_results(name, tmp_path):
    (results,) = (ROOT / "results").glob(f"{name}.json*")
    write_report(read_records(results), tmp_path)
    board = ROOT / "reports" / name
    made_with = json.loads(MADE_WITH.read_text())
    same = {library: version(library) for library in made_with} == made_with
    text = {"leaderboard.md", "statistics.md"} if name in TRAINED else {"leaderboard.md"}
    ours = {f for f in files(board) if not f.removeprefix("plots/").startswith("study")}
    assert ours == {f for f in files(tmp_path) if f in text or f.endswith(".png")}
    for file in ours:
        if not file.endswith(".png"):
            assert (tmp_path / file).read_bytes() == (board / file).read_bytes(), file
        elif same:
            # A logarithm ends in another bit on another processor, and the edge of a mark in another shade.
            made, committed = (pixels(folder / file) for folder in (tmp_path, board))
            assert made.shape == committed.shape, file
            assert np.abs(made - committed).max() <= 8 and (made != committed).mean() < 1e-3, file


STUDIES = sorted(p.parent.name for p in (ROOT / "reports").glob("*/study.md"))


@pytest.mark.parametrize("name", STUDIES)
def test_studies_are_what_is_made_of_their_results(name):
    (results,) = (ROOT / "results").glob(f"{name}.json*")
    text = (ROOT / "reports" / name / "study.md").read_text()
    records = shown(read_records(results))
    drawn, left_out = study_charts(boards(records), read_study(find_suite(name))[1], records)
    assert drawn and not left_out
    for chart in drawn:
        assert "\n".join(to_markdown(chart_table(chart))) in text, chart.where
    assert all((ROOT / "reports" / name / plot).exists() for plot in re.findall(r"\]\((plots/[^)]+)\)", text))


@pytest.mark.parametrize(("results", "name"), [("demo", "demo"), ("functions", "demo_functions")])
def test_the_demo_suites_of_the_package_are_what_the_results_hold(results, name):
    from noisebench.components.registry import bind_all
    from noisebench.suite.suite import named_suites, read_suite

    suite = read_suite(named_suites()[name])
    cells = [r.cell for r in read_records(ROOT / "results" / f"{results}.json")]
    assert {c.suite["name"] for c in cells} == {name}
    assert {c.method.spec for c in cells} == {b.canonical for b in bind_all(suite.methods, "method", suite.track)}
    scored = {c.regime.spec for c in cells if c.kind == "score"}
    assert scored == {b.canonical for b in bind_all(suite.regimes, "regime", suite.track)}
    assert all(c.outcome in ("ok", "skipped") for c in cells)
