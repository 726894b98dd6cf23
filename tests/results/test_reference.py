"""What is committed of boards is what is made of the committed results: a sample of them."""

from __future__ import annotations

import io
import json
import re
from importlib.metadata import version

import numpy as np
import pytest
from conftest import ROOT
from noisebench.boards.build import boards
from noisebench.cli.options import read_noted
from noisebench.report.names import shown
from noisebench.report.studies import study_charts
from noisebench.store.reading import read_records
from noisebench.suite.study import read_study
from noisebench.suite.suite import find_suite, named_suites
from PIL import Image
from remake_boards import LARGEST, all_boards, boards_list, kept_files, pictured_boards, remake

MADE_WITH = ROOT / "reports" / "made_with.json"
SAMPLE = (
    "demo",
    "functions",
    "awgn",
    "polyu",
    "mri_knee",
    "lowlight",
    "demo_classify",
    "brightness_bias",
    "train_bits",
)
"""Mistakes, a study alone, and a board of recipes are among them."""


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"), dtype=np.int16)


@pytest.mark.parametrize("name", SAMPLE)
def test_what_is_committed_of_a_board_is_what_is_made_of_its_results(cli, name, tmp_path):
    results = ROOT / "results" / f"{name}.parquet"
    # 3: its metrics have no reference, and no rule speaks of them.
    assert "0 regressions" in cli("check", results, results, code=3 if name == "lowlight" else 0).stdout
    assert not read_noted(results)[1]
    remake(name, tmp_path / name)
    made, board = kept_files(tmp_path / name, name in pictured_boards()), ROOT / "reports" / name
    made_with = json.loads(MADE_WITH.read_text())
    same = {library: version(library) for library in made_with} == made_with
    assert made.keys() == {file.name for file in board.iterdir()}
    for file, data in made.items():
        committed = (board / file).read_bytes()
        if file.endswith(".md"):
            assert data == committed, file
        elif same:
            # A logarithm ends in another bit on another processor, and the edge of a mark in another shade.
            one, other = pixels(data), pixels(committed)
            assert one.shape == other.shape, file
            assert np.abs(one - other).max() <= 8 and (one != other).mean() < 1e-3, file


def test_every_board_is_a_text_and_small_pictures():
    folders = {path.name: path for path in (ROOT / "reports").iterdir() if path.is_dir()}
    assert sorted(folders) == all_boards()
    for name, folder in folders.items():
        files = {file.name: file for file in folder.iterdir()}
        assert files.keys() <= {"leaderboard.md", "board.png", "mistakes.png"}
        assert all(file.stat().st_size <= LARGEST for file in files.values() if file.suffix == ".png"), name
        links = re.findall(r"\]\((?!http|#)([^)]+)\)", files["leaderboard.md"].read_text())
        assert sorted(links) == sorted(file for file in files if file.endswith(".png")), name


def test_the_list_of_boards_has_a_short_line_for_each():
    page = (ROOT / "reports" / "README.md").read_text(encoding="utf-8")
    assert f"\n{boards_list(all_boards())}\n" in page, "run `python benchmarks/remake_boards.py`"
    lines = [line for line in page.splitlines() if line.startswith("| [")]
    assert len(lines) == len(all_boards()) and max(map(len, lines)) < 250


PAGES = sorted(p for form in ("*.md", "docs/**/*.md", "reports/*.md", "results/**/*.md") for p in ROOT.glob(form))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_of_a_page_lead_to_files(page):
    links = re.findall(
        r"\]\((?!https?:|#|mailto:)([^)\s#]+)[^)]*\)", re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.S)
    )
    assert [link for link in links if not (page.parent / link).exists()] == []


STUDIES = [name for name in all_boards() if name in named_suites() and "\nstudy:" in named_suites()[name].read_text()]


@pytest.mark.parametrize("name", STUDIES)
def test_studies_are_drawn_whole_from_their_results(name):
    records = shown(read_records(ROOT / "results" / f"{name}.parquet"))
    drawn, left_out = study_charts(boards(records), read_study(find_suite(name))[1], records)
    assert drawn and not left_out


@pytest.mark.parametrize(("results", "name"), [("demo", "demo"), ("functions", "demo_functions")])
def test_the_demo_suites_of_the_package_are_what_the_results_hold(results, name):
    from noisebench.components.registry import bind_all
    from noisebench.suite.suite import named_suites, read_suite

    suite = read_suite(named_suites()[name])
    cells = [r.cell for r in read_records(ROOT / "results" / f"{results}.parquet")]
    assert {c.suite["name"] for c in cells} == {name}
    assert {c.method.spec for c in cells} == {b.canonical for b in bind_all(suite.methods, "method", suite.track)}
    scored = {c.regime.spec for c in cells if c.kind == "score"}
    assert scored == {b.canonical for b in bind_all(suite.regimes, "regime", suite.track)}
    assert all(c.outcome in ("ok", "skipped") for c in cells)
