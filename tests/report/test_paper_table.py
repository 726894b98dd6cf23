"""The table that papers print: exact tables, which means are marked, what is missing, hostile names, its options."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from board_records import cost_record, record
from messages import missing_from
from msgspec import structs
from noisebench.boards.build import boards
from noisebench.boards.rows import Row
from noisebench.boards.signature import explain_signature
from noisebench.report.names import shown
from noisebench.report.paper_table.build import paper_tables
from noisebench.report.paper_table.costs import cost_text
from noisebench.report.paper_table.formats import NOTHING, tables_csv, tables_latex, tables_markdown
from noisebench.report.paper_table.headings import level_titles
from noisebench.report.paper_table.html_page import tables_html
from noisebench.report.paper_table.marks import marks
from noisebench.report.paper_table.table import PaperTable, TableOptions
from noisebench.report.write import write_report
from noisebench.store.record import Record
from noisebench.text.errors import UsageError

BASE = np.array([30.0, 28.5, 31.25, 26.0, 29.0, 33.0, 27.5, 30.5])
WOBBLE = np.array([0.1, -0.2, 0.15, 0.05, -0.1, 0.2, -0.15, -0.05])


def scored(method: str, gain: float, regime: str = "gaussian(sigma=25)", spread: float = 1.0, **more: object) -> Record:
    """A method that is `gain` better than the base on average, by much the same on each of 8 pictures."""
    psnr = BASE + gain + spread * WOBBLE
    return record(method, {"psnr": psnr, "ssim": psnr / 40}, regime=regime, **more)  # type: ignore[arg-type]


def small() -> list[Record]:
    """Two tied ones, one behind them, and the input itself, at two levels; one method lacks a level."""
    made = []
    for level in (15, 25):
        regime, off = f"gaussian(sigma={level})", -level / 10
        made += [
            scored("identity", off - 9, regime), scored("nlm", off - 1, regime, 2.0),
            scored("net", off, regime), scored("net2", off, regime, -1.0),
        ]  # fmt: skip
    lost = record("bm3d", {}, regime="gaussian(sigma=15)", pictures=8, outcome="timeout", reason="over 600 s")
    return [*made, lost, scored("bm3d", -2.5 - 0.5, "gaussian(sigma=25)", 1.5)]


def table_of(records: Sequence[Record], **options: object) -> PaperTable:
    (table,) = paper_tables(boards(records), TableOptions(**options))  # type: ignore[arg-type]
    return table


def body(markdown: str) -> list[str]:
    """The lines of the pipe table without the padding of its cells."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return ["|".join(cell.strip() for cell in line.split("|")) for line in lines if not line.startswith("|:-")]


def test_the_markdown_of_a_small_table() -> None:
    text = tables_markdown([table_of(small())])
    assert body(text) == [
        "|Method|σ = 15|σ = 25|",
        "|identity|18.97/0.4742|17.97/0.4492|",
        "|net|**27.97**/**0.6992**|**26.97**/**0.6742**|",
        "|net2|**27.97**/**0.6992**|**26.97**/**0.6742**|",
        "|bm3d|–<sup>a</sup>|<ins>26.47</ins>/<ins>0.6617</ins>|",
        "|nlm|26.97/0.6742|25.97/0.6492|",
    ]
    lines = text.splitlines()
    assert lines[0].startswith("PSNR (dB) ↑ / SSIM ↑: means over 8 pictures of photos. Bold: ")
    assert not missing_from(lines[0], "underlined: ", "paired test", "mean over pictures", "5%")
    fingerprint = small()[0].cell.dataset.fingerprint[:12]
    assert lines[-6:] == [
        "- <sup>a</sup> timeout: over 600 s",
        f"- Protocol uint8@1, seed 0, noisebench 0.1.0. SHA-256 of the pictures: photos: {fingerprint}.",
        *(
            f"- `{metric}|uint8@1|gaussian(sigma={level})@1|photos:{fingerprint}|seed 0|noisebench 0.1.0`"
            for level in (15, 25) for metric in ("psnr", "ssim")
        ),
    ]  # fmt: skip


