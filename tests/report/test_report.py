"""Reports: the golden board, hostile names in every format, the same bytes in any order, and speed at size."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import math
import random
import re
import resource
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from board_records import METRICS, panel_of, record, sha
from example_boards import HOSTILE, fits_board, full_board, png, small_board
from messages import missing_from
from msgspec import structs
from noisebench import UsageError
from noisebench.boards.levels import level_families
from noisebench.boards.set_metrics import BoardSets, SetColumn, SetValue
from noisebench.cli import main
from noisebench.report.data import ReportData, report_data
from noisebench.report.escape import latex, markdown, markdown_code, shorten, slug, spreadsheet
from noisebench.report.paper_table.table import TableOptions
from noisebench.report.plots.drawing import fit, legend_names, text_width
from noisebench.report.plots.pareto import front
from noisebench.report.set_metrics import sets_csv, sets_latex
from noisebench.report.tables import TextTable, to_latex
from noisebench.report.write import data_to_report, write_data, write_report
from noisebench.store.export import write_export
from noisebench.store.record import Panel
from noisebench.store.results import Results

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    write_report(full_board(), folder, title=HOSTILE)
    return folder


class Elements(HTMLParser):
    """Collects every element with its attributes, and the text shown."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_golden_board(tmp_path: Path) -> None:
    write_report(small_board(), tmp_path, title="A small board")
    assert (tmp_path / "leaderboard.md").read_text() == (GOLDEN / "board.md").read_text()
    assert (tmp_path / "leaderboard.csv").read_text() == (GOLDEN / "board.csv").read_text()
    assert (tmp_path / "leaderboard.tex").read_text() == (GOLDEN / "board.tex").read_text()


def test_pictures_that_a_method_has_exact_are_counted_in_every_form_of_the_board(tmp_path: Path) -> None:
    base = np.linspace(25.0, 32.0, 8)
    write_report([record("nlm", {"psnr": [np.inf, *base[1:]]}), record("median", {"psnr": base - 1})], tmp_path)
    mean = base[1:].mean()
    assert f"| {mean:.2f} (1 identical) |" in (tmp_path / "leaderboard.md").read_text()
    assert f"{mean:.2f} (1 identical)}} &" in (tmp_path / "leaderboard.tex").read_text()
    assert f",{mean:.9g},1 of 8 identical," in (tmp_path / "leaderboard.csv").read_text()
    first = json.loads((tmp_path / "summary.json").read_text())["boards"][0]["rows"][0]["scores"]["psnr"]
    assert first == {"mean": mean, "identical": 1, "note": "1 of 8 identical"}


