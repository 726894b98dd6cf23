"""Two sides on the same inputs: what is matched, what is not and why, and what the numbers are."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from board_records import METRICS, as_schema_1, changed, cost_record, record
from messages import missing_from
from msgspec import structs
from noisebench.cli import main
from noisebench.comparing.comparison import Comparison, choose, compare
from noisebench.comparing.difference import Differences
from noisebench.comparing.pairing import Pairings
from noisebench.report.comparison import (
    comparison_latex,
    comparison_markdown,
    difference_table,
    notes,
    write_comparison,
)
from noisebench.report.comparison_files import comparison_csv, comparison_values
from noisebench.store.cell_json import plain_values
from noisebench.store.export import export_text
from noisebench.store.record import Record
from noisebench.text.errors import UsageError
from stored_cells import why_no_cell

A8 = [30.0, 31.0, 29.0, 28.0, 33.0, 27.0, 30.5, 26.0]


def psnr(values: Any = A8, method: str = "nlm", **more: Any) -> Record:
    return record(method, {"psnr": values}, **more)


def with_cell(one: Record, **fields: Any) -> Record:
    return replace(one, cell=changed(one.cell, **fields))


def reasons(found: Comparison) -> list[tuple[str, str]]:
    return [(u.side, u.reason) for u in found.unmatched]


# ---------------------------------------------------------------------------------------------- matching


def test_the_same_cells_differ_by_nothing() -> None:
    (d,) = compare([psnr()], [psnr()]).differences
    assert (d.difference, d.interval, d.p, d.counts) == (0.0, (0.0, 0.0), 1.0, (0, 8, 0))


def test_pictures_are_paired_by_the_hash_of_their_input_whatever_their_order_and_name() -> None:
    a = psnr([1.0, 2.0, 3.0])
    order = [2, 0, 1]
    b = replace(
        psnr([10.0, 20.0, 30.0]),
        items=["x", "y", "z"],
        input_sha256=[a.input_sha256[i] for i in order],
        scores={"psnr": np.array([30.0, 10.0, 20.0])},
    )
    left, right = Pairings().of(a, b).rows
    assert (left.tolist(), right.tolist()) == ([0, 1, 2], [1, 2, 0])
    (d,) = compare([a], [b]).differences
    assert d.difference == pytest.approx(18.0)
    assert d.a.tolist() == [1.0, 2.0, 3.0] and d.b.tolist() == [10.0, 20.0, 30.0]


def test_two_pictures_with_one_input_are_each_used_once() -> None:
    a = replace(psnr([1.0, 2.0]), input_sha256=["h", "h"])
    assert [rows.tolist() for rows in Pairings().of(a, replace(a, items=["q", "r"])).rows] == [[0, 1], [0, 1]]


def test_pictures_that_only_one_side_has_are_left_out_and_said() -> None:
    a, b = psnr([1.0, 2.0, 3.0]), psnr([1.5, 2.5])
    smaller = with_cell(b, dataset=structs.replace(b.cell.dataset, fingerprint="f" * 64))
    (d,) = compare([a], [smaller]).differences
    assert (d.items, d.difference) == (("p000", "p001"), 0.5)
    assert not missing_from(d.note, "1 of its 3 inputs", "dataset has other pictures (")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"method": "nlm2"}, "the method is absent: did you mean 'nlm2'?"),
        ({"dataset": "set12"}, "the dataset is absent: there is set12"),
        ({"regime": "gaussian(sigma=50)"}, "the regime is absent: there is gaussian(sigma=50)"),
        ({"seed": 1}, "the seed is absent: there is 1"),
        ({"protocol": "float"}, "other protocol: float@1, not uint8@1"),
    ],
)
def test_a_cell_without_partner_is_listed_with_the_reason(other: dict[str, Any], reason: str) -> None:
    found = compare([psnr()], [psnr(**other)])
    assert not found.differences
    assert reasons(found)[0] == ("A", reason)
    assert [side for side, _ in reasons(found)] == ["A", "B"]


def test_a_cell_of_another_track_is_no_partner() -> None:
    other = record("nlm", {"rmse": A8}, track="functions")
    assert reasons(compare([psnr()], [other])) == [
        ("A", "the track is absent: there is functions"), ("B", "the track is absent: there is restore"),
    ]  # fmt: skip


def test_metrics_stand_in_the_order_that_they_declare_and_with_their_decimals_in_old_cells_too() -> None:
    one = record("nlm", {"mse": A8, "ssim": A8, "psnr": A8})
    for a, b in ((one, one), (as_schema_1(one), one), (one, as_schema_1(one))):
        found = compare([a], [b]).differences
        assert [(d.metric, d.decimals, d.track) for d in found] == [
            ("psnr", 2, "restore"), ("ssim", 4, "restore"), ("mse", 4, "restore"),
        ]  # fmt: skip
    functions = record("spline", {"sup_norm": A8, "rmse": A8}, track="functions")
    assert [d.metric for d in compare([functions], [functions]).differences] == ["rmse", "sup_norm"]


def test_what_is_not_matched_is_said_in_the_words_of_the_track() -> None:
    a = record("spline", {"rmse": [0.1, math.nan, 0.2]}, track="functions")
    (d,) = compare([a], [a]).differences
    assert not missing_from(d.note, "rmse ", "not defined on 1 function")
    other = record("spline", {"rmse": [0.1, 0.3, 0.2]}, track="functions", inputs="other")
    assert reasons(compare([a], [other]))[0][1].endswith("the same functions")


@pytest.mark.parametrize("change", [
    {"words": {"item": "picture"}}, {"words": {"item": ["picture"], "items": "pictures", "given": "input"}},
    {"metrics": {"psnr": {**METRICS["psnr"], "gate": {"max_drop": "0.1"}}}},
    {"metrics": {"psnr": {**METRICS["psnr"], "order": "first"}}},
])  # fmt: skip
def test_a_cell_that_says_of_itself_what_cannot_be_is_damaged(change: dict[str, Any]) -> None:
    assert why_no_cell(plain_values(psnr().cell)) is None
    assert why_no_cell({**plain_values(psnr().cell), **change}) is not None


def test_other_inputs_are_not_matched() -> None:
    found = compare([psnr()], [psnr(inputs="other")])
    ((side, reason),) = reasons(found)
    assert side == "A" and not missing_from(reason, "none of its 8 inputs", "the regime", "the same pictures")


def test_a_failed_cell_is_not_matched_and_says_what_became_of_it() -> None:
    found = compare([psnr()], [psnr([], outcome="timeout", reason="after 3 s")])
    assert reasons(found) == [("B", "timeout: after 3 s")]


def test_a_metric_of_one_side_or_of_another_version_is_not_matched() -> None:
    both = record("nlm", {"psnr": A8, "ssim": [0.9] * 8})
    newer = with_cell(both, metrics={"psnr": {**METRICS["psnr"], "version": 2}, "ssim": METRICS["ssim"]})
    ((side, reason),) = reasons(compare([both], [psnr()]))
    assert side == "A" and not missing_from(reason, "ssim ", "not scored in B")
    assert reasons(compare([both], [newer])) == [("A", "psnr has other versions: 1 and 2")]


def test_pictures_without_a_score_are_left_out_and_said() -> None:
    (d,) = compare([psnr([1.0, math.nan, 3.0])], [psnr([2.0, 2.0, 5.0])]).differences
    assert (d.difference, d.items) == (1.5, ("p000", "p002"))
    assert not missing_from(d.note, "psnr ", "not defined on 1 picture")


def test_a_dataset_under_another_name_with_the_same_pictures_is_matched() -> None:
    b = psnr()
    moved = with_cell(b, dataset=structs.replace(b.cell.dataset, spec="folder(path='/b')", display="folder(path='/b')"))
    assert len(compare([psnr()], [moved]).differences) == 1


def test_differing_environments_are_named() -> None:
    b = psnr(environment={"noisebench": "0.1.0", "python": "3.12.0", "packages": {"torch": "2.5.0", "numpy": "2.0.0"},
                          "platform": "Linux-x86_64", "cpu": "Some CPU @ 2.4 GHz"})  # fmt: skip
    assert compare([psnr()], [b]).environments == (("python", ("3.11.9",), ("3.12.0",)),)


def test_speed_beside_other_reference_operations_is_not_compared() -> None:
    old = cost_record(p50=10)
    newer = replace(old, cell=structs.replace(old.cell, inputs={"reference": 2}))
    found = compare([psnr(), old], [psnr(), newer])
    assert found.speeds == ()
    (lost,) = found.unmatched
    assert (lost.method, lost.where) == ("nlm", "cost at 256×256×1, cpu, 1 thread")
    assert not missing_from(lost.reason, "reference operations (versions 1 and 2): ", "measure both again")


def test_speed_is_compared_at_the_same_setting() -> None:
    found = compare([psnr(), cost_record(p50=10)], [psnr(), cost_record(p50=15), cost_record(p50=1, size=(8, 8))])
    assert [(s.method, s.a, s.b) for s in found.speeds] == [("nlm", 2.5, 3.75)]


def test_speeds_of_two_processors_are_said_to_be_so() -> None:
    a, b = cost_record(p50=10), cost_record(p50=15)
    b = replace(b, cell=structs.replace(b.cell, environment={**b.cell.environment, "cpu": "Other CPU"}))
    line = (
        "costs timed on different processors (Other CPU and Some CPU @ 2.4 GHz): × ref compares less well across these"
    )
    assert line in notes(compare([psnr(), a], [psnr(), b]))
    assert not any("processors" in text for text in notes(compare([psnr(), a], [psnr(), a])))


# -------------------------------------------------------------------------------------------- statistics


def test_difference_interval_and_p_agree() -> None:
    gain = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, -0.05])
    (d,) = compare([psnr()], [psnr(list(np.array(A8) + gain))]).differences
    assert d.difference == pytest.approx(gain.mean())
    # Student's t gives 0.0048, 0.17 to 0.52, and takes the tails for normal.
    assert 0.005 < d.p < 0.05
    assert d.counts == (7, 0, 1)
    assert d.interval is not None
    assert 0 < d.interval[0] < 0.17 and 0.45 < d.interval[1] < 0.7


def test_p_values_and_intervals_are_of_all_rows_at_once() -> None:
    rng = np.random.default_rng(0)
    change = {"psnr": rng.normal(0.5, 1, 8), "ssim": rng.normal(0, 0.01, 8), "mse": rng.normal(0, 0.01, 8)}
    a = [record("nlm", {"psnr": A8, "ssim": [0.9] * 8, "mse": [0.5] * 8})]
    b = [record("nlm", {name: values + change[name] for name, values in a[0].scores.items()})]
    (alone,) = compare([record("nlm", {"psnr": A8})], [record("nlm", {"psnr": b[0].scores["psnr"]})]).differences
    among = next(d for d in compare(a, b).differences if d.metric == "psnr")
    assert alone.p < among.p
    assert alone.interval is not None and among.interval is not None
    assert among.interval[0] < alone.interval[0] and alone.interval[1] < among.interval[1]


def test_a_change_by_rounding_is_none() -> None:
    rounded = np.array(A8) * (1 + 1e-15 * (1 + np.arange(8) % 3))
    (d,) = compare([psnr()], [psnr(rounded)]).differences
    assert (d.difference, d.interval, d.p, d.counts, d.moved) == (0.0, (0.0, 0.0), 1.0, (0, 8, 0), False)


def test_lower_is_better_counts_the_other_way() -> None:
    (d,) = compare([record("nlm", {"mse": [2.0, 2.0]})], [record("nlm", {"mse": [1.0, 3.0]})]).differences
    assert (d.counts, d.gains.tolist()) == ((1, 0, 1), [1.0, -1.0])


def test_pictures_that_a_side_has_exact_are_counted_and_in_no_mean() -> None:
    (same,) = compare([psnr([math.inf, 30.0])], [psnr([math.inf, 31.0])]).differences
    assert (same.difference, same.means, same.counts) == (1.0, (30.0, 31.0), (1, 1, 0))
    (won,) = compare([psnr([40.0, 30.0])], [psnr([math.inf, 31.0])]).differences
    assert (won.difference, won.means, won.counts) == (1.0, (30.0, 31.0), (2, 0, 0))
    assert not missing_from(won.note, "psnr is exact on 0 pictures in A", "1 in B", "in no mean")


def test_a_side_that_has_every_picture_exact_is_infinitely_better() -> None:
    (won,) = compare([psnr([40.0, 30.0])], [psnr([math.inf, math.inf])]).differences
    assert (won.difference, won.means, won.interval) == (math.inf, (35.0, math.inf), None)
    assert won.note == "psnr is exact on 0 pictures in A and 2 in B"


def test_sides_that_are_exact_on_all_pictures_between_them_have_no_difference() -> None:
    a, b = [math.inf, *[40.0] * 7], [30.0, *[math.inf] * 7]
    found = compare([psnr(a)], [psnr(b)])
    (d,) = found.differences
    assert math.isnan(d.difference) and np.isnan(d.means).all() and d.interval is None and d.counts == (7, 0, 1)
    assert not missing_from(d.note, "psnr is exact on 1 picture in A", "7 in B", "in no mean")
    (row,) = difference_table(found).rows
    assert row[-5:] == ("n/d", "n/d", "n/d", "–", "7/0/1")
    values = comparison_values(found)["differences"][0]
    assert [values[key] for key in ("mean_a", "mean_b", "difference", "p")] == [None] * 4
    # Exact on every picture is infinitely better also than what is exact on some.
    (won,) = compare([psnr([math.inf, 30.0])], [psnr([math.inf, math.inf])]).differences
    assert (won.means, won.difference) == ((30.0, math.inf), math.inf)


def test_the_order_of_the_records_changes_nothing() -> None:
    a = [psnr(method=m, regime=f"gaussian(sigma={s})") for m in ("nlm", "bm3d") for s in (15, 25)]
    b = [psnr([v + 0.1 for v in A8], r.cell.method.name, regime=r.cell.regime.display) for r in a]
    assert comparison_values(compare(a, b)) == comparison_values(compare(a[::-1], b[::-1]))


def test_a_comparison_is_the_same_however_many_cells_are_looked_at_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = [A8, [math.inf, *A8[1:]], [math.nan, *A8[1:]], [math.nan] * 8]
    a = [psnr(own, f"m{n}", seed=seed) for n, own in enumerate(scores) for seed in (0, 1)]
    b = [psnr(A8, r.cell.method.name, seed=r.cell.seed) for r in a[1:]] + [psnr(A8, "new")]
    whole = compare(a, b)
    assert (len(whole.differences), len(whole.unmatched)) == (5, 4)
    for name in ("comparison._AT_ONCE", "score_tables._SCORES_AT_ONCE", "pairing._PAIRINGS"):
        monkeypatch.setattr(f"noisebench.comparing.{name}", 1)
    assert comparison_values(compare(a, b)) == comparison_values(whole)


def test_the_pictures_that_moved_most_come_first() -> None:
    (d,) = compare([psnr([1.0, 2.0, 3.0])], [psnr([1.5, 2.0, 1.0])]).differences
    assert d.moved_most() == [("p002", -2.0), ("p000", 0.5)]


# --------------------------------------------------------------------------------------- two methods of one


def test_two_methods_are_compared_across_their_names() -> None:
    store = [psnr(), psnr([v + 1 for v in A8], "bm3d"), psnr(method="third")]
    found = compare(choose(store, "nlm", "s"), choose(store, "bm3d", "s"), "nlm", "bm3d", across=True)
    (d,) = found.differences
    assert (d.method, d.difference, found.unmatched) == ("nlm → bm3d", 1.0, ())


def test_a_method_is_chosen_by_display_spec_or_an_unambiguous_name() -> None:
    store = [psnr(method="nlm", display="nlm(h=0.6)"), psnr(method="nlm", display="nlm(h=0.8)"), psnr(method="bm3d")]
    assert len(choose(store, "nlm(h=0.6)", "s")) == 1
    with pytest.raises(UsageError, match=r"'nlm' matches 2 in s: name one of nlm\(h=0.6\), nlm\(h=0.8\)"):
        choose(store, "nlm", "s")
    with pytest.raises(UsageError, match="no method 'bm3' in s: did you mean 'bm3d'"):
        choose(store, "bm3", "s")


def test_a_method_is_chosen_by_a_spec_with_values_that_are_defaults() -> None:
    usual = {"name": "nlm", "display": "nlm", "spec": "nlm(h=0.6, reach=6)"}
    store = [psnr(method="nlm", display="nlm(h=0.8)"), psnr()]
    store[1] = replace(
        store[1], cell=structs.replace(store[1].cell, method=structs.replace(store[1].cell.method, **usual))
    )
    assert choose(store, "nlm(h=0.6)", "s") == choose(store, "nlm(reach=6, h=0.60)", "s") == [store[1]]
    with pytest.raises(UsageError, match="no method"):
        choose(store, "nlm(h=0.7)", "s")


# -------------------------------------------------------------------------------------------- what it shows


def test_the_table() -> None:
    table = difference_table(compare([psnr([30.0] * 6)], [psnr([30.25] * 6)]))
    assert table.rows == (
        ("nlm", "photos", "gaussian(sigma=25)", "uint8@1", "0", "psnr ↑", "6", "30.000", "30.250",
         "+0.250 [0.250, 0.250]", "0.031", "6/0/0"),
    )  # fmt: skip


HOSTILE = "=cmd|b`<script>$x$ \\input{/etc/passwd}\n\x1b[31m\ud800"


def test_hostile_names_stay_text_everywhere(tmp_path: Path) -> None:
    a = [psnr(method=HOSTILE), psnr(method=HOSTILE + "only", items=[HOSTILE + str(i) for i in range(8)])]
    found = compare(a, [psnr([v + 1 for v in A8], HOSTILE)], HOSTILE, "B")
    text = comparison_markdown(found)
    assert "<script>" not in text and "\x1b" not in text
    assert "\\input{" not in comparison_latex(found).replace("\\textbackslash{}input", "")
    rows = list(csv.reader(io.StringIO("".join(comparison_csv(found)))))
    assert len(rows) == 3 and len({len(row) for row in rows}) == 1
    assert rows[1][1].startswith("'=cmd")
    files = write_comparison(found, tmp_path / "out")
    document = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert (len(document["differences"]), len(document["unmatched"])) == (1, 1)
    assert sorted(f.name for f in files) == [
        "comparison.csv", "comparison.json", "comparison.md", "comparison.tex", "scatter-01.png", "scatter-01.svg",
    ]  # fmt: skip


def test_the_metric_and_unit_of_the_csv_are_no_formulas() -> None:
    found = compare([psnr()], [psnr()])
    odd = replace(found, differences=Differences.of([found.differences[0]._replace(metric="=m", unit="@u")]))
    (row,) = csv.DictReader(io.StringIO("".join(comparison_csv(odd))))
    assert (row["metric"], row["unit"]) == ("'=m", "'@u")


def test_every_figure_of_the_csv_is_there_in_full() -> None:
    rows = list(
        csv.DictReader(io.StringIO("".join(comparison_csv(compare([psnr()], [psnr([v + 0.125 for v in A8])])))))
    )
    assert (rows[0]["status"], rows[0]["difference"], rows[0]["better"]) == ("matched", "0.125", "8")


def test_plots_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    found = compare([psnr()], [psnr([v + 1 for v in A8])])
    for name in ("x", "y"):
        write_comparison(found, tmp_path / name)
    for file in ("plots/scatter-01.png", "plots/scatter-01.svg", "comparison.md"):
        assert (tmp_path / "x" / file).read_bytes() == (tmp_path / "y" / file).read_bytes()


# ---------------------------------------------------------------------------------------- the command line


def export(path: Path, *records: Record) -> str:
    path.write_text(export_text(records), encoding="utf-8")
    return str(path)


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = export(tmp_path / "a.json", psnr(), psnr(method="gone"))
    b = export(tmp_path / "b.json", psnr([v + 1 for v in A8]))
    assert main(["compare", a, b]) == 0
    out = capsys.readouterr().out
    assert "+1.000 [1.000, 1.000]" in out
    assert "the method is absent" in out
    assert main(["compare", a, "--method", "nlm", "gone", "--json", "--to", str(tmp_path / "out")]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["a"], document["b"], document["differences"][0]["difference"]) == ("nlm", "gone", 0.0)
    assert len(document["files"]) == 6


def test_nothing_matched_is_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = export(tmp_path / "a.json", psnr()), export(tmp_path / "b.json", psnr(method="other"))
    assert main(["compare", a, b]) == 3
    assert "the method is absent" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a.json"], "one store given: name a second one, or two methods with --method A B"),
        (["a.json", "a.json", "a.json"], "3 stores given"),
        (["a.json", "missing"], "missing does not exist"),
        (["a.json", "empty.json"], "empty.json has no cells"),
        (["a.json", "--method", "nlm", "nlm"], "twice in one store"),
        (["a.json", "--method", "nlm", "x"], "no method 'x' in a.json"),
        (["a.json", "a.json", "--to", "a.json"], "--to a.json is a file"),
        (["a.json", "damaged.json"], "damaged.json: cell number 1 is damaged"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    export(tmp_path / "a.json", psnr())
    export(tmp_path / "empty.json")
    document = json.loads((tmp_path / "a.json").read_text())
    del document["cells"][0]["cell"]["regime"]
    (tmp_path / "damaged.json").write_text(json.dumps(document))
    assert main(["compare", *args]) == 2
    told = capsys.readouterr().err
    assert message in told and len(told.splitlines()) == 1


# ---------------------------------------------------------------------------------- pictures that moved


def test_the_kept_pictures_that_moved_most_are_shown_side_by_side(cli, tmp_path) -> None:
    for name in ("identity", "gaussian_filter"):
        cli("run", "--methods", name, "--datasets", "gaussian_field(n=3, size=24)", "--regimes", "gaussian(sigma=25)",
            "--keep", "all", "--store", "s")  # fmt: skip
    cli("compare", "s", "--method", "identity", "gaussian_filter", "--to", "out")
    text = (tmp_path / "out" / "comparison.md").read_text()
    assert not missing_from(text, "plots/moved-01.png", "moved most in PSNR")
    assert (tmp_path / "out" / "plots" / "moved-01.svg").stat().st_size > 1000


def test_where_no_picture_was_kept_the_comparison_says_how_to_keep_them(tmp_path) -> None:
    found = compare([psnr(A8)], [psnr([v + 1 for v in A8])])
    files = write_comparison(found, tmp_path, (lambda key: [], lambda key: []))
    assert not [f for f in files if f.name.startswith("moved")]
    assert "run with --keep all" in (tmp_path / "comparison.md").read_text()


def test_the_json_has_a_line_a_difference(tmp_path) -> None:
    write_comparison(compare([psnr(A8)], [psnr([v + 1 for v in A8])]), tmp_path)
    text = (tmp_path / "comparison.json").read_text()
    assert json.loads(text)["differences"][0]["difference"] == 1.0
    assert sum('"method_a"' in line for line in text.splitlines()) == 1