def test_the_latex_of_a_small_table() -> None:
    text = tables_latex([table_of(small(), metrics=("psnr",), digits=(1,))])
    start, end = text.index(r"\begin{tabular}"), text.index(r"\par\smallskip")
    assert text[start:end].splitlines() == [
        r"\begin{tabular}{lcc}",
        r"\toprule",
        r" & \multicolumn{2}{c}{photos} \\",
        r"\cmidrule(lr){2-3}",
        r"Method & $\sigma$ = 15 & $\sigma$ = 25 \\",
        r"\midrule",
        r"identity & 19.0 & 18.0 \\",
        r"\midrule",
        r"net & \textbf{28.0} & \textbf{27.0} \\",
        r"net2 & \textbf{28.0} & \textbf{27.0} \\",
        r"bm3d & --\textsuperscript{a} & \underline{26.5} \\",
        r"nlm & 27.0 & 26.0 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]
    # It can be pasted back and checked: the signature of each number stands in it.
    signatures = [line.removeprefix("% ") for line in text.splitlines() if line.startswith("% psnr")]
    assert signatures[0].startswith("psnr|uint8@1|gaussian(sigma=15)@1|photos:")
    parts = explain_signature(signatures[0])["parts"]
    assert ["sigma=15.0" in part["value"] for part in parts if part["part"] == "regime"] == [True]
    (number,) = [part for part in parts if part["part"] == "number"]
    assert number["value"] == "psnr" and "dB" in number["meaning"] and "seeds" not in number["meaning"]


# ------------------------------------------------------------------------------------------------- marks


def ordered(*apart: str, roles: dict[str, str] | None = None) -> list[Row]:
    """Rows a, b, c, …, best first; each text says whom the row of that place is told apart from."""
    names = "abcdefgh"[: len(apart)]
    (board,) = boards([scored(name, -float(i)) for i, name in enumerate(names)])
    return [
        structs.replace(row, apart=frozenset(others), ranks=(1, 1), unranked="", role=(roles or {}).get(row.label, ""))  # type: ignore[arg-type]
        for row, others in zip(board.rows, apart, strict=True)
    ]


@pytest.mark.parametrize(
    ("apart", "best", "second"),
    [
        (("bc", "ac", "ab"), "a", "b"),
        (("c", "c", "ab"), "ab", ""),  # c is the last: there is nothing that it is better than
        (("cd", "cd", "abd", "abc"), "ab", "c"),
        (("", "", ""), "", ""),
        (("c", "", "a"), "", ""),  # b is told apart from neither: no group is better than all the rest
        (("bcd", "a", "a", "a"), "a", ""),
        (("bcd", "ad", "ad", "abc"), "a", "bc"),
        (("",), "", ""),
    ],
)
def test_marked_is_only_what_the_test_tells_apart_from_all_below(
    apart: tuple[str, ...], best: str, second: str
) -> None:
    found = marks(ordered(*apart), "abcdefgh")
    assert "".join(sorted(label for label, mark in found.items() if mark == "best")) == best
    assert "".join(sorted(label for label, mark in found.items() if mark == "second")) == second


def test_nothing_is_bold_where_what_is_there_to_be_beaten_is_in_front() -> None:
    apart = ("bcd", "acd", "abd", "abc")
    assert marks(ordered(*apart, roles={"a": "baseline"}), "abcd") == {}
    assert marks(ordered(*apart, roles={"b": "sanity"}), "abcd") == {"a": "best"}
    # To be better than the noisy input alone is no distinction.
    assert marks(ordered(*apart, roles={"c": "sanity", "d": "baseline"}), "abcd") == {"a": "best"}
    assert marks(ordered("cd", "cd", "abd", "abc", roles={"c": "sanity", "d": "baseline"}), "abcd") == {}
    # The best that is possible at all is no rival.
    assert marks(ordered(*apart, roles={"a": "optimum"}), "abcd") == {"b": "best", "c": "second"}


def test_nothing_is_bold_beside_a_method_that_was_not_tested() -> None:
    rows = ordered("bc", "ac", "ab")
    assert marks([*rows[:2], structs.replace(rows[2], ranks=None)], "abc") == {}
    assert marks([*rows[:2], structs.replace(rows[2], ranks=None)], "ab") == {"a": "best"}


def test_the_marks_are_those_of_the_test_of_the_board() -> None:
    noise = np.random.default_rng(3).normal(0, 0.3, (4, 8))
    rows = [record(f"m{i}", {"psnr": BASE + noise[i] - gap}) for i, gap in enumerate((0.0, 0.1, 2.0, 4.0))]
    (board,) = boards(rows)
    table = table_of(rows)
    found = {mark: {line.label for line in table.lines if line.cells[0][0].mark == mark} for mark in ("best", "second")}
    assert found == {"best": {"m0", "m1"}, "second": {"m2"}}
    apart = {row.label: row.apart for row in board.rows}
    assert all(other in apart[label] for label in ("m0", "m1") for other in ("m2", "m3")) and "m1" not in apart["m0"]


def test_with_too_few_pictures_nothing_is_marked_and_that_is_said() -> None:
    rows = [record(name, {"psnr": BASE[:5] + gain}) for name, gain in (("net", 0.0), ("nlm", -5.0))]
    text = tables_markdown([table_of(rows)])
    assert "**" not in text and "<ins>" not in text
    assert not missing_from(text, "- Too few pictures ", " (6 at least): photos.")


# ------------------------------------------------------------------------------- rows, columns and tables


def test_a_missing_level_is_a_dash_with_its_reason_and_is_in_no_number() -> None:
    numbers = list(csv.DictReader(io.StringIO("".join(tables_csv([table_of(small())])))))
    lost = [row for row in numbers if row["method"] == "bm3d" and row["level"] == "σ = 15"]
    assert [(row["mean"], row["note"]) for row in lost] == [("", "timeout: over 600 s")] * 2
    not_run = [one for one in small() if (one.cell.method.name, one.cell.outcome) != ("bm3d", "timeout")]
    assert table_of(not_run).footnotes == {"a": "not run"}


def test_a_score_that_is_not_defined_is_a_dash_with_its_reason() -> None:
    rows = small()
    bad = record("median", {"psnr": BASE - 5, "ssim": np.where(BASE == 33, math.nan, 0.5)},
                 row_notes=[""] * 5 + ["ssim: too small"] + [""] * 2)  # fmt: skip
    line = next(line for line in table_of([*rows, bad]).lines if line.label == "median")
    assert [mean.value is None for mean in line.cells[1]] == [False, True]
    assert line.cells[1][1].note == "ssim not defined on 1 of 8 pictures: ssim: too small"


def test_what_was_given_another_input_has_no_number() -> None:
    odd = scored("odd", 5.0, inputs="other")
    table = table_of([scored("net", 0.0), scored("nlm", -1.0), odd])
    line = next(line for line in table.lines if line.label == "odd")
    assert [mean.value for mean in line.cells[0]] == [None] * 2
    assert all(mean.note.endswith("another noisy input") for mean in line.cells[0])


def test_of_very_many_numbers_only_the_metric_that_ranks_is_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noisebench.report.paper_table.build.MAX_CELLS", 3)
    table = table_of(small())
    assert [[mean.mark for mean in line.cells[0]] for line in table.lines if line.label == "net"] == [["best", ""]]
    assert not missing_from(table.remarks[-1], "Only the metric", "ranks is tested", "too many numbers")


def test_what_no_method_can_reach_is_shown_and_said_not_to_be_compared() -> None:
    table = table_of([scored("net", 0.0), scored("nlm", -1.0), scored("bayes_optimum", 3.0),
                      scored("oracle", 9.0, flags={"oracle": True})])  # fmt: skip
    assert [(line.label, line.apart, line.cells[0][0].mark) for line in table.lines] == [
        ("bayes_optimum", True, ""), ("oracle", True, ""), ("net", False, "best"), ("nlm", False, ""),
    ]  # fmt: skip
    assert [one for one in table.remarks if one.startswith("Not compared, ") and ": bayes_optimum, oracle." in one]


def test_different_protocols_have_a_table_each() -> None:
    rows = [scored(m, g, protocol=p) for m, g in (("net", 0.0), ("nlm", -1.0)) for p in ("uint8", "y8")]
    tables = paper_tables(boards(rows), TableOptions())
    assert [table.remarks[0].partition(",")[0] for table in tables] == ["Protocol uint8@1", "Protocol y8@1"]
    assert tables_latex(tables).count(r"\begin{tabular}") == 2


def test_seeds_are_averaged_as_on_the_board() -> None:
    rows = [scored(m, g + seed, seed=seed) for m, g in (("net", 0.0), ("nlm", -1.0)) for seed in (0, 1)]
    (board,) = boards(rows)
    table = table_of(rows)
    assert {line.label: line.cells[0][0].value for line in table.lines} == {
        row.label: row.scores["psnr"].mean for row in board.rows
    }
    assert "seeds 0,1" in table.remarks[0]


def test_several_datasets_are_groups_of_columns_and_many_levels_run_down() -> None:
    def rows(levels: Sequence[int]) -> list[Record]:
        return [
            scored(m, g, f"gaussian(sigma={level})", dataset=d)
            for m, g in (("net", 0.0), ("nlm", -1.0)) for d in ("set12", "bsd68") for level in levels
        ]  # fmt: skip

    across = table_of(rows((50, 5, 25)))
    assert across.down == "methods"
    assert body(tables_markdown([across]))[0] == (
        "|Method|bsd68 σ = 5|bsd68 σ = 25|bsd68 σ = 50|set12 σ = 5|set12 σ = 25|set12 σ = 50|"
    )
    assert r" & \multicolumn{3}{c}{bsd68} & \multicolumn{3}{c}{set12} \\" in tables_latex([across])
    assert r"\cmidrule(lr){2-4}\cmidrule(lr){5-7}" in tables_latex([across])
    down = table_of(rows((5, 15, 25, 50)))
    assert down.down == "levels"
    assert body(tables_markdown([down]))[:3] == [
        "||net|nlm|", "|bsd68, σ = 5|**29.47**/**0.7367**|28.47/0.7117|",
        "|bsd68, σ = 15|**29.47**/**0.7367**|28.47/0.7117|",
    ]  # fmt: skip
    assert table_of(rows((5, 15, 25, 50)), rows="methods").down == "methods"
    assert tables_latex([down]).count(r"\midrule") == 2


def test_sets_stand_as_in_the_suite() -> None:
    rows = [scored(m, g, dataset=d) for m, g in (("net", 0.0), ("nlm", -1.0)) for d in ("bsd68", "photos", "set12")]

    def heads(records: Sequence[Record]) -> list[str]:
        return [name for name, _ in table_of(records).groups]

    assert heads(rows) == ["bsd68", "photos", "set12"]
    suite = {**rows[0].cell.suite, "datasets": "set12 bsd68"}
    said = [replace(row, cell=structs.replace(row.cell, suite=suite)) for row in rows]
    assert heads(said) == ["set12", "bsd68", "photos"]


def test_regimes_are_written_as_their_track_writes_them() -> None:
    regimes = [
        "gaussian(sigma=25)", "poisson(peak=30)", "gaussian(clip=True, sigma=25)", "downsample(scale=4)",
        "blur(width=2) + gaussian(sigma=2)", "of_a_plugin(strength=3)", "none",
    ]  # fmt: skip
    found = boards([scored("net", 0.0, regime) for regime in regimes])
    titles = dict(zip([board.regime for board in found], level_titles(found), strict=True))
    assert [titles[regime] for regime in regimes] == [
        "σ = 25", "Poisson, peak 30", "σ = 25, clip", "×4", "Blur, width 2 + σ = 2", "Of a plugin, strength 3",
        "no noise",
    ]  # fmt: skip
    # Two ways to draw the same noise are told apart.
    twins = boards([scored("net", 0.0, regime) for regime in ("gaussian(sigma=25)", "kair(sigma=25)")])
    assert level_titles(twins) == ["gaussian(sigma=25)", "kair(sigma=25)"]


def test_a_table_of_another_track_has_its_words() -> None:
    rows = [
        record(m, {"rmse": [x + i / 10 for i in range(8)]}, track="functions", dataset="bumps", rank_by="rmse",
               regime="gaussian(sigma=0.1)")
        for m, x in (("knn", 0.2), ("spline", 0.1))
    ]  # fmt: skip
    text = tables_markdown([table_of(rows)])
    assert text.startswith("RMSE ↓: means over 8 functions of bumps.")
    assert body(text) == ["|Method|σ = 0.1|", "|spline|**0.4500**|", "|knn|0.5500|"]


# ----------------------------------------------------------------------------------------------- options


def test_an_author_chooses_metrics_digits_and_methods() -> None:
    table = table_of(small(), metrics=("ssim", "psnr"), digits=(3, 1), methods=("nlm", "net", "identity"))
    assert body(tables_markdown([table])) == [
        "|Method|σ = 15|σ = 25|",
        "|identity|0.474/19.0|0.449/18.0|",
        "|nlm|0.674/27.0|0.649/26.0|",
        "|net|**0.699**/**28.0**|**0.674**/**27.0**|",
    ]


def test_a_method_with_a_name_may_still_be_chosen_by_its_spec() -> None:
    records = [replace(one, names={"method": "Mine"}) if one.cell.method.name == "net" else one for one in small()]
    for name in ("net", "Mine"):
        assert [line.label for line in table_of(shown(records), methods=(name,)).lines] == ["Mine"]


def test_a_method_is_named_by_a_spec_with_a_value_that_is_a_default() -> None:
    spec = {"spec": "net(width=8)"}
    records = [
        replace(one, cell=structs.replace(one.cell, method=structs.replace(one.cell.method, **spec)))
        if one.cell.method.name == "net"
        else one
        for one in small()
    ]
    assert [line.label for line in table_of(records, methods=("net(width=8.0)",)).lines] == ["net"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"metrics": ("pnsr",)}, "--table-metrics 'pnsr': no board has it: did you mean 'psnr'?"),
        ({"metrics": ("psnr", "psnr")}, "--table-metrics: a metric is named twice"),
        ({"methods": ("net3",)}, "--table-methods 'net3': no board has it: did you mean 'net'?"),
        ({"digits": (1, 2, 3)}, "--table-digits: 3 numbers for 2 metrics: give one, or one for each"),
        ({"digits": (-1,)}, "--table-digits: give whole numbers from 0 to 12"),
        ({"costs": ("mac",)}, "--table-costs 'mac': unknown: did you mean 'macs'?"),
        (
            {"costs": ("joules",)},
            "--table-costs 'joules': unknown: known: latency, latency_rel, macs, memory, params, weights",
        ),
        ({"costs": ("macs", "macs")}, "--table-costs: a cost is named twice"),
        ({"costs": ("macs",)}, "--table-costs: no cost was measured: add cost: {sizes: [256x256]} to the suite"),
    ],
)
def test_a_choice_that_fits_nothing_is_refused_in_one_line(options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        table_of(small(), **options)
    assert str(caught.value) == said


def test_a_store_without_scores_has_tables_that_say_so(tmp_path: Path) -> None:
    write_report([record("bm3d", {}, pictures=8, outcome="timeout", reason="over 600 s")], tmp_path)
    assert (tmp_path / "table.md").read_text() == f"{NOTHING}\n"
    assert NOTHING in (tmp_path / "table.html").read_text()
    assert (tmp_path / "table.tex").read_text().endswith(f"% {NOTHING}\n")
    assert (tmp_path / "table.csv").read_text().count("\n") == 1


# ------------------------------------------------------------------------------------------------- costs


def costing(method: str, size: Sequence[int] = (256, 256, 3), **numbers: object) -> Record:
    """The cost of a method, with these fields of it changed."""
    one = cost_record(method, size=size)
    one.cell.cost = structs.replace(one.cell.cost, **numbers)
    return one


def with_costs() -> list[Record]:
    """Of the small table: a network with all costs, a method of which nothing can be counted; others have none."""
    net = costing("net", params=668_227, macs=43_900_000_000, latency_ms={"p50": 1250.4}, latency_rel=0.85219,
                  peak_memory_bytes=70.7 * 2**20, weight_bytes=2_672_908)  # fmt: skip
    reasons = {"params": "no torch module: nothing to count", "macs": "no | torch & operation"}
    return [*small(), net, costing("nlm", params=None, peak_memory_bytes=0, reasons=reasons)]


ALL_COSTS = ("params", "macs", "latency", "latency_rel", "memory", "weights")


def test_costs_stand_between_the_name_and_the_levels() -> None:
    table = table_of(with_costs(), metrics=("psnr",), costs=ALL_COSTS)
    none = "|".join(["–<sup>a</sup>"] * 6)
    assert body(tables_markdown([table])) == [
        "|Method|Params (M)|MACs (G)|Latency (ms)|Latency (× ref)|Memory (MiB)|Weights (KiB)|σ = 15|σ = 25|",
        f"|identity|{none}|18.97|17.97|",
        "|net|0.668|43.9|1250|0.852|70.7|2610|**27.97**|**26.97**|",
        f"|net2|{none}|**27.97**|**26.97**|",
        f"|bm3d|{none}|–<sup>b</sup>|<ins>26.47</ins>|",
        "|nlm|–<sup>c</sup>|–<sup>d</sup>|10.0|2.50|–<sup>e</sup>|–<sup>f</sup>|26.97|25.97|",
    ]
    assert table.footnotes == {
        "a": "no cost was measured", "b": "timeout: over 600 s", "c": "no torch module: nothing to count",
        "d": "no | torch & operation", "e": "measured as 0", "f": "not measured",
    }  # fmt: skip
    assert table.remarks[-1].endswith("input of 256×256×3, cpu, 1 thread.")


def test_costs_are_rows_before_the_levels_where_these_run_down() -> None:
    table = table_of(with_costs(), metrics=("psnr",), costs=("latency", "params"), rows="levels")
    assert body(tables_markdown([table])) == [
        "||identity|net|net2|bm3d|nlm|",
        "|Latency (ms)|–<sup>a</sup>|1250|–<sup>a</sup>|–<sup>a</sup>|10.0|",
        "|Params (M)|–<sup>a</sup>|0.668|–<sup>a</sup>|–<sup>a</sup>|–<sup>b</sup>|",
        "|photos, σ = 15|18.97|**27.97**|**27.97**|–<sup>c</sup>|26.97|",
        "|photos, σ = 25|17.97|**26.97**|**26.97**|<ins>26.47</ins>|25.97|",
    ]
    assert [note.partition(":")[0] for note in table.footnotes.values()] == [
        "no cost was measured", "no torch module", "timeout",
    ]  # fmt: skip
    lines = tables_latex([table]).splitlines()
    assert [lines[place + 1].split(" &")[0] for place, line in enumerate(lines) if line == r"\midrule"] == [
        "Latency (ms)", r"photos, $\sigma$ = 15",
    ]  # fmt: skip


def test_costs_are_no_part_of_the_groups_of_columns() -> None:
    rows = [scored(m, g, dataset=d) for m, g in (("net", 0.0), ("nlm", -1.0)) for d in ("set12", "bsd68")]
    tables = [table_of([*rows, costing("net")], metrics=("psnr",), costs=("params", "latency_rel"))]
    assert body(tables_markdown(tables))[0] == "|Method|Params (M)|Latency (× ref)|bsd68 σ = 25|set12 σ = 25|"
    tex = tables_latex(tables)
    assert [
        line for line in tex.splitlines() if line.startswith((r"\begin{tabular}", " & ", r"\cmidrule", "Method"))
    ] == [
        r"\begin{tabular}{lcccc}",
        r" &  &  & \multicolumn{1}{c}{bsd68} & \multicolumn{1}{c}{set12} \\",
        r"\cmidrule(lr){4-4}\cmidrule(lr){5-5}",
        r"Method & Params (M) & Latency ($\times$ ref) & $\sigma$ = 25 & $\sigma$ = 25 \\",
    ]
    assert all(line.count(" & ") == 4 for line in tex.splitlines() if line.startswith(("net", "nlm")))
    assert r"\tabcolsep" not in tex
    wide = [table_of([*rows, costing("net")], metrics=("psnr",), costs=("params", "latency_rel", "memory"))]
    assert r"\tabcolsep" in tables_latex(wide)
    (over, heads, *_) = re.findall("<tr.*?</tr>", tables_html(wide, "Table"))
    assert over.startswith("<tr><td></td><td></td><td></td><td></td><th") and over.count("<th") == 2
    assert heads.count("<th") == 6 and '<th scope="col">Latency (× ref)</th>' in heads


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.85249, "0.852"), (3.494, "3.49"), (70.7, "70.7"), (1250.4, "1250"), (1253.0, "1250"), (9.999, "10.0"),
        (0.5, "0.500"), (0.9996, "1.00"), (1e-5, "0.0000100"), (1.5e7, "15000000"),
    ],
)  # fmt: skip
def test_a_cost_has_three_digits_and_no_exponent(value: float, text: str) -> None:
    assert cost_text(value, "latency") == text
    assert cost_text(value * 1e6, "params") == text