def test_an_empty_store_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no cell: run a suite first"):
        write_report([], tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot write to .*choose another folder with --to"):
        write_report(small_board(), tmp_path / "file")


def test_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    records = full_board() + [r for r in small_board() if r.cell.kind == "score"]
    first = {p.relative_to(tmp_path / "a"): p.read_bytes() for p in write_report(records, tmp_path / "a")}
    random.Random(1).shuffle(records)
    second = {p.relative_to(tmp_path / "b"): p.read_bytes() for p in write_report(records, tmp_path / "b")}
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_a_second_report_replaces_the_plots_of_the_first(hostile: Path, tmp_path: Path) -> None:
    to = shutil.copytree(hostile, tmp_path / "to")
    (to / "plots" / "mine.txt").write_text("kept")
    write_report(small_board(), to)
    assert sorted(p.name for p in (to / "plots").iterdir()) == [
        "critical-01-photos-gaussian-sigma-25.png", "critical-01-photos-gaussian-sigma-25.svg", "mine.txt",
        "pareto-01-photos-gaussian-sigma-25.png", "pareto-01-photos-gaussian-sigma-25.svg",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def full() -> ReportData:
    """What a report of the full board is made of: its plots are drawn once."""
    return data_to_report(full_board(), title=HOSTILE)


@pytest.mark.parametrize("only", [("board",), ("page",), ("table",), ("table", "page")])
def test_parts_of_a_report_are_the_same_bytes_and_leave_other_files(
    only: tuple[str, ...], full: ReportData, hostile: Path, tmp_path: Path
) -> None:
    mine = [
        tmp_path / "b" / name for name in ("leaderboard.md", "leaderboard.html", "table.tex", "plots/level-01-a-b.png")
    ]
    for file in (*mine, mine[-1].with_suffix(".svg")):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("earlier")
    written = {
        file.relative_to(tmp_path / "b"): file.read_bytes() for file in write_data(full, tmp_path / "b", only=only)
    }
    whole = {file.relative_to(hostile): file.read_bytes() for file in hostile.rglob("*") if file.is_file()}
    assert written == {name: text for name, text in whole.items() if part_of(name) in only}
    kept = [file for file in mine if part_of(file.relative_to(tmp_path / "b")) not in only]
    assert all(file.read_text() == "earlier" for file in kept)
    assert mine[-1].exists() == (mine[-1] in kept)


def part_of(name: Path) -> str:
    return (
        "page"
        if name.suffix == ".html" and name.stem == "leaderboard"
        else "table"
        if name.stem.startswith("table")
        else "board"
    )


def test_an_unknown_part_is_refused_and_others_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path)
    assert main(["report", folder, "--only", "board,pages"]) == 2
    assert not missing_from(capsys.readouterr().err, "--only 'pages'", "board", "page", "table")
    assert main(["report", folder, "--only", "page", "--bundle", folder]) == 2
    assert not missing_from(capsys.readouterr().err, "--only", "--bundle", "--to")


def test_a_report_that_is_stopped_leaves_whole_files_and_those_of_the_first(
    hostile: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    def stopped(data: ReportData) -> Iterator[str]:
        yield "half a table"
        raise KeyboardInterrupt

    shutil.copytree(hostile, tmp_path, dirs_exist_ok=True)
    (tmp_path / "leaderboard.md").chmod(0o600)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.setattr("noisebench.report.write.leaderboard_csv", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_report(small_board(), tmp_path)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(before)
    assert {path.name for path in before if path.read_bytes() != before[path]} == {"leaderboard.md"}
    assert (tmp_path / "leaderboard.md").stat().st_mode & 0o777 == 0o600


def test_a_report_takes_no_picture_of_somebody_else_and_writes_through_no_link(tmp_path: Path) -> None:
    plots, precious = tmp_path / "to" / "plots", tmp_path / "precious.txt"
    (plots / "thesis").mkdir(parents=True)
    mine = ("level-sets-of-my-thesis.png", "pareto-mine.pdf", "level-01-a-b.png", "thesis/panel-01-a-b.png",
            "thesis/panel-01-a-b.svg")  # fmt: skip
    old = ("level-07-a-b.png", "level-07-a-b.svg")
    for name in (*mine, *old):
        (plots / name).write_text("old")
    precious.write_text("mine")
    (tmp_path / "to" / "leaderboard.md").symlink_to(precious)
    (tmp_path / "to" / "table.md").symlink_to(tmp_path / "nothing")
    write_report(small_board(), tmp_path / "to")
    assert [name for name in (*mine, *old) if not (plots / name).exists()] == [*old]
    assert precious.read_text() == "mine" and not (tmp_path / "nothing").exists()
    assert (tmp_path / "to" / "leaderboard.md").read_text().startswith("# ")


@pytest.mark.parametrize("place", [".", "cells", "new/deep", "link"])
def test_no_report_is_written_into_a_store(place: str, tmp_path: Path) -> None:
    (tmp_path / "s" / "cells").mkdir(parents=True)
    (tmp_path / "s" / "store.json").write_text("{}")
    (tmp_path / "s" / "link").symlink_to("cells")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="store.*: name a f"):
        write_report(small_board(), tmp_path / "s" / place)
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "plots").symlink_to(tmp_path / "s" / "cells")
    with pytest.raises(UsageError, match="lies within the store"):
        write_report(small_board(), tmp_path / "to")
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["plots"]


# ------------------------------------------------------------------------------------- hostile names


def test_the_page_allows_its_own_style_and_script_and_fetches_nothing(hostile: Path) -> None:
    source = (hostile / "leaderboard.html").read_text()
    page = Elements()
    page.feed(source)
    assert {tag for tag, _ in page.found} <= {
        "html", "head", "meta", "title", "style", "body", "noscript", "script", "h1", "h2", "h3", "p", "nav", "ul",
        "li", "a", "section", "div", "table", "thead", "tbody", "tr", "th", "td", "strong", "code", "footer", "wbr",
    }  # fmt: skip
    known = {"lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "scope", "tabindex", "type",
             "aria-label"}  # fmt: skip
    assert {key for _, attributes in page.found for key in attributes} <= known
    assert all(a["href"].startswith("#") for tag, a in page.found if tag == "a")  # type: ignore[union-attr]
    policy = str(next(a["content"] for _, a in page.found if a.get("http-equiv") == "Content-Security-Policy"))
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", source, re.DOTALL)
        assert f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
    assert re.sub(r"(style|script)-src 'sha256-[\w+/=]+'; ", "", policy) == (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    assert '=<script>alert("x")</script>_&%$#{}~^\\ `|*[a](b) ünï 中' in page.text


def test_data_cannot_end_its_element(hostile: Path) -> None:
    source = (hostile / "leaderboard.html").read_text()
    found = re.findall(r'<script type="application/json" id="(\w+)">(.*?)</script>', source, re.DOTALL)
    assert [name for name, _ in found] == ["data", "previews"]
    assert all("<" not in text for _, text in found)
    values = json.loads(found[0][1])
    assert values["title"] == '=<script>alert("x")</script>_&%$#{}~^\\ `|*[a](b) ünï 中'
    assert all(address.startswith("data:image/png;base64,") for address in json.loads(found[1][1]))


def test_every_anchor_of_the_page_exists_once(hostile: Path) -> None:
    page = Elements()
    page.feed((hostile / "leaderboard.html").read_text())
    ids = [a["id"] for _, a in page.found if "id" in a]
    assert len(ids) == len(set(ids))
    assert {str(a["href"])[1:] for tag, a in page.found if tag == "a"} == set(ids) - {"data", "previews"}


def test_markdown_rows_keep_their_columns_and_hold_no_html(hostile: Path) -> None:
    text = (hostile / "leaderboard.md").read_text()
    outside_code = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text.replace("\\`", ""))
    assert "<" not in outside_code
    tables: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith(("| ", "|:", "|-")):
            tables[-1].append(line)
        elif tables[-1]:
            tables.append([])
    for table in filter(None, tables):
        assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in table}) == 1


