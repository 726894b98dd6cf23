"""The court on tables of published numbers: what compares, what contradicts, what could explain it, what is known."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from noisebench.claims.court import PUBLISHED_TABLES, PlaceVerdict, citations, judge_table, known_here, read_table
from noisebench.cli import main
from noisebench.report.court import court_badge, court_markdown
from noisebench.text.errors import UsageError

HEAD = "method,set,level,value,source\n"


def table(tmp_path: Path, text: str, head: str = HEAD) -> Path:
    file = tmp_path / "table.csv"
    file.write_text(head + text, encoding="utf-8")
    return file


def judged(tmp_path: Path, text: str, head: str = HEAD) -> list[PlaceVerdict]:
    return judge_table(read_table(table(tmp_path, text, head)))


def test_sources_that_agree_on_what_they_share_are_one_class(tmp_path: Path) -> None:
    (place,) = judged(
        tmp_path,
        "DnCNN,Set12,25,30.44,A\nBM3D,Set12,25,29.97,A\nDnCNN,set-12,sigma=25,30.436,B\nSwinIR,Set12,25,31.01,B\n"
        "swinir,Set 12,σ=25,31.0,C\nNew,Set12,25,31.2,D\n",
    )
    assert place.classes == [("A", "B", "C"), ("D",)] and place.contradictions == []


def test_a_constant_shift_is_a_convention(tmp_path: Path) -> None:
    (place,) = judged(
        tmp_path, "A1,Rain100L,,36.74,RGB\nA2,Rain100L,,34.10,RGB\nA1,Rain100L,,38.99,Y\nA2,Rain100L,,36.40,Y\n"
    )
    (one,) = place.contradictions
    assert one.sources == ("RGB", "Y") and one.differences == pytest.approx({"A1": 2.25, "A2": 2.3})
    assert "luma (Y) against RGB" in one.could_be and "alike" in one.text
    assert place.classes == [("RGB",), ("Y",)]


def test_grey_sets_have_no_luma(tmp_path: Path) -> None:
    (place,) = judged(tmp_path, "A1,Set12,25,30.0,x\nA1,Set12,25,32.0,y\n")
    assert place.contradictions[0].could_be == ()


def test_validation_and_test_set_of_one_name(tmp_path: Path) -> None:
    (place,) = judged(
        tmp_path, "MIRNet,SIDD,,39.72,val\nNAFNet,SIDD,,39.89,val\nMIRNet,SIDD,,39.33,test\nNAFNet,SIDD,,39.49,test\n"
    )
    assert any("SIDD" in name for name in place.contradictions[0].could_be)


def test_what_differs_in_part_or_unevenly_is_no_convention(tmp_path: Path) -> None:
    in_part, uneven = judged(
        tmp_path,
        "A1,S,15,30.0,x\nA2,S,15,31.0,x\nA1,S,15,30.0,y\nA2,S,15,31.4,y\n"
        "A1,S,50,27.4,x\nA2,S,50,26.0,x\nA1,S,50,30.6,y\nA2,S,50,26.4,y\n",
    )
    assert "1 of 2" in in_part.contradictions[0].text and in_part.contradictions[0].could_be == ()
    assert "+0.4 to +3.2" in uneven.contradictions[0].text and uneven.contradictions[0].could_be == ()


def test_a_source_can_contradict_itself(tmp_path: Path) -> None:
    (place,) = judged(tmp_path, "A1,S,15,30.0,x\nA1,S,15,30.5,x\n")
    assert place.contradictions[0].sources == ("x", "x")


def test_levels_sets_and_metrics_are_places_of_their_own(tmp_path: Path) -> None:
    head = "source,value,metric,level,set,method\n"
    places = judged(tmp_path, "x,30.0,psnr,15,S,A\nx,0.9,ssim,15,S,A\nx,30.0,,25,S,A\nx,30.0,PSNR,15,T,A\n", head)
    assert len(places) == 4 and places[2].rows[0].metric == "psnr"


def test_what_is_reproduced_here_is_named_with_its_verdict(tmp_path: Path) -> None:
    rows = read_table(table(tmp_path, "DnCNN-S,Set12,15,32.86,x\nDnCNN,Set12,15,33.5,y\nOther,Set12,15,32.0,x\n"))
    known = known_here(rows)
    assert known[rows[0]].startswith("dncnn_s15_set12: ") and "32.859" in known[rows[1]] and rows[2] not in known


def test_values_of_one_line_have_verdicts_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    file.write_text('method,"Set12, 25","Set12, 50"\nDnCNN,30.44,27.18\n')
    rows = read_table(file)
    assert [(row.level, known_here(rows)[row].split(":")[0]) for row in rows] == [
        ("25", "dncnn_s25_set12"), ("50", "dpir_dncnn_50_set12"),
    ]  # fmt: skip


def test_the_report_keeps_text_of_the_table_in_its_cells(tmp_path: Path) -> None:
    places = judged(tmp_path, '"a|b<script>\n# x","S",15,30.0,"[l](http://x)"\n"a|b<script>\n# x",S,15,31.0,y\n')
    report = court_markdown("t|.csv", places, {})
    assert "<script>" not in report and "\n# x" not in report and "1 contradiction" in report


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = table(tmp_path, "A1,S,15,30.0,x\nA1,S,15,30.5,y\n")
    assert main(["court", str(file), "--to", str(tmp_path / "court.md")]) == 1
    assert "## S · 15 · psnr" in (tmp_path / "court.md").read_text()
    capsys.readouterr()
    assert main(["court", str(table(tmp_path, "A1,S,15,30.0,x\n")), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["places"][0]["classes"] == [["x"]] and document["here"] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no rows"), ("A1,S,15,,x\n", "line 2"), ("A1,S,15,nan,x\n", "nan"), ("A1,S,15,1e5,x\n", "1e5"),
        ("A1,S,15,inf,x\n", "inf"), ("A1,S,15,-,x\n", "number"), (",S,15,30.0,x\n", "method"), ("A1,S,15\n", "source"),
        ('A1,"S,15,30.0,x\n', "CSV"), ("A1,S,15,30.0,\n", "source"), ("A1,S,15,٣٠.٥,x\n", "number"),
    ],
)  # fmt: skip
def test_rows_that_are_none_are_refused_in_a_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        read_table(table(tmp_path, text))
    assert says in str(error.value) and "\n" not in str(error.value)


def test_files_that_are_no_table(tmp_path: Path) -> None:
    rows = HEAD.encode() + b"A,S,1,2.0,x\n" * 10_001
    for data, says in ((b"", "method"), (b"a,b\n1,2\n", "method"), (b"\xff\xfe\x00", "UTF-8"), (bytes(5 << 20), "MiB"),
                       (rows, "10,000"), (HEAD.encode() + b"\0" * 9, "empty|CSV")):  # fmt: skip
        (tmp_path / "t.csv").write_bytes(data)
        with pytest.raises(UsageError, match=says):
            read_table(tmp_path / "t.csv")
    with pytest.raises(UsageError, match="check the path"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(UsageError, match="cannot be read"):
        read_table(tmp_path)


# ------------------------------------------------------------------------------------------- other files

LATEX = r"""
\begin{table}\caption{Ours % no & here
}
\begin{tabular}{l|c@{\hspace{2pt}}c}
\toprule
Method & Set12, 25 & $\sigma$ \\ \midrule
BM3D~\cite{dabov} & 29.97 & 25 \\
\textbf{DnCNN} & \underline{\textbf{30.40}} & 25 \\[2pt]
IRCNN & -- & 25 \\
\bottomrule
\end{tabular}\end{table}
"""


def rows_of(file: Path, text: str) -> list[tuple[str, str, str, str, str]]:
    file.write_text(text, encoding="utf-8")
    return [(row.method, row.set, row.level, row.value, row.source) for row in read_table(file)]


def test_a_wide_table_has_a_row_for_each_number(tmp_path: Path) -> None:
    rows = rows_of(tmp_path / "wide.csv", 'method,"Set12, 25","BSD68, 50, ssim"\nA,30.40,0.81\nB,-,0.80\n')
    assert rows == [("A", "Set12", "25", "30.40", "wide"), ("A", "BSD68", "50", "0.81", "wide"),
                    ("B", "BSD68", "50", "0.80", "wide")]  # fmt: skip
    assert read_table(tmp_path / "wide.csv")[1].metric == "ssim"
    (row,) = rows_of(tmp_path / "wide.csv", 'method,source,"Set12, 25"\nA,a paper,30.4\n')
    assert row[-1] == "a paper"


def test_a_table_of_latex(tmp_path: Path) -> None:
    assert rows_of(tmp_path / "ours.tex", LATEX) == [
        ("BM3D", "Set12", "25", "29.97", "ours"), ("DnCNN", "Set12", "25", "30.40", "ours"),
    ]  # fmt: skip
    assert [row.line for row in read_table(tmp_path / "ours.tex")] == [7, 8]


def test_a_table_of_yaml_keeps_numbers_as_they_are_printed(tmp_path: Path) -> None:
    text = "- {method: A, set: S, level: 25, value: 30.40, source: x}\n- {method: B, set: S, value: 3, source: x}\n"
    assert rows_of(tmp_path / "t.yaml", text) == [("A", "S", "25", "30.40", "x"), ("B", "S", "", "3", "x")]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("t.tex", "no table", "tabular"), ("t.tex", LATEX.replace("29.97 & 25", "29.97"), "line 7.*2 cells"),
        ("t.tex", LATEX.replace("29.97", r"\multicolumn{2}{c}{29.97}"), "line 7.*spans"),
        ("t.tex", LATEX.replace("29.97", "29.97/0.87"), "line 7.*29.97/0.87"),
        ("t.yaml", "a: 1", "list"), ("t.yaml", "- [1, 2]", "line 1"), ("t.yaml", "- {a: {b: 1}}", "plain"),
        ("t.yaml", "- !!python/object:os.system {a: 1}", "method"), ("t.yaml", "- {", "YAML"), ("t.yaml", "", "list"),
        ("t.csv", 'name,"Set12, 25"\nA,30.1\n', "method"), ("t.csv", "method,Set12\nA,30.1\n", "Set12, 25"),
    ],
)  # fmt: skip
def test_other_files_that_are_no_table_are_refused_in_a_line(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        rows_of(tmp_path / name, text)
    assert "\n" not in str(error.value)


def test_the_badge_counts_contradictions(tmp_path: Path) -> None:
    file = table(tmp_path, "A1,S,15,30.0,x\nA1,S,15,30.5,y\n")
    assert main(["court", str(file), "--json", "--badge", str(tmp_path / "court.svg")]) == 1
    drawn = ET.parse(tmp_path / "court.svg").getroot()
    assert drawn.attrib["aria-label"] == "court: 1 contradiction" and "#b42318" in ET.tostring(drawn, "unicode")
    assert 'aria-label="court: no contradiction"' in court_badge(judged(tmp_path, "A1,S,15,30.0,x\n"))


# ------------------------------------------------------------------------------------------- published tables


def test_the_published_tables_are_many_small_and_cited() -> None:
    rows, cited = read_table(PUBLISHED_TABLES), citations()
    assert len(rows) >= 200 and len({row.source for row in rows}) >= 15
    assert {row.source for row in rows} == set(cited)
    assert all(re.search(r", https://[\w./-]+$", text) for text in cited.values())
    assert len({(row.method, row.place, row.source) for row in rows}) == len(rows)
    assert sum(file.stat().st_size for file in PUBLISHED_TABLES.parent.glob("published_tables*.csv")) <= 20_000


def test_luma_against_rgb_in_a_published_table_is_explained() -> None:
    (place,) = [one for one in judge_table(read_table(PUBLISHED_TABLES)) if one.rows[0].set == "Vid4"]
    (one,) = [c for c in place.contradictions if c.sources == ("BasicSR zoo, video (Y)", "BasicSR zoo, video (RGB)")]
    assert one.text.startswith("all 3 methods differ by -1.51 alike") and one.could_be == ("luma (Y) against RGB",)


def test_the_published_tables_are_judged_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["court", "published"]) == 1
    report = capsys.readouterr().out
    assert report.startswith("# Court: published\\_tables.csv") or report.startswith("# Court: published_tables.csv")
    assert "## Sources" in report and "- DnCNN paper: K. Zhang et al." in report
