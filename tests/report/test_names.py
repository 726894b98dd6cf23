"""Names of methods and datasets: for display alone, in no key; and no folder of the machine is published."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from board_records import cost_record, record
from example_boards import HOSTILE
from messages import missing_from
from msgspec import structs
from noisebench.boards.build import boards
from noisebench.cli.cell_text import label
from noisebench.engine.planning_process import plan_in_child
from noisebench.planning.plan import plan
from noisebench.report.data import report_data
from noisebench.report.names import shown, with_names, written
from noisebench.report.private_paths import message_without_folders, without_folders
from noisebench.report.write import write_report
from noisebench.spec.parsing import parse
from noisebench.store.cells import cell_dir, keys
from noisebench.store.export import export_text, read_export
from noisebench.store.names import add_names, read_names, with_added
from noisebench.store.reading import read_records
from noisebench.store.record import Record
from noisebench.suite.suite import Suite, read_suite
from noisebench.text.errors import UsageError

BASE = np.array([30.0, 28.5, 31.25, 26.0, 29.0, 33.0, 27.5, 30.5])
SUITE = """\
methods: [identity, {{name: "{name}", spec: "median(size=5)"}}]
datasets: [{{name: Fields, spec: "gaussian_field(n=6, size=24)"}}]
regimes: ["gaussian(sigma=25)"]
"""


def scored(method: str, gain: float = 0.0, **more: Any) -> Record:
    return record(method, {"psnr": BASE + gain, "ssim": (BASE + gain) / 40}, **more)


def written_to(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    return path


def test_why_and_rm_find_a_cell_by_the_name_it_is_shown_under(tmp_path: Path, cli: Any) -> None:
    written_to(tmp_path, SUITE.format(name="Median 5"))
    cli("run", "s.yaml", "--store", "st")
    (found,) = json.loads(cli("why", "st", "Median 5", "--json").stdout)
    assert found["method"] == "median(size=5)"
    assert len(json.loads(cli("why", "st", "Fields", "--json").stdout)) == 2
    assert "median" in cli("store", "rm", "st", "Median 5").stdout


def test_compare_check_and_pack_take_the_name_that_a_suite_gave(tmp_path: Path, cli: Any) -> None:
    written_to(tmp_path, SUITE.format(name="Median 5"))
    cli("run", "s.yaml", "--store", "st")
    cli("export", "st", "--to", "e.json")
    for source in ("st", "e.json"):
        by_name, by_spec = (
            json.loads(cli("compare", source, "--method", method, "identity", "--json").stdout)["differences"]
            for method in ("Median 5", "median(size=5)")
        )
        assert by_name and by_name == by_spec
    cli("check", "baseline.json", "st", "--update")
    for rule, code in (("min_above_baseline: -100", 0), ("min_above_baseline: 100", 1)):
        (tmp_path / "rules.yaml").write_text(f"- {{metric: psnr, method: Median 5, dataset: Fields, {rule}}}\n")
        cli("check", "baseline.json", "st", "--rules", "rules.yaml", code=code)
    (tmp_path / "rules.yaml").write_text("- {metric: psnr, method: Median 7, max_drop: 1}\n")
    refused = cli("check", "baseline.json", "st", "--rules", "rules.yaml", code=2).stderr
    assert not missing_from(refused, "rules.yaml:1", "Median 7")
    cli("pack", "st", "--method", "Median 5", "--to", "entry.nbz")


# ----------------------------------------------------------------------------------------- in a suite file


def test_a_suite_names_methods_and_datasets(tmp_path: Path) -> None:
    suite = read_suite(written_to(tmp_path, SUITE.format(name="Median 5")))
    assert suite.methods == ("identity", "median(size=5)")
    assert suite.datasets == ("gaussian_field(n=6, size=24)",)
    assert suite.names == {
        "method": {"median(size=5)": "Median 5"}, "dataset": {"gaussian_field(n=6, size=24)": "Fields"}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("methods", "said"),
    [
        ("[{name: A}]", "spec is missing: write {name: …, spec: …}"),
        ("[{spec: nlm}]", "name is missing: write {name: …, spec: …}"),
        ("[{nmae: A, spec: nlm}]", "unknown key 'nmae' in methods: did you mean 'name'?"),
        ("[{name: A, spec: nlm}, {name: A, spec: median}]", "the name 'A' is given twice"),
        ('[{name: A, spec: "nlm(h={0.6,0.8})"}]', "is a sweep of 2 specs where one is needed"),
        ('[{name: "", spec: nlm}]', "methods.name must be a name, one line of at most 80 characters"),
        ('[{name: "a\\nb", spec: nlm}]', "methods.name must be a name, one line of at most 80 characters"),
        ("[nlm, {name: A, spec: nlm}]", "'nlm' is given twice"),
    ],
)
def test_a_mistake_in_a_name_says_file_and_line(tmp_path: Path, methods: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_suite(written_to(tmp_path, f"datasets: [photos]\nregimes: [none]\nmethods: {methods}\n"))
    assert "s.yaml:3: " in str(caught.value) and said in str(caught.value)


def test_a_name_is_in_no_key(tmp_path: Path) -> None:
    named = plan_in_child(read_suite(written_to(tmp_path, SUITE.format(name="Median 5"))))
    plain = plan_in_child(replace(read_suite(tmp_path / "s.yaml"), names={}))
    assert [cell.key for cell in named["cells"]] == [cell.key for cell in plain["cells"]]
    assert named["names"]["method"] == {"median(size=5)": "Median 5"} and plain["names"] == {}


def test_what_a_run_says_has_the_names(cli, tmp_path: Path) -> None:
    suite = written_to(tmp_path, SUITE.format(name="Median 5"))
    planned = cli("run", suite, "--store", "s", "--dry-run").stdout
    assert re.search(r"run +Median 5 +Fields +gaussian", planned) and "median(size=5)" not in planned
    said = cli("run", suite, "--store", "s").stderr
    assert "ok Median 5 · Fields · gaussian(sigma=25)" in said and "ok identity · Fields" in said
    stored = [json.loads((cell_dir(tmp_path / "s", key) / "cell.json").read_bytes()) for key in keys(tmp_path / "s")]
    assert all("names" not in cell for cell in stored)


def test_a_training_goes_by_the_name_of_what_needs_it() -> None:
    net = "trained(arch=dncnn(depth=2, width=2), data=dead_leaves(n=9), steps=1, checks=1, validation=1{})"
    suite = Suite(
        methods=(net.format(""), f"tiled(method={net.format(', seed=7')})"), datasets=("gaussian_field(n=1, size=24)",),
        regimes=("none",), names={"method": {f"tiled(method={net.format(', seed=7')})": "Tiles"}},
    )  # fmt: skip
    cells = plan(suite)
    trainings = [cell for cell in cells if cell.kind == "train"]
    assert [cell.names for cell in trainings] == [{}, {"method": "Tiles"}]
    assert [label(cell) for cell in trainings][1] == "training Tiles · seed 7"


def test_a_name_that_another_method_goes_by_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'identity' .* two methods, .*identity.* median\(size=5\): rename"):
        plan_in_child(read_suite(written_to(tmp_path, SUITE.format(name="identity"))))


def test_a_changed_name_runs_nothing_again_and_is_shown(cli, tmp_path: Path) -> None:
    cli("run", written_to(tmp_path, SUITE.format(name="Five")), "--store", "s")
    before = {
        key: (tmp_path / "s" / "cells" / key[:2] / key / "cell.json").read_bytes() for key in keys(tmp_path / "s")
    }
    said = cli("run", written_to(tmp_path, SUITE.format(name="Median 5")), "--store", "s").stdout
    assert "2 cells: 2 ok (0 run now)" in said
    # A run that gives no name takes none away.
    cli("run", "--methods", "median(size=5)", "--datasets", "gaussian_field(n=6, size=24)", "--regimes",
        "gaussian(sigma=25)", "--store", "s")  # fmt: skip
    for key, cell in before.items():
        assert (tmp_path / "s" / "cells" / key[:2] / key / "cell.json").read_bytes() == cell
    assert "2 cells, 0 problems" in cli("store", "verify", "s").stdout
    cli("export", "s", "--to", "e.json")
    for source in ("s", "e.json"):
        cli("report", source, "--to", "b", "--only", "board")
        board = (tmp_path / "b" / "leaderboard.md").read_text()
        assert "## Fields · gaussian(sigma=25)" in board and "| Median 5 |" in board and "Five" not in board
        assert "- names: Fields is gaussian_field(n=6, size=24); Median 5 is median(size=5)" in board
    other = written_to(tmp_path, SUITE.format(name="Median 5").replace("size=5", "size=7"))
    said = cli("run", other, "--store", "s", code=2).stderr
    assert said.startswith("noisebench run: the name 'Median 5' ") and said.count("\n") == 1
    assert not missing_from(said, "method median(size=5)", "another name for median(size=7)", "in names.json")


def test_of_two_long_specs_of_one_name_the_part_is_shown_that_differs() -> None:
    long = "trained(arch=" + 300 * "x" + ", lr={})"
    with pytest.raises(UsageError) as error:
        with_added({}, "restore", {"method": {long.format(0.1): "one", long.format(0.3): "one"}})
    ours, theirs = "…" + 33 * "x" + ", lr=0.1)", "…" + 33 * "x" + ", lr=0.3)"
    assert not missing_from(str(error.value), f"method {ours}", f"another name for {theirs},")


def test_damaged_names_are_said_to_be(tmp_path: Path) -> None:
    add_names(tmp_path, "restore", {"method": {"nlm": "NLM"}})
    assert read_names(tmp_path) == {"restore": {"method": {"nlm": "NLM"}}}
    for damaged in ("[1]", '{"restore": {"method": {"nlm": 3}}}', "{", '{"restore": {"method": {"nlm": "a\\nb"}}}'):
        (tmp_path / "names.json").write_text(damaged)
        with pytest.raises(UsageError, match=r"names\.json is damaged .*: delete it"):
            read_names(tmp_path)


def test_names_of_an_export_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "e.json"
    text = export_text([replace(scored("nlm"), names={"method": "NLM"})])
    file.write_text(text)
    assert read_export(file)[0].names == {"method": "NLM"}
    for wrong in ('{"method": 3}', '{"metric": "NLM"}', '["NLM"]', '{"method": "a\\nb"}'):
        file.write_text(text.replace('{"method": "NLM"}', wrong))
        with pytest.raises(UsageError, match=r"is damaged \(`names`"):
            read_export(file)


# -------------------------------------------------------------------------------------------------- --as


def labels(records: list[Record]) -> list[str]:
    return sorted(record.cell.method.display for record in shown(records))


def test_as_goes_before_a_stored_name() -> None:
    records = [replace(scored("nlm"), names={"method": "stored", "dataset": "Photographs"}), scored("median")]
    made = with_names(records, ["NLM=nlm"])
    assert made[0].names == {"method": "NLM", "dataset": "Photographs"} and labels(made) == ["NLM", "median"]
    assert {record.cell.dataset.display for record in shown(with_names(records, ["P=photos"]))} == {"P"}


@pytest.mark.parametrize(
    "spec",
    ["net(a=1, b=2)", "net(b=2, a=1)", "net(a=1.0, b=2)", "net(a=1, b=2, c=x)", "net(a=1.0, b=2, c=x)", "net(b=2,a=1)"],
)
def test_a_spec_may_be_written_in_any_way_that_means_it(spec: str) -> None:
    one = scored("net", display="net(a=1, b=2)")
    one = replace(
        one, cell=structs.replace(one.cell, method=structs.replace(one.cell.method, spec="net(a=1.0, b=2, c=x)"))
    )
    assert labels(with_names([one], [f"N={spec}"])) == ["N"]


def recipes() -> list[Record]:
    """Two trainings that differ in one component, and a method around another one."""
    specs = [
        "trained(optimizer=adamw(lr=0.001, decay=0.0), steps=10)",
        "trained(optimizer=sgd(lr=0.1, decay=0.0), steps=10)",
        "vst(method=median(size=3))",
    ]
    records = [scored(spec.partition("(")[0], display=spec) for spec in specs]
    return [
        replace(one, cell=structs.replace(one.cell, method=structs.replace(one.cell.method, spec=spec)))
        for one, spec in zip(records, specs, strict=True)
    ]


@pytest.mark.parametrize(
    "part", ["trained(optimizer=sgd)", "sgd(lr=0.1)", "sgd(decay=0)", "trained(optimizer=sgd(lr=0.1))"]
)
def test_a_part_that_one_spec_has_names_it(part: str) -> None:
    (named,) = (one for one in with_names(recipes(), [f"SGD={part}"]) if one.names)
    assert "sgd" in named.cell.method.spec and named.names == {"method": "SGD"}


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("trained(steps=10)", "2 methods match: give more of the spec"),
        ("sgd(lr=0.15)", "no method or dataset here is 'sgd(lr=0.15)'"),
        # A bare name is that of a whole method: a rival inside another one keeps its own.
        ("median", "no method or dataset here is 'median'"),
        ("sgd", "no method or dataset here is 'sgd'"),
    ],
)
def test_a_part_that_none_or_several_have_is_refused(part: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        with_names(recipes(), [f"N={part}"])
    assert not missing_from(str(caught.value), message)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["N=nml"], "--as 'N=nml': no method or dataset here is 'nml': did you mean 'nlm'?"),
        (["N=photo"], "--as 'N=photo': no method or dataset here is 'photo': did you mean 'photos'?"),
        (["nlm"], '--as \'nlm\': write "NAME=SPEC", such as "DnCNN=dncnn(weights=blind)"'),
        (["=nlm"], "--as '=nlm': give a name, one line of at most 80 characters before the first ="),
        (["A=nlm", "B=nlm"], "--as 'B=nlm': it has another name already, 'A'"),
    ],
)
def test_a_mistake_in_as_is_one_line(given: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        with_names([scored("nlm"), scored("median")], given)
    assert str(caught.value) == said


@pytest.mark.parametrize(("given", "name"), [(["A=nlm", "A=median"], "A"), (["median=nlm"], "median")])
def test_a_name_for_two_specs_is_refused(given: list[str], name: str) -> None:
    records = with_names([scored("nlm"), scored("median")], given)
    with pytest.raises(UsageError) as caught:
        report_data(records, "")
    assert not missing_from(str(caught.value), f"the name {name!r}", "two methods, median ", "nlm", "--as")


def test_names_change_no_number_and_no_order() -> None:
    rng = np.random.default_rng(2)
    records = [record(m, {"psnr": BASE + rng.normal(0, 1, 8), "ssim": BASE / 50}) for m in ("identity", "nlm", "net")]
    (plain,) = boards(shown(records))
    (named,) = boards(shown(with_names(records, ["Zzz=net", "Aaa=identity", "P=photos"])))
    assert [row.label for row in named.rows] == [
        {"net": "Zzz", "identity": "Aaa"}.get(r.label, r.label) for r in plain.rows
    ]
    for one, other in zip(plain.rows, named.rows, strict=True):
        assert (one.ranks, one.interval, one.difference, one.spec) == (
            other.ranks,
            other.interval,
            other.difference,
            other.spec,
        )
    assert (plain.identity, plain.signatures) == (named.identity, named.signatures)


def test_a_name_is_in_every_form_of_a_report_and_the_spec_is_found(tmp_path: Path) -> None:
    methods = {"nlm": 0, "net": 1, "identity": -9}
    records = [scored(m, g, regime=f"gaussian(sigma={s})") for m, g in methods.items() for s in (15, 25)]
    records.append(cost_record("nlm"))
    lost = record("nlm", {}, regime="gaussian(sigma=50)", pictures=8, outcome="timeout", reason="slow")
    records = with_names([*records, lost], ["N L M=nlm", "Photographs=photos"])
    write_report(records, tmp_path)
    for name in ("leaderboard.md", "leaderboard.csv", "leaderboard.tex", "leaderboard.html", "table.md", "table.csv",
                 "table.tex", "table.html", "statistics.md", "statistics.tex", "summary.json"):  # fmt: skip
        text = (tmp_path / name).read_text()
        assert "N L M" in text and "Photographs" in text, name
        if not name.startswith("statistics"):
            assert "nlm" in text, name
    rows = list(csv.DictReader((tmp_path / "leaderboard.csv").open()))
    assert {row["spec"] for row in rows if row["method"] == "N L M"} == {"nlm"}
    assert "| N L M" in (tmp_path / "leaderboard.md").read_text().partition("## Cost")[2]
    assert "| N L M" in (tmp_path / "leaderboard.md").read_text().partition("## Failures")[2]
    assert list((tmp_path / "plots").glob("level-01-photographs-gaussian.svg"))


def test_hostile_names_are_text_in_a_report(tmp_path: Path) -> None:
    bad = HOSTILE.replace("\n", " ")[:80]
    records = [replace(scored("nlm"), names={"method": bad, "dataset": bad}), scored("identity", -9)]
    write_report(records, tmp_path)
    for name in ("leaderboard.html", "table.html"):
        assert "<script>alert" not in (tmp_path / name).read_text()
    for name in ("leaderboard.csv", "table.csv"):
        cells = [cell for row in csv.reader((tmp_path / name).open()) for cell in row]
        assert not any(cell.startswith("=") for cell in cells) and any(cell.startswith("'=<script>") for cell in cells)


def test_an_export_carries_the_names_outside_of_its_seals(tmp_path: Path) -> None:
    plain, named = scored("nlm"), replace(scored("nlm"), names={"method": "NLM"})
    file = tmp_path / "e.json"
    file.write_text(export_text([named]))
    (again,) = read_records(file)
    assert again.names == {"method": "NLM"}
    seals = [json.loads(export_text([one]))["cells"][0]["seal"] for one in (plain, named)]
    assert seals[0] == seals[1]
    assert '"names"' not in export_text([plain])


# ----------------------------------------------------------------------------------------- private folders


@pytest.mark.parametrize(
    ("spec", "short"),
    [
        ("folder(path='/home/me/secret/out')", "folder(path=out)"),
        ("folder(path='/home/me/my secret/the out/')", "folder(path='the out')"),
        ("folder(path='../secret/out')", "folder(path=out)"),
        ("spandrel(path='~/w/x4.pth', adapt=True)", "spandrel(path='x4.pth', adapt=True)"),
        ("spandrel(path='C:\\\\Users\\\\me\\\\x4.pth')", "spandrel(path='x4.pth')"),
        (
            "command(argv='/usr/bin/python3 /home/me/run.py --weights=/home/me/w.pt {input} {output}')",
            "command(argv='python3 run.py --weights=w.pt {input} {output}')",
        ),
        ("tiled(method=folder(path='/home/me/out'))", "tiled(method=folder(path=out))"),
        ("command(argv='x {input} {output}', files=('/home/me/a.bin', 'b'))",
         "command(argv='x {input} {output}', files=('a.bin', 'b'))"),
        ("folder(path=out)", "folder(path=out)"),
        ("folder(path='a', group='^(\\\\d+)_')", "folder(path='a', group='^(\\\\d+)_')"),
        ("nlm(h=0.8)", "nlm(h=0.8)"),
        ("param(text='<script>alert(3)</script>')", "param(text='<script>alert(3)</script>')"),
        ("param(text='<br/> or signal / noise')", "param(text='<br/> or signal / noise')"),
        ("param(text='<b>/home/me/out</b>')", "param(text='b>')"),
        ("param(text='/home/me / x')", "param(text=' x')"),
        ("param(text='private/out</b>')", "param(text='b>')"),
    ],
)  # fmt: skip
def test_a_spec_is_shown_without_folders(spec: str, short: str) -> None:
    assert without_folders(spec) == short


def test_a_message_is_shown_without_folders() -> None:
    assert message_without_folders('File "/home/me/x/my_net.py", line 3, in f') == 'File "my_net.py", line 3, in f'
    assert message_without_folders("no /home/me/w.pt: see https://a.b/c/d, 1/2 or </b>") == (
        "no w.pt: see https://a.b/c/d, 1/2 or </b>"
    )


@pytest.mark.parametrize(
    ("paths", "tails"),
    [
        (["/home/me/a/out", "/home/me/b/out"], ["a/out", "b/out"]),
        (["net1/set12", "net2/set12", "net2/set14"], ["net1/set12", "net2/set12", "set14"]),
        (["/home/me/a/x/out", "/home/me/b/x/out", "/home/me/b/out"], ["a/x/out", "b/x/out", "b/out"]),
        (["/home/me/out", "out"], ["me/out", "out"]),
        (["../secret/out", "/x/secret/out", "b/out"], ["../secret/out", "x/secret/out", "b/out"]),
        # No tail tells these apart, so that no folder of them is shown.
        (["/a/out", "a/out"], ["out", "out #2"]),
    ],
)
def test_folders_of_one_name_are_told_apart_by_the_shortest_tails(paths: list[str], tails: list[str]) -> None:
    records = [scored("folder", display=str(parse(f"folder(path={path!r}, extra='/home/me/w.pt')"))) for path in paths]
    labelled = [record.cell.method.display for record in shown(records)]
    assert [re.sub(r"folder\(path='?([^',]+)'?, extra='w.pt'\)", r"\1", label) for label in labelled] == tails
    # What is shown names the method, where a name is given and where it is compared.
    assert [written(records, label) for label in labelled] == [r.cell.method.spec for r in records]
    assert labels(with_names(records, [f"N={labelled[0]}"])).count("N") == 1


def test_no_private_folder_is_in_a_report(tmp_path: Path) -> None:
    secret = "/home/me/secret"
    net = f"folder(path='{secret}/a/out')"
    twin = f"folder(path='{secret}/b/out')"
    run = f"command(argv='python {secret}/run.py {{input}} {{output}}')"
    data = f"folder(path='{secret}/set')"
    records = [
        scored("folder", display=net, dataset=data), scored("folder", -1, display=twin, dataset=data),
        record("command", {"psnr": BASE[:3]}, display=run, dataset=data, pictures=8, outcome="failed",
               reason=f"ProgramFailed: {secret}/run.py is broken", notes=[f"{secret}/log"],
               traceback=f'File "{secret}/run.py", line 1\nValueError: {secret}/run.py'),
        cost_record("folder", display=net),
    ]  # fmt: skip
    records = [
        replace(r, cell=structs.replace(r.cell, dataset=structs.replace(r.cell.dataset, name="folder")))
        for r in records
    ]
    write_report(records, tmp_path)
    for file in tmp_path.rglob("*"):
        if file.suffix in (".md", ".csv", ".tex", ".html", ".json", ".svg"):
            assert "secret" not in file.read_text() and "/home" not in file.read_text(), file.name
    board = (tmp_path / "leaderboard.md").read_text()
    # Two that differ in their folders alone stay two, and a cost is that of its own.
    assert "| folder(path='a/out') " in board and "| folder(path='b/out') " in board
    assert "ProgramFailed: run.py is broken" in board
    rows = list(csv.DictReader((tmp_path / "leaderboard.csv").open()))
    assert sorted(bool(row["latency_p50_ms"]) for row in rows if row["outcome"] == "ok") == [False, True]


def test_no_mark_that_turns_text_round_is_in_the_page(tmp_path: Path) -> None:
    turned = "ValueError: \u202egnp.exe\u2066 \u3000中"
    lost = record("nlm", {}, pictures=8, outcome="failed", reason=turned, traceback=f"{turned}\n{turned}")
    write_report([scored("median"), lost], tmp_path)
    page = (tmp_path / "leaderboard.html").read_text()
    assert "gnp.exe\N{REPLACEMENT CHARACTER} \u3000中" in page
    assert not {"\u202e", "\u2066"} & set(page)