def test_csv_has_no_formula_and_numbers_stay_numbers(hostile: Path) -> None:
    rows = list(csv.reader(io.StringIO((hostile / "leaderboard.csv").read_text())))
    assert len({len(row) for row in rows}) == 1
    head = rows[0]
    for row in rows[1:]:
        for name, cell in zip(head, row, strict=True):
            if cell[:1] in ("=", "+", "-", "@"):
                assert name in ("difference", "interval_low", "interval_high") and math.isfinite(float(cell))
    assert rows[1][head.index("dataset")].startswith("'=<script>")
    assert sum(row[head.index("difference")].startswith("-") for row in rows[1:]) == 4


def test_metrics_and_hashes_of_a_csv_are_no_formulas(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(METRICS, "=ssim", METRICS["ssim"])
    one = record("nlm", {"psnr": [30.0, 31.0], "=ssim": [0.5, 0.6]})
    cell: Any = structs.replace(one.cell, dataset=structs.replace(one.cell.dataset, fingerprint="=1"),
                 method=structs.replace(one.cell.method, source_sha256="=2"))  # fmt: skip
    write_report([replace(one, cell=cell)], tmp_path)
    (row,) = csv.DictReader((tmp_path / "leaderboard.csv").open())
    assert (row["'=ssim"], row["fingerprint"], row["source_sha256"]) == ("0.55", "'=1", "'=2")
    assert {row["fingerprint"] for row in csv.DictReader((tmp_path / "table.csv").open())} == {"'=1"}


def test_set_metrics_are_no_formulas_and_no_options() -> None:
    column = SetColumn("[fd]", "fd", 1, "f", "r", "=sha", "=resize", 1)
    value = SetValue(0.5, None, None, 2, None, ("=flag",), "")
    sets = [BoardSets([column], {"nlm": {"[fd]": value}})]
    boards = report_data([record("nlm", {"psnr": [30.0, 31.0]})], "").boards
    (row,) = csv.DictReader(io.StringIO(sets_csv(boards, sets)))
    assert (row["flags"], row["features_sha256"], row["resize"]) == ("'=flag", "'=sha", "'=resize")
    assert r"\footnotesize {}[fd]: version 1" in sets_latex(boards, sets)


def test_no_line_of_latex_begins_with_what_looks_like_an_option(tmp_path: Path) -> None:
    write_report([record(name, {"psnr": [30.0]}, notes=["*" + name], display=name) for name in ("中", "[a]")], tmp_path)
    for file in tmp_path.glob("*.tex"):
        assert not re.search(r"(\\\\|rule)\s*[\[*]", file.read_text()), file.name
    assert to_latex(TextTable(("[a]",), (False,), (("*",),)))[2:5:2] == [r"{}[a] \\", r"{}* \\"]


def test_latex_has_no_raw_special_character(hostile: Path) -> None:
    text = (hostile / "leaderboard.tex").read_text()
    named = latex(HOSTILE)
    assert named == (
        r"=\textless{}script\textgreater{}alert(\textquotedbl{}x\textquotedbl{})\textless{}/script\textgreater{}"
        r"\_\&\%\$\#\{\}\textasciitilde{}\textasciicircum{}\textbackslash{} "
        r"\textasciigrave{}\textbar{}*[a](b) ünï [U+4E2D]"
    )
    assert named in text
    body = [line for line in text.splitlines() if not line.startswith("%")]
    assert not [line for line in body if re.search(r"(?<!\\)[%#~^_]", line)]
    assert sum(line == r"\toprule" for line in body) == sum(line == r"\bottomrule" for line in body) == 3


def test_no_file_name_comes_from_a_name(hostile: Path) -> None:
    names = [p.relative_to(hostile).as_posix() for p in hostile.rglob("*") if p.is_file()]
    assert all(re.fullmatch(r"(plots/)?[a-z0-9-]+\.(md|csv|tex|html|json|png|svg)", name) for name in names)
    assert slug("../../etc/passwd") == "etc-passwd"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a|b", "a\\|b"), ("a\nb", "a b"), ("<b>", "&lt;b&gt;"), ("`x`", "\\`x\\`"), ("bayes_shrink", "bayes_shrink"),
     ("_x_", "\\_x\\_"), ("[a](b)", "\\[a\\](b)"), ("a\\|b", "a\\\\\\|b")],
)  # fmt: skip
def test_markdown_escapes(text: str, expected: str) -> None:
    assert markdown(text) == expected