def test_costs_of_several_inputs_are_told_apart() -> None:
    rows = [scored("net", 0.0), scored("nlm", -1.0, "gaussian(sigma=50)")]
    own = [costing("net"), costing("nlm", (512, 512))]
    remark = table_of([*rows, *own], costs=("latency",)).remarks[-1]
    assert remark.endswith("input of 256×256×3, cpu, 1 thread (net); of 512×512, cpu, 1 thread (nlm).")


def test_a_family_has_the_cost_of_its_first_variant_and_says_so() -> None:
    family = {"family": "DnCNN"}
    rows = [
        scored("nlm", -1.0), scored("net15", 0.0, "gaussian(sigma=15)", flags=family),
        scored("net50", 0.0, "gaussian(sigma=50)", flags=family),
    ]  # fmt: skip
    own = [costing("net15", params=7), costing("net50", params=7, latency_ms={"p50": 20.0})]
    table = table_of([*rows, *own], costs=("params", "latency"))
    line = next(line for line in table.lines if line.label == "DnCNN")
    assert [(cost.value, cost.note) for cost in line.costs] == [(7.0, ""), (10.0, "of net15")]


def test_a_time_beside_other_work_is_said_to_be_too_long() -> None:
    table = table_of([scored("net", 0.0), scored("nlm", -1.0), costing("net", busy=3.0)], costs=("params", "latency"))
    line = next(line for line in table.lines if line.label == "net")
    params, latency = (cost.note for cost in line.costs)
    assert params == "" and not missing_from(latency, "busy machine", "time is too long")


