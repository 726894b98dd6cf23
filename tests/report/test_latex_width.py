"""Tables of LaTeX fit the width that is stated: measured anew in Computer Modern, as matplotlib has it."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import matplotlib
import pytest
from conftest import ROOT, Run
from latex_parser import latex_problems
from matplotlib.ft2font import FT2Font
from noisebench.cli import main
from noisebench.report.data import ReportData, report_data
from noisebench.report.latex_table import LatexCell, Tabular, Width, fit, read_width
from noisebench.report.latex_width import breakable, ems, points
from noisebench.report.leaderboard import leaderboard_latex
from noisebench.report.order_stability import statistics_latex
from noisebench.report.paper_table.build import paper_tables
from noisebench.report.paper_table.formats import supplement_latex, tables_latex
from noisebench.report.paper_table.table import TableOptions
from noisebench.store.reading import read_records
from noisebench.text.errors import UsageError

SMALL = {r"\footnotesize": (8, 1.0625, 3.0), "": (10, 1.0, 6.0)}
"""Points, how much wider cmr8 is for its size than cmr10, and \\tabcolsep."""


@cache
def font() -> FT2Font:
    return FT2Font(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "cmr10.ttf")))


def measured(tex: str) -> float:
    """How wide a cell prints, in em of cmr10; what is bold 15 % wider, as cmbx10 is."""
    lines = re.sub(r"\\shortstack(\[l\])?", "", tex).split(r"\\")
    return max(_line(line) for line in lines)


def _line(tex: str) -> float:
    bold = 1.15 if r"\textbf" in tex else 1.0
    text = re.sub(r"\\textsuperscript\{(\w+)\}", r"\1", tex)
    text = re.sub(r"\\text(periodcentered|less|greater|quotedbl|bar)\{\}", "x", text)
    text = re.sub(r"\$\\?\w+\$|\\(multicolumn\{\d+\}\{c\}|textbf|underline|dots)|[{}$]", "", text)
    text = text.replace("\\", "")
    return bold * sum(font().load_char(ord(letter)).linearHoriAdvance / 65536 for letter in text.strip()) / font_em()


@cache
def font_em() -> float:
    font().set_size(10, 72)
    return 10.0


def widths(tex: str) -> list[float]:
    """The width of each tabular of a text, in points."""
    found = []
    size = SMALL[""]
    for part in re.findall(
        r"\\footnotesize\\setlength|\\end\{table\*?\}|\\begin\{tabular\}.*?\\end\{tabular\}", tex, re.DOTALL
    ):
        if part.startswith(r"\end"):
            size = SMALL[""]
        elif part.startswith(r"\foot"):
            size = SMALL[r"\footnotesize"]
        else:
            rows = [line.removesuffix(r" \\").split(" & ") for line in part.splitlines() if line.endswith(r" \\")]
            columns = len(re.search(r"\{tabular\}\{(\w+)\}", part)[1])  # type: ignore[index]
            body = [row for row in rows if len(row) == columns and r"\multicolumn" not in "".join(row)]
            points, wider, gap = size
            found.append(
                sum(max(map(measured, column)) for column in zip(*body, strict=True)) * points * wider
                + 2 * gap * columns
            )
    return found


@pytest.fixture(scope="module", params=["adversarial_detection", "demo", "train_cnn_optimizers"])
def data(request: pytest.FixtureRequest) -> ReportData:
    return report_data(read_records(ROOT / f"results/{request.param}.parquet"), "t")


def latex_files(data: ReportData, width: Width) -> dict[str, str]:
    tables = paper_tables(data.boards, TableOptions(width=width))
    return {
        "table": tables_latex(tables, width),
        "leaderboard": leaderboard_latex(data, width),
        "statistics": statistics_latex(data.sections, width),
        "supplement": supplement_latex(tables, width),
    }


@pytest.mark.parametrize("text", ["column", "page"])
def test_tables_have_their_columns_in_each_row_and_their_signs_escaped(data: ReportData, text: str) -> None:
    found = {name: latex_problems(tex) for name, tex in latex_files(data, read_width(text)).items()}
    assert [problem for problems in found.values() for problem in problems] == []


PAPER = r"""\documentclass[10pt,twocolumn]{article}
\usepackage{booktabs,textcomp}\usepackage[T1]{fontenc}\usepackage{lmodern}
\setlength{\textwidth}{486pt}\setlength{\columnsep}{18pt}\setlength{\textheight}{9000pt}\extrafloats{500}
\begin{document}
"""


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no LaTeX is installed")
@pytest.mark.parametrize("text", ["column", "page"])
def test_a_paper_sets_every_table_without_an_overfull_box(data: ReportData, text: str, tmp_path: Path) -> None:
    # Each float is flushed, for many wait for a page of their own.
    flushed = (
        re.sub(r"(\\end\{table\*?\})", r"\1\\clearpage", tex) for tex in latex_files(data, read_width(text)).values()
    )
    (tmp_path / "paper.tex").write_text("\n".join([PAPER, *flushed, r"\end{document}"]), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "paper.tex"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    log = (tmp_path / "paper.log").read_text(encoding="utf-8", errors="replace")
    assert re.findall(r"Overfull .hbox.*|Missing character.*", log) == []


@pytest.mark.parametrize(
    ("tex", "said"),
    [
        (r"\begin{tabular}{lr}\toprule a & b \\ c \\\bottomrule\end{tabular}", "1 of 2 columns"),
        (r"\begin{tabular}{l}\toprule a \\ b_c \\\end{tabular}", "_ outside of maths"),
        (r"\begin{table}{\end{table}", "1 braces are open"),
        (r"\begin{table}\end{table*}", "closes another"),
        (r"costs $5", "without its second"),
    ],
)
def test_a_strict_reading_sees_what_tex_stops_at(tex: str, said: str) -> None:
    assert any(said in problem for problem in latex_problems(tex))


@pytest.mark.parametrize("text", ["column", "page", "345pt"])
def test_every_table_of_a_board_fits(data: ReportData, text: str) -> None:
    width = read_width(text)
    tables = paper_tables(data.boards, TableOptions())
    for tex in (tables_latex(tables, width), leaderboard_latex(data, width), statistics_latex(data.sections, width)):
        assert widths(tex) and max(widths(tex)) <= width.points
        assert tex.count(rf"\begin{{{width.environment}}}") == tex.count(rf"\end{{{width.environment}}}") > 0
    assert r"\ref{tab:noisebench-levels-1}" in supplement_latex(tables, width) or "[A]" not in tables_latex(
        tables, width
    )


def test_a_width_is_an_upper_bound_of_what_a_font_has() -> None:
    for text in ("Poisson, peak 30", "29.47/0.7367", "rank method psnr (dB)", "trained(arch=unet(width=16))", "WMQ@%&"):
        assert _line(text) <= ems(text) <= 1.3 * _line(text)


NAMES = ("net", "trained(arch=dncnn(depth=7, width=8), objective=supervised(loss=l2))", "a net of three words")


def tabular(levels: int, names: tuple[str, ...] = NAMES) -> Tabular:
    rows = tuple((LatexCell.of(name), *(LatexCell("29.47/0.7367", ems("29.47/0.7367")),) * levels) for name in names)
    head = ("Method", *(f"level {level}" for level in range(levels)))
    return Tabular("l" + "c" * levels, tuple(map(LatexCell.of, head)), rows, over=((LatexCell.of("set12"), levels),))


def test_a_table_that_fits_stays_as_it_is() -> None:
    fitted = fit(tabular(2, ("net", "nlm")), Width(234.0))
    assert fitted.lines[0] == r"\begin{tabular}{lcc}" and not fitted.key


def test_a_long_name_has_a_key_and_columns_without_room_are_a_panel_of_their_own() -> None:
    fitted = fit(tabular(5), Width(234.0))
    assert fitted.key == {"trained [A]": NAMES[1]}
    assert fitted.lines[0] == r"\footnotesize\setlength{\tabcolsep}{3pt}"
    assert [line for line in fitted.lines if line.startswith(("\\begin", "Method"))] == [
        r"\begin{tabular}{lcc}", r"Method & level 0 & level 1 \\",
        r"\begin{tabular}{lcc}", r"Method & level 2 & level 3 \\",
        r"\begin{tabular}{lc}", r"Method & level 4 \\",
    ]  # fmt: skip
    assert fitted.lines.count(r" & \multicolumn{2}{c}{set12} \\") == 2


def test_a_word_without_blanks_may_be_broken() -> None:
    assert breakable("few words", 100, 8) == "few words"
    pieces = breakable("psnr|uint8@1|" + "x" * 60, 100, 8).split(r"\allowbreak{}")
    assert len(pieces) > 3 and all(points(ems(piece.replace(r"\textbar{}", "|")), 8) <= 100 for piece in pieces)


def test_the_width_is_chosen_on_the_command_line(cli: Run, tmp_path: Path) -> None:
    cli("report", ROOT / "results/demo.parquet", "--to", "b", "--only", "table", "--width", "column")
    assert r"\begin{table}" in (tmp_path / "b" / "table.tex").read_text()
    said = cli("report", ROOT / "results/demo.parquet", "--to", "b", "--width", "5cm", code=2).stderr
    assert "--width '5cm': " in said and "column" in said and "345pt" in said
    with pytest.raises(UsageError):
        read_width("60pt")


@pytest.mark.parametrize(("width", "parts"), [("column", 2), ("page", 1)])
def test_report_says_where_a_table_is_in_parts_and_shows_no_board_beside_it(
    width: str, parts: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "board"
    assert (
        main(["report", str(ROOT / "results/demo.parquet"), "--only", "table", "--width", width, "--to", str(to)]) == 0
    )
    out = capsys.readouterr().out
    assert (to / "table.tex").read_text(encoding="utf-8").count(r"\begin{tabular}") == parts
    assert (f" in {parts} parts" in out and "--table-digits" in out) == (parts > 1)
    assert "rank  method" not in out
