"""Studies: what is drawn against what, each mistake named, and the cells shared with an ordinary run."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from board_records import cost_record, record
from noisebench import UsageError
from noisebench.boards.build import boards
from noisebench.boards.chart import ChartPoint
from noisebench.boards.curves import charts
from noisebench.boards.lines import _called
from noisebench.report.studies import best_of, chart_table, write_study
from noisebench.spec.parsing import parse
from noisebench.spec.paths import parameter, without
from noisebench.store.record import Record
from noisebench.suite.study import Axis, read_study, read_suite_or_study
from noisebench.suite.suite import named_suites, read_suite
from shell import shell

STUDY = """suite: small
methods: [identity, "gaussian_filter(width={0.8,1.2})"]
datasets: [{name: Fields, spec: "gaussian_field(n=2, size=24)"}]
regimes: ["gaussian(sigma={15,50})"]
cost: {sizes: [16x16], repeats: 2}
study:
  - {x: gaussian.sigma}
  - {x: gaussian_filter.width, y: ssim}
  - {x: latency}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "study.yaml"
    file.write_text(text)
    return file


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the study was run: its store is `s`, and `out` what it drew."""
    folder = tmp_path_factory.mktemp("studied")
    write(folder, STUDY)
    done = shell("noisebench study study.yaml --store s --to out", folder)
    assert done.returncode == 0 and "9 of 9 cells were run now" in done.stdout, done.stdout + done.stderr
    return folder


def test_a_parameter_is_found_in_sums_and_inside_other_specs() -> None:
    spec = parse("vst(method=nlm(h=0.8), kind=auto)")
    assert parameter(spec, "nlm.h") == 0.8
    assert str(without(spec, "nlm.h")) == "vst(method=nlm, kind=auto)"
    both = parse("downsample(scale=2) + gaussian(sigma=5)")
    assert parameter(both, "gaussian.sigma") == 5.0
    assert str(without(both, "gaussian.sigma")) == "downsample(scale=2) + gaussian"
    assert parameter(both, "gaussian.scale") is None


def test_a_star_stands_for_the_outermost_component_alone() -> None:
    spec = parse("red_diff(denoiser=edm(steps=9), steps=50)")
    assert parameter(spec, "*.steps") == 50.0
    assert str(without(spec, "*.steps")) == "red_diff(denoiser=edm(steps=9))"
    assert parameter(parse("vst(method=nlm(h=0.8))"), "*.h") is None


def levels() -> list[object]:
    return [
        record(name, {"psnr": [40.0 - sigma / 10 - i, 42.0 - sigma / 10 - i]}, regime=f"gaussian(sigma={sigma})")
        for sigma in (5, 15, 50) for i, name in enumerate(("nlm", "median", "identity"))
    ]  # fmt: skip


def test_quality_against_the_noise_level_is_a_line_a_method_in_the_order_of_numbers() -> None:
    (chart,) = charts(boards(levels()), Axis("gaussian.sigma"))  # type: ignore[arg-type]
    assert [c.label for c in chart.curves] == ["nlm", "median", "identity"]
    assert [(p.x, p.y) for p in chart.curves[0].points] == [(5.0, 40.5), (15.0, 39.5), (50.0, 36.0)]
    assert [c.reference for c in chart.curves] == [False, False, True]
    assert chart_table(chart).header == ("psnr (dB) at gaussian.sigma =", "5", "15", "50")
    assert chart_table(chart).rows[1] == ("median", "39.50", "38.50", "35.00")


def test_baselines_and_optima_are_references_whatever_their_name() -> None:
    rows = [
        record(name, {"rmse": [level, level + i]}, regime=f"gaussian(sigma={level})", rank_by="rmse",
               track="functions", flags={"role": role})
        for level in (1, 2)
        for i, (name, role) in enumerate((("spline", ""), ("mean", "baseline"), ("best", "optimum")))
    ]  # fmt: skip
    (chart,) = charts(boards(rows), Axis("gaussian.sigma"))
    assert [(c.label, c.reference) for c in chart.curves] == [("spline", False), ("mean", True), ("best", True)]


def test_a_track_that_splits_no_error_has_no_draws(tmp_path: Path) -> None:
    text = "suite: s\ntrack: functions\nmethods: [mean]\ndatasets: [bumps]\nregimes: [none]\nseeds: [0, 1]\nkeep: all\n"
    with pytest.raises(UsageError, match=":8: x draws .* track functions has none"):
        read_study(write(tmp_path, text + "study: [{x: draws}]\n"))
    with pytest.raises(UsageError, match=":8: y 'psnr' .* metrics: rmse, sup_norm"):
        read_study(write(tmp_path, text + "study: [{x: gaussian.sigma, y: psnr}]\n"))


def test_quality_against_a_parameter_of_a_method_joins_what_differs_in_it_alone() -> None:
    rows = [
        record("net", {"psnr": [y, y]}, display=f"net(n={n}, width={w})")
        for w in (8, 16) for n, y in ((10, 25.0 + w / 8), (1000, 29.0))
    ]  # fmt: skip
    (chart,) = charts(boards([*rows, record("nlm", {"psnr": [30.0, 30.0]})]), Axis("net.n", log=True))
    assert [c.label for c in chart.curves] == ["net(width=8)", "net(width=16)"]
    assert [(p.x, p.y) for p in chart.curves[0].points] == [(10.0, 26.0), (1000.0, 29.0)]


def test_quality_against_a_parameter_of_any_method_is_one_plot_of_them_all() -> None:
    rows = [
        record(name, {"psnr": [y, y]}, display=f"{name}(steps={n}, of=walk(steps=7))")
        for name, ys in (("ddim", (20.0, 25.0)), ("heun", (22.0, 24.0))) for n, y in zip((5, 50), ys, strict=True)
    ]  # fmt: skip
    once = record("once", {"psnr": [30.0, 30.0]}, display="once(of=walk(steps=7))")
    (chart,) = charts(boards([*rows, once]), Axis("*.steps"))
    assert {c.label: [(p.x, p.y) for p in c.points] for c in chart.curves} == {
        "ddim(of=walk(steps=7))": [(5.0, 20.0), (50.0, 25.0)], "heun(of=walk(steps=7))": [(5.0, 22.0), (50.0, 24.0)]
    }  # fmt: skip
    assert (chart.x_label, chart_table(chart).header) == ("steps", ("psnr (dB) at steps =", "5", "50"))
    with pytest.raises(UsageError, match=r"such as 'method\(h=\{…,…\}\)'"):
        charts(boards(rows), Axis("*.h"))


def test_lines_of_named_methods_are_called_by_what_their_names_begin_with() -> None:
    def of(*names: str) -> list[str]:
        lines = {
            f"line {i}": [ChartPoint(n, n, None, f"{name}, {n} calls") for n in (1, 2)] for i, name in enumerate(names)
        }
        return list(_called(lines, {p.method for points in lines.values() for p in points}))

    assert of("student", "teacher") == ["student", "teacher"]
    assert of("L1", "L2") == ["L1", "L2"], "a digit of a name stays"
    assert of("student", "student") == ["line 0", "line 1"], "two begin alike"
    assert of("few(by=DC", "few(by=DSA") == ["few(by=DC)", "few(by=DSA)"], "of calls the arguments that are alike"
    points = [ChartPoint(1, 1, None, "a, 1 call"), ChartPoint(2, 2, None, "b, 2 calls")]
    assert list(_called({"line": points}, {"a, 1 call", "b, 2 calls"})) == ["line"], "nothing in common"
    assert list(_called({"line": points[:1] * 2}, set())) == ["line"], "no names"


def test_quality_against_another_metric_is_a_line_the_methods_of_one_name() -> None:
    found = [
        record("nlm", {"psnr": [30.0 + h, 32.0 + h], "ssim": [h / 10, h / 10]}, display=f"nlm(h={h})")
        for h in (1.0, 2.0)
    ] + [record("median", {"psnr": [20.0, 20.0], "ssim": [0.5, 0.5]})]
    (chart,) = charts(boards(found), Axis("metric.ssim"))  # type: ignore[arg-type]
    assert (Axis("metric.ssim").metric, chart.x_label, chart.cost) == ("ssim", "ssim", False)
    assert {curve.label: [(p.x, p.y) for p in curve.points] for curve in chart.curves} == {
        "nlm": [(0.1, 32.0), (0.2, 33.0)]
    }
    with pytest.raises(UsageError, match="two values"):
        charts(boards(found[2:]), Axis("metric.ssim"))  # type: ignore[arg-type]


def test_quality_against_compute_marks_the_front() -> None:
    rows = [record(n, {"psnr": [y, y]}) for n, y in (("fast", 25.0), ("slow", 30.0), ("bad", 24.0))]
    costs = [cost_record(n, p50=ms) for n, ms in (("fast", 1.0), ("slow", 100.0), ("bad", 2.0))]
    (chart,) = charts(boards([*rows, *costs]), Axis("latency"))
    assert best_of(chart) == {("fast", 1.0), ("slow", 100.0)}
    assert [row[0] + row[-1] for row in chart_table(chart).rows] == ["fastyes", "bad", "slowyes"]


def test_methods_that_the_suite_names_are_no_line_of_one_name() -> None:
    def named(one: Record, name: str) -> Record:
        method = msgspec.structs.replace(one.cell.method, display=name, written=one.cell.method.spec)
        return replace(one, cell=msgspec.structs.replace(one.cell, method=method))

    rows = [record("net", {"psnr": [y, y]}, display=f"net(n={y:g})") for y in (25.0, 30.0)]
    costs = [cost_record("net", display=f"net(n={y:g})", p50=y) for y in (25.0, 30.0)]
    (line,) = charts(boards([*rows, *costs]), Axis("latency"))
    assert [curve.label for curve in line.curves] == ["net"]
    names = [named(one, name) for one, name in zip(rows, ("Twin", "Student"), strict=True)]
    (chart,) = charts(boards([*names, *costs]), Axis("latency"))
    assert {curve.label for curve in chart.curves} == {"Twin", "Student"}


def test_one_method_with_a_cost_is_no_front() -> None:
    rows = [record(n, {"psnr": [y, y]}) for n, y in (("net", 25.0), ("nlm", 30.0))]
    costs = [cost_record("net", params=7), cost_record("nlm", params=None)]
    with pytest.raises(UsageError, match="only one method .* params, .* two or more"):
        charts(boards([*rows, *costs]), Axis("params"))


@pytest.mark.parametrize(("x", "said"), [
    ("gaussian.sgima", "neither a regime nor a method has gaussian.sgima at two values"),
    ("macs", "no cell has a macs"),
])  # fmt: skip
def test_where_nothing_varies_the_study_says_so(x: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        charts(boards(levels()), Axis(x))  # type: ignore[arg-type]


@pytest.mark.parametrize(("study", "said"), [
    ("", "study is missing: list what to draw"),
    ("study: []", ":5: study must be a list"),
    ("study: [{x: sigma}]", ":5: study.x must be one of latency, .*name.parameter such as gaussian.sigma"),
    ("study: [{y: psnr}]", ":5: x is missing"),
    ("study: [{x: latency}]", ":5: x latency needs costs: add cost"),
    ("study: [{x: nlm.h, y: vif}]", ":5: y 'vif' is not among the metrics: psnr, ssim"),
    ("study: [{x: nlm.h, lgo: true}]", ":5: unknown key 'lgo' in study: did you mean 'log'"),
    ("study: [{x: nlm.h, log: 1}]", ":5: study.log must be true, false or xy"),
    ("study: [{x: nlm.h, y: training.a-b}]", ":5: study.y must be a metric, or training.NAME such as training.steps"),
    ("study: [{x: nlm.h, y: training.steps_to(best)}]", ":5: study.y must be a metric, or training.NAME"),
    ("study: [{x: latency, y: training.steps}]", ":5: y training. is for an x that is a parameter, .*not latency"),
    ("study: [{x: latency, log: xy}]", ":5: log: xy is for an x that is a parameter, .*not latency"),
    ("study: [{x: nlm.h, by: h}]", ":5: study.by must be name.parameter"),
    ("study: [{x: nlm.h, by: nlm.h}]", ":5: by nlm.h is x itself"),
])  # fmt: skip
def test_a_mistake_in_a_study_is_named_with_its_line(tmp_path: Path, study: str, said: str) -> None:
    head = 'suite: s\nmethods: ["nlm(h={0.6,0.8})"]\ndatasets: [photos]\nregimes: [none]\n'
    with pytest.raises(UsageError, match=said):
        read_study(write(tmp_path, head + study))


@pytest.mark.parametrize(
    ("study", "said"),
    [("[1, junk]", ":5: a mapping `key: value` was due"), ("3", ":5: study must be a list"),
     ("[{x: nlm.h, z: 1}]", ":5: unknown key 'z' in study")],
)  # fmt: skip
def test_a_run_of_a_study_file_refuses_junk_in_its_study_too(cli, tmp_path: Path, study: str, said: str) -> None:
    text = 'methods: ["nlm(h={0.6,0.8})"]\ndatasets: [photos]\nregimes: [none]\nlimit: 1\n'
    write(tmp_path, f"{text}study: {study}\n")
    assert said in cli("run", "study.yaml", "--dry-run", code=2).stderr


def test_an_axis_that_nothing_varies_is_refused_before_anything_is_run(cli, tmp_path) -> None:
    write(tmp_path, STUDY.replace("gaussian_filter.width", "gaussian_filter.wdith"))
    done = cli("study", "study.yaml", "--store", "s", code=2)
    assert done.stderr.startswith("noisebench study: study x: gaussian_filter.wdith: ")
    assert done.stderr.endswith("sweep it, such as 'gaussian_filter(wdith={…,…})'\n") and done.stderr.count("\n") == 1
    assert not (tmp_path / "s").exists() and not (tmp_path / "study").exists()


def test_a_study_file_is_a_suite_too_and_the_builtin_one_is_a_study(tmp_path: Path) -> None:
    suite, axes = read_study(write(tmp_path, STUDY))
    assert read_suite(tmp_path / "study.yaml") == suite
    assert axes == (Axis("gaussian.sigma"), Axis("gaussian_filter.width", "ssim"), Axis("latency"))
    assert [axis.x for axis in read_study(named_suites()["levels"])[1]] == [
        "gaussian.sigma", "gaussian.sigma", "nlm.h", "latency",
    ]  # fmt: skip


def test_things_are_called_as_in_a_report_and_families_of_a_regime_are_told_apart(tmp_path: Path) -> None:
    made = [
        replace(
            record("nlm", {"psnr": [40.0 - sigma / 10 - scale] * 6}, dataset="folder(path='/home/me/set')",
                   regime=f"gaussian(sigma={sigma}) + blur(scale={scale})"),
            names={"method": "My Net"},
        )
        for sigma in (5, 15) for scale in (1, 2)
    ]  # fmt: skip
    write_study(made, [Axis("gaussian.sigma")], tmp_path, title="mine")
    text = (tmp_path / "study.md").read_text()
    assert "| My Net" in text and "nlm" not in text
    assert "## gaussian.sigma: folder(path=set) · gaussian + blur(scale=1)," in text
    assert not any("/home/me" in file.read_text() for file in tmp_path.glob("study.*"))
    with (tmp_path / "study.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["where"].split(",")[0], row["curve"]) for row in rows} == {
        (f"folder(path=set) · gaussian + blur(scale={scale})", "My Net") for scale in (1, 2)
    }


def test_an_axis_that_has_no_value_is_left_out_and_said(cli, studied: Path, tmp_path) -> None:
    files, left_out = write_study(levels(), [Axis("gaussian.sigma"), Axis("params")], tmp_path / "o", title="s")  # type: ignore[arg-type]
    (text,) = left_out
    assert text.startswith("study x: params: no cell ") and "Cost in the report" in text
    assert "- Left out: study x: params: no cell " in (tmp_path / "o" / "study.md").read_text()
    assert any(file.suffix == ".pdf" for file in files)
    with pytest.raises(UsageError, match="study x: params: no cell .*; study x: macs: no cell"):
        write_study(levels(), [Axis("params"), Axis("macs")], tmp_path / "none", title="s")  # type: ignore[arg-type]
    assert not (tmp_path / "none").exists()
    shutil.copytree(studied / "s", tmp_path / "s")
    write(tmp_path, STUDY.replace("{x: latency}", "{x: params}"))
    done = cli("study", "study.yaml", "--store", "s", "--to", "out", code=1)
    assert "left out: study x: params: no cell" in done.stderr
    assert len(list((tmp_path / "out" / "plots").glob("*.pdf"))) == 3


def test_one_yaml_gives_the_plots_and_tables_and_shares_the_cells_of_a_run(cli, studied: Path, tmp_path) -> None:
    shutil.copytree(studied, tmp_path, dirs_exist_ok=True)
    assert "9 cells: 9 ok (0 run now)" in cli("run", "study.yaml", "--store", "s").stdout
    out = tmp_path / "out"
    names = sorted(p.name for p in (out / "plots").glob("*.pdf"))
    assert [n[:8] for n in names] == [f"study-0{i}" for i in range(1, 6)]
    assert all((out / "plots" / n).read_bytes().startswith(b"%PDF-") for n in names)
    document = json.loads((out / "study.json").read_text())
    assert [c["x"] for c in document["charts"]] == ["gaussian.sigma", *["gaussian_filter.width"] * 2, *["latency"] * 2]
    assert document["charts"][1]["metric"] == "ssim"
    assert all(chart["where"].startswith("Fields · ") for chart in document["charts"])
    rows = list(csv.DictReader((out / "study.csv").open()))
    assert {r["curve"] for r in rows if r["x_name"] == "gaussian_filter.width"} == {"gaussian_filter"}
    tex = (out / "study.tex").read_text()
    assert tex.count(r"\begin{table*}") == tex.count(r"\begin{figure}") == 5
    again = (out / "study.json").read_bytes(), [(out / "plots" / n).read_bytes() for n in names]
    assert "0 of 9 cells were run now" in cli("study", "study.yaml", "--store", "s", "--to", "out").stdout
    assert again == ((out / "study.json").read_bytes(), [(out / "plots" / n).read_bytes() for n in names])


def test_a_study_is_drawn_from_an_export_alone_and_runs_nothing(cli, studied: Path, tmp_path) -> None:
    shutil.copytree(studied, tmp_path, dirs_exist_ok=True)
    cli("export", "s", "--to", "held.json")
    done = cli("study", "study.yaml", "--from", "held.json", "--to", "again")
    assert "0 of 9 cells were run now" in done.stdout and not (tmp_path / "nb-store").exists()
    for file in (tmp_path / "out").rglob("*.*"):
        assert file.read_bytes() == (tmp_path / "again" / file.relative_to(tmp_path / "out")).read_bytes()


def test_a_study_of_what_is_held_takes_no_option_of_a_run_and_names_an_axis_that_it_lacks(cli, tmp_path) -> None:
    write(tmp_path, STUDY)
    cli("run", "--methods", "identity", "--datasets", "gaussian_field(n=2, size=24)", "--store", "s",
        "--regimes", "gaussian(sigma=15)")  # fmt: skip
    for option in (("--limit", "1"), ("--jobs", "1"), ("--plugin", "mine.py"), ("--store", "t")):
        done = cli("study", "study.yaml", "--from", "s", "--to", "out", *option, code=2)
        assert f"{option[0]} does nothing beside --from, which runs nothing" in done.stderr
    refused = cli("study", "study.yaml", "--from", "s", "--to", "out", code=2).stderr
    assert "gaussian.sigma at two values" in refused
    assert not (tmp_path / "out").exists()


BUDGETS = """suite: longer
methods:
  - identity
  - {name: net, spec: "tuned(method=trained(arch=dncnn, steps=5), vary=batch, values=(2, 4))"}
  - "trained(arch=dncnn, steps=3, batch={2,4})"