def test_a_cost_is_a_row_of_the_csv_in_full() -> None:
    rows = list(csv.DictReader(io.StringIO("".join(tables_csv([table_of(with_costs(), costs=("params", "weights"))])))))
    found = [row for row in rows if row["metric"] in ("params", "weights") and row["method"] in ("net", "nlm")]
    assert [(row["method"], row["metric"], row["unit"], row["mean"], row["note"]) for row in found] == [
        ("net", "params", "", "668227.0", "256×256×3, cpu, 1 thread"),
        ("net", "weights", "KiB", repr(2_672_908 / 1024), "256×256×3, cpu, 1 thread"),
        ("nlm", "params", "", "", "no torch module: nothing to count; 256×256×3, cpu, 1 thread"),
        ("nlm", "weights", "KiB", "", "not measured; 256×256×3, cpu, 1 thread"),
    ]
    assert {row["dataset"] + row["level"] + row["signature"] + row["mark"] for row in found} == {""}
    assert {row["protocol"] for row in found} == {"uint8@1"}
    assert [row for row in rows if row["metric"] in ("psnr", "ssim")] == list(
        csv.DictReader(io.StringIO("".join(tables_csv([table_of(with_costs())]))))
    )


def test_the_command_line_adds_costs(cli, tmp_path: Path) -> None:
    demo = str(Path(__file__).parents[2] / "results" / "demo.parquet")
    cli("report", demo, "--to", "b", "--only", "table", "--table-costs", "latency", "memory", "--table-methods", "nlm")
    head, line = body((tmp_path / "b" / "table.md").read_text())
    assert head.startswith("|Method|Latency (ms)|Memory (MiB)|σ = 15|") and re.match(
        r"\|nlm\|[\d.]+(<sup>a</sup>)?\|2\.5\d\|", line
    )
    said = cli("report", demo, "--to", "b", "--table-costs", "mac", code=2)
    assert "--table-costs 'mac': unknown: did you mean 'macs'?" in said.stderr