def test_code_spans_survive_backticks() -> None:
    assert (markdown_code("a|b"), markdown_code("a``b"), markdown_code("`")) == ("`a|b`", "```a``b```", "`` ` ``")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r@"])
def test_a_formula_gets_an_apostrophe(start: str) -> None:
    assert spreadsheet(f"{start}1").startswith("'")


# ------------------------------------------------------------------------------------------- contents


def test_summary_has_every_number_of_the_board(tmp_path: Path) -> None:
    write_report(small_board(), tmp_path)
    document = json.loads((tmp_path / "summary.json").read_text())
    (board,) = document["boards"]
    rows = {row["method"]: row for row in board["rows"]}
    assert rows["nlm"]["scores"]["psnr"] == {"mean": 29.5041667, "identical": 0, "note": ""}
    assert rows["oracle"]["scores"]["psnr"]["mean"] == "inf"
    assert rows["median"]["scores"]["ssim"]["mean"] is None
    assert "smaller than 11" in rows["median"]["scores"]["ssim"]["note"]
    assert rows["nlm"]["cost"]["latency_ms"]["p50"] == 150.0
    assert rows["blur"]["below_baseline"] is True
    assert [(f["label"], f["outcome"]) for f in document["failures"]] == [
        ("bm3d", "skipped"), ("net", "failed"), ("median", "timeout"),
    ]  # fmt: skip
    assert board["fingerprint"] == sha("photos")