datasets: ["gaussian_field(n=2, size=24)"]
regimes: ["gaussian(sigma=15)"]
budgets: [1, 4, 16]
study: [{x: trained.steps, log: true}]
"""


def test_at_budgets_each_training_is_as_many_times_as_long(tmp_path: Path) -> None:
    suite, _ = read_study(write(tmp_path, BUDGETS))
    tuned = "tuned(method=trained(arch=dncnn, steps={}), vary=batch, values=(2, 4))"
    assert suite.methods == (
        "identity", *(tuned.format(steps) for steps in (5, 20, 80)),
        *(f"trained(arch=dncnn, steps={steps}, batch={n})" for n in (2, 4) for steps in (3, 12, 48)),
    )  # fmt: skip
    assert suite.names["method"][tuned.format(20)] == "net, 4 ×"
    assert read_suite_or_study(tmp_path / "study.yaml").methods == suite.methods


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"[1, 4, 16]": "[4, 1]"},
            "study.yaml:8: budgets: two whole numbers or more, from 1, each larger than the one",
        ),
        ({"[1, 4, 16]": "[2]"}, "study.yaml:8: budgets: two whole numbers or more, from 1, each larger than the one"),
        (
            {"[1, 4, 16]": "[0, 2]"},
            "study.yaml:8: budgets: two whole numbers or more, from 1, each larger than the one",
        ),
        ({", steps=3": ""}, "study.yaml:5: trained does not say its steps, which budgets multiply: write steps=…"),
        ({"study: [{x: trained.steps, log: true}]": ""}, "study.yaml:8: budgets needs study"),
    ],
)
def test_wrong_budgets_are_refused_in_a_line(tmp_path: Path, change: dict[str, str], problem: str) -> None:
    text = BUDGETS
    for old, new in change.items():
        text = text.replace(old, new)
    with pytest.raises(UsageError) as refused:
        read_suite_or_study(write(tmp_path, text))
    assert problem in str(refused.value)


def test_a_study_at_budgets_draws_each_method_against_its_steps(tmp_path: Path, cli: Any) -> None:
    net = (
        "trained(arch=dncnn(depth=2, width=2), data=dead_leaves(n=8, size=16), crop=8, batch=2, validation=2, checks=1"
    )
    text = f"""suite: longer
methods: [identity, {{name: net, spec: "{net}, steps=2)"}}, "{net}, optimizer=sgd(lr=0.1), steps=2)"]
datasets: ["gaussian_field(n=2, size=16)"]
regimes: ["gaussian(sigma=15)"]
budgets: [1, 3]
study: [{{x: trained.steps, log: true}}]
"""
    cli("study", str(write(tmp_path, text)), "--store", "s", "--to", "o")
    with (tmp_path / "o" / "study.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted((row["curve"], float(row["x"])) for row in rows) == [
        ("optimizer=sgd", 2), ("optimizer=sgd", 6), ("trained", 2), ("trained", 6),
    ]  # fmt: skip