# ---------------------------------------------------------------------------------------- hostile, and CSV

HOSTILE = "=<script>alert(1)</script> \\input{/etc/passwd} | **x** & % $ # _ { } ~ ^ é 中"


@pytest.mark.parametrize("name", ["[5pt]", "*", "²"])
def test_a_name_is_no_option_of_latex_and_no_number(name: str) -> None:
    rows = [scored(m, g, dataset=name) for m, g in ((name, 0.0), ("nlm", -1.0))]
    lines = tables_latex([table_of(rows)]).splitlines()
    assert lines[lines.index(r"\midrule") + 1].startswith({"[5pt]": "{}[5pt] & ", "*": "{}* & ", "²": "$^2$ & "}[name])


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_hostile_names_are_text_in_every_form() -> None:
    rows = [
        *(scored(HOSTILE if m == "net" else m, g, dataset=f"set{HOSTILE}") for m, g in (("net", 0.0), ("nlm", -1.0))),
        record("bad", {}, regime="gaussian(sigma=15)", dataset=f"set{HOSTILE}", pictures=8, outcome="failed",
               reason=HOSTILE),
        scored("bad", -2.0, dataset=f"set{HOSTILE}"),
        scored("nlm", -1.0, "gaussian(sigma=15)", dataset=f"set{HOSTILE}"),
        costing("nlm", device=HOSTILE, params=None, reasons={"params": HOSTILE}),
    ]  # fmt: skip
    tables = [table_of(rows, costs=("params",))]
    tex = tables_latex(tables)
    # A comment ends with its line, and takes what it holds as it is.
    tex = re.sub("(?m)^%.*", "", tex)
    assert r"\input" not in tex and r"\textbackslash{}input\{/etc/passwd\}" in tex
    assert all(len(re.findall(r"(?<!\\)&", line)) == 3 for line in tex.splitlines() if line.startswith(("nlm", "bad")))
    read = Elements()
    read.feed(tables_html(tables, HOSTILE))
    assert set(read.names) <= {
        "html", "head", "meta", "title", "style", "body", "main", "section", "p", "div", "table", "thead", "tbody",
        "tr", "th", "td", "strong", "ins", "sup", "ul", "li", "code",
    }  # fmt: skip
    assert read.text.count(HOSTILE) >= 4
    md = tables_markdown(tables)
    assert "<script" not in md.replace("`", "") or all("`" in line for line in md.splitlines() if "<script" in line)
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in md.splitlines() if line.startswith("|")}) == 1
    cells = [cell for row in csv.reader(io.StringIO("".join(tables_csv(tables)))) for cell in row]
    assert f"'{HOSTILE}" in cells and not any(cell.startswith("=") for cell in cells)


def test_the_csv_has_the_means_of_the_frame(cli, tmp_path: Path) -> None:
    cli("run", "--methods", "identity", "gaussian_filter", "median", "--datasets", "gaussian_field(n=6, size=24)",
        "--regimes", "gaussian(sigma={15,50})", "--store", "s")  # fmt: skip
    said = cli("report", "s", "--to", "b").stdout
    assert said.endswith(": b/table.tex (and .md, .csv, .html)\n")
    frame = nb.frame(tmp_path / "s").groupby(["method", "regime"])[["psnr", "ssim"]].mean()
    numbers = list(csv.DictReader(io.StringIO((tmp_path / "b" / "table.csv").read_text())))
    assert len(numbers) == 12
    for row in numbers:
        wanted = frame.loc[(row["method"], row["regime"]), row["metric"]]
        assert abs(float(row["mean"]) - wanted) <= 1e-12 * abs(wanted)
        assert row["signature"].startswith(f"{row['metric']}|uint8@1|{row['regime']}@1|gaussian_field:")