def test_a_report_of_very_many_rows_says_the_best_and_has_all_beside_them(tmp_path: Path, monkeypatch: Any) -> None:
    records = [
        record(f"m{i:02}", {"psnr": [30.0 - i, 31.0 - i]}, regime=f"gaussian(sigma={level})")
        for level in (15, 25)
        for i in range(12)
    ]
    write_report(records, tmp_path / "small")
    monkeypatch.setattr("noisebench.report.data.LARGE", 23)
    write_report(records, tmp_path / "large")
    whole, lean = (json.loads((tmp_path / name / "summary.json").read_text()) for name in ("small", "large"))
    for own, board in zip(whole["boards"], lean["boards"], strict=True):
        assert board["rows"] == own["rows"][:10] and len(own["rows"]) == 12
        assert "evidence" not in board and "all_in" not in own
        assert json.loads((tmp_path / "large" / board["all_in"]).read_text()) == own
    for name in ("leaderboard.md", "leaderboard.tex"):
        small, large = ((tmp_path / folder / name).read_text() for folder in ("small", "large"))
        assert small.count("m11") > large.count("m11") and "more row" not in small
        assert large.count("and 2 more rows: leaderboard.csv has all") == 2
    csv = "leaderboard.csv"
    assert (tmp_path / "small" / csv).read_bytes() == (tmp_path / "large" / csv).read_bytes()
    assert {*names_in(tmp_path / "small")} - {*names_in(tmp_path / "large")} == {
        *(f"table.{kind}" for kind in ("csv", "html", "md", "tex")), "table-supplement.tex"
    }  # fmt: skip


def names_in(folder: Path) -> list[str]:
    """The files of a folder itself."""
    return [path.name for path in folder.iterdir() if path.is_file()]


def test_a_table_of_very_many_rows_is_written_where_it_is_set_and_an_old_one_is_removed_where_not(
    tmp_path: Path, monkeypatch: Any
) -> None:
    write_report(small_board(), tmp_path)
    assert "table.tex" in names_in(tmp_path)
    monkeypatch.setattr("noisebench.report.data.LARGE", 1)
    write_report(small_board(), tmp_path)
    assert "table.tex" not in names_in(tmp_path)
    write_report(small_board(), tmp_path, table=TableOptions(rows="levels"))
    assert "table.tex" in names_in(tmp_path)


def test_what_a_report_of_very_many_rows_left_beside_it_goes_with_it(tmp_path: Path, monkeypatch: Any) -> None:
    with monkeypatch.context() as few:
        few.setattr("noisebench.report.data.LARGE", 1)
        write_report(small_board(), tmp_path)
    (tmp_path / "leaderboard_boards" / "mine.json").write_text("{}")
    write_report(small_board(), tmp_path)
    assert [file.name for file in (tmp_path / "leaderboard_boards").iterdir()] == ["mine.json"]


def test_neither_clock_nor_host_is_in_a_report(hostile: Path, tmp_path: Path) -> None:
    write_report(small_board(), tmp_path)
    for path in [*tmp_path.rglob("*"), *hostile.rglob("*")]:
        if path.is_file():
            content = path.read_bytes()
            assert b"secret-host" not in content
            assert not re.search(rb"20\d\d-\d\d-\d\dT|<dc:date>|tEXtSoftware|tEXtDate", content)


def test_a_failed_seed_is_listed_once_though_it_stands_on_two_boards(tmp_path: Path) -> None:
    records = [
        record("a", {"psnr": [20.0]}, seed=0),
        record("b", {}, pictures=1, seed=0, outcome="failed", reason="no"),
        record("b", {"psnr": [20.0]}, seed=1),
    ]
    write_report(records, tmp_path)
    document = json.loads((tmp_path / "summary.json").read_text())
    assert [(b["seeds"], len(b["rows"])) for b in document["boards"]] == [([0], 1), ([0, 1], 0)]
    assert len(document["failures"]) == 1


# --------------------------------------------------------------------------------------------- tracks


def headings(folder: Path) -> list[str]:
    return re.findall(r"^## (.*)", (folder / "leaderboard.md").read_text(), re.M)


def test_a_report_speaks_in_the_words_of_its_track(tmp_path: Path) -> None:
    write_report(fits_board(), tmp_path)
    text = (tmp_path / "leaderboard.md").read_text()
    assert headings(tmp_path)[:2] == ["bumps · gaussian(sigma=0.05)", "bumps · gaussian(sigma=0.2)"]
    assert not missing_from(text, "means over functions.", "by rmse (lower is better)", "Mean RMSE over functions")
    assert "Grey: noisy samples and references." in text
    whole = "".join(p.read_text() for p in tmp_path.iterdir() if p.suffix in (".md", ".tex", ".csv", ".json"))
    assert not re.search(r"pictures? |clean|restored|psnr|PSNR|dB\b", whole)


def test_tracks_stand_apart_and_only_then_is_a_track_named(tmp_path: Path) -> None:
    write_report([*small_board(), *fits_board()], tmp_path)
    assert headings(tmp_path)[:3] == [
        "functions: bumps · gaussian(sigma=0.05)", "functions: bumps · gaussian(sigma=0.2)",
        "photos · gaussian(sigma=25)",
    ]  # fmt: skip
    text = (tmp_path / "leaderboard.md").read_text()
    assert "7 functions · ranked by rmse" in text and "12 pictures · ranked by psnr" in text
    assert "means over items." in text
    document = json.loads((tmp_path / "summary.json").read_text())
    assert [(b["track"], b["dataset"], b["items"]) for b in document["boards"]] == [
        ("functions", "bumps", 7), ("functions", "bumps", 7), ("restore", "photos", 12),
    ]  # fmt: skip
    assert (document["schema"], document["boards"][2]["words"]["given"]) == (3, "noisy input")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "leaderboard.csv").read_text())))
    assert [line["track"] for line in lines if line["outcome"] == "ok"] == ["functions"] * 6 + ["restore"] * 6


def test_a_track_draws_what_its_methods_left(tmp_path: Path) -> None:
    write_report(fits_board(), tmp_path)
    drawn = sorted(p.name for p in (tmp_path / "plots").iterdir() if p.name.startswith(("drawing", "panel")))
    assert drawn == [f"drawing-0{i}-bumps-gaussian-sigma-0-{end}" for i, end in
                     ((1, "05.png"), (1, "05.svg"), (2, "2.png"), (2, "2.svg"))]  # fmt: skip
    page = (tmp_path / "leaderboard.html").read_text()
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    captions = [caption for caption, _, board, *_ in data["plots"] if board is not None]
    assert sum(caption.startswith("Fits of f0 on bumps · gaussian(sigma=") for caption in captions) == 2
    assert all(board["previews"] == [] for board in data["boards"])


def test_fits_that_are_no_pictures_do_not_stop_the_report(tmp_path: Path) -> None:
    torn = [replace(r, panel=Panel("f0", {"fit": data})) for r, data in
            zip(fits_board(), (b"", b"no picture", png(1)[:40]), strict=False)]  # fmt: skip
    assert write_report(torn, tmp_path)


def test_cells_of_a_track_that_is_not_loaded_are_reported_without_its_plots(tmp_path: Path) -> None:
    strange = [replace(r, cell=structs.replace(r.cell, track="elsewhere")) for r in fits_board()]  # type: ignore[typeddict-item]
    write_report(strange, tmp_path)
    assert headings(tmp_path)[0] == "bumps · gaussian(sigma=0.05)"
    assert not [p for p in (tmp_path / "plots").iterdir() if p.name.startswith("drawing")]


def test_words_and_tracks_of_a_stored_cell_are_only_text(tmp_path: Path) -> None:
    words = {name: HOSTILE for name in ("item", "items", "given", "output", "truth", "level")}
    strange = [
        replace(r, cell=structs.replace(r.cell, track=track, words=words))  # type: ignore[typeddict-item]
        for track in (HOSTILE, "other") for r in fits_board()
    ]  # fmt: skip
    write_report(strange, tmp_path)
    page = Elements()
    page.feed((tmp_path / "leaderboard.html").read_text())
    assert sum(tag == "script" for tag, _ in page.found) == 3
    text = (tmp_path / "leaderboard.md").read_text()
    assert "<script" not in re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text.replace("\\`", ""))
    body = [line for line in (tmp_path / "leaderboard.tex").read_text().splitlines() if not line.startswith("%")]
    assert not [line for line in body if re.search(r"(?<!\\)[%#~^_]", line)]
    rows = list(csv.reader(io.StringIO((tmp_path / "leaderboard.csv").read_text())))
    assert {row[0][:2] for row in rows[1:]} == {"'=", "ot"}


# ---------------------------------------------------------------------------------------------- plots


def test_each_kind_of_plot_is_drawn_at_paper_width(hostile: Path) -> None:
    plots = sorted(p.name for p in (hostile / "plots").iterdir() if p.suffix == ".png")
    kinds = [re.sub(r"-\d\d-.*", "", name) for name in plots]
    assert kinds == ["level", "panel", "panel", "pareto", "pareto"]
    widths = {cv2.imread(str(hostile / "plots" / name)).shape[1] for name in plots}
    assert widths == {7 * 300}


def test_a_family_is_one_parameter_that_varies() -> None:
    from noisebench.boards.build import boards

    made = boards(
        [
            record(scores={"psnr": [20.0]}, regime=f"poisson_gaussian(peak={peak}, sigma={sigma})")
            for peak, sigma in ((30, 5), (30, 10), (60, 5))
        ]
        + [record(scores={"psnr": [20.0]}, regime="gaussian(sigma=25)")]
    )
    families = level_families(made)
    assert [(f.parameter, f.regime, [level for level, _ in f.boards]) for f in families] == [
        ("poisson_gaussian.sigma", "poisson_gaussian(peak=30)", [5.0, 10.0]),
        ("poisson_gaussian.peak", "poisson_gaussian(sigma=5)", [30.0, 60.0]),
    ]


def test_the_front_holds_what_no_other_beats() -> None:
    points = [(1.0, 20.0), (2.0, 25.0), (3.0, 24.0), (2.0, 26.0), (9.0, 26.0)]
    assert front(points, higher=True) == [0, 3]
    assert front(points, higher=False) == [0]


def test_names_fit_their_room_and_stay_apart() -> None:
    long = [f"vst(kind=anscombe, method=trained(arch=unet(width={w}), optimizer=sgd_sai))" for w in (16, 32)]
    names = legend_names(["W" * 200, "nlm", *long], 1.5)
    assert all(text_width(name, 8) <= 1.5 for name in names.values())
    assert len(set(names.values())) == 4
    assert names["nlm"] == "nlm"
    assert [names[label] for label in long] == ["vst(…width=16…)", "vst(…width=32…)"], "what differs is what is shown"
    bare = [f"consistency model{how} teacher, {n} calls" for how in (" with a", ", no") for n in (2, 4)]
    shorts = legend_names(bare, 1.9)
    assert all(text_width(short, 8) <= 1.9 and short.startswith("consist") for short in shorts.values())
    assert all(("no teacher" in short) == ("no teacher" in label) for label, short in shorts.items())
    judged = [f"distilled for long {how} a judge, 4 calls" for how in ("with", "without")]
    assert [name.partition("…")[2] for name in legend_names(judged, 1.7).values()] == [
        "with a judge, 4 calls", "without a judge, 4 calls",
    ]  # fmt: skip
    assert len(set(legend_names(bare, 0.9).values())) == 4, "numbers tell them apart where nothing else has room"
    assert fit("中" * 99, 1.0) != "中" * 99
    assert shorten("nlm(h=0.6, patch=7)", 10) == "nlm(…ch=7)"


def test_crops_that_are_no_pictures_do_not_stop_the_report(tmp_path: Path) -> None:
    torn = panel_of("p000", b"", b"not a picture", png(1)[:40])
    small = panel_of("p000", png(1), png(2), png(3, size=8))
    for panel in (torn, small):
        assert write_report([record(scores={"psnr": [20.0] * 6}, panel=panel)], tmp_path)


def test_a_big_store_takes_seconds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    items = [f"p{i:03d}" for i in range(100)]
    records = [
        record(f"m{m:02d}", {"psnr": rng.normal(30, 1, 100)}, regime=f"gaussian(sigma={g})", items=items)
        for g in range(1, 21) for m in range(50)
    ]  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    write_report(records, tmp_path)
    # A tenth of 10,000 cells × 100 pictures; the CPU time, because the tests share the machine.
    assert time.process_time() - start < 6.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_the_cells_of_several_stores_are_on_one_board(tmp_path, capsys):
    ours, theirs = (record(name, {"psnr": np.arange(6) + more}) for name, more in (("median", 20.0), ("nlm", 21.0)))
    for name, records in (("ours", [ours]), ("theirs", [theirs, ours])):
        write_export(tmp_path / f"{name}.json", Results.of(records))
    files = [str(tmp_path / f"{name}.json") for name in ("ours", "theirs")]
    assert main(["report", *files, "--only", "board", "--to", str(tmp_path / "board"), "--json"]) == 0
    (board,) = json.loads(capsys.readouterr().out)["summary"]["boards"]
    assert [row["method"] for row in board["rows"]] == ["nlm", "median"]
