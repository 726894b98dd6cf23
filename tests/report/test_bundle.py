"""The bundle for a paper: suites that plan the same cells, sound LaTeX and BibTeX, and everything to make it again."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from board_records import changed, cost_record, record
from conftest import ROOT
from example_boards import HOSTILE, full_board
from messages import missing_by_line, missing_from
from msgspec import structs
from noisebench.report.bundle.bibliography import balanced, bibliography, entries_of, known_entries
from noisebench.report.bundle.plugins import with_plugins
from noisebench.report.bundle.suites import names_of, suites_of, yaml_text
from noisebench.report.bundle.write import checked_suites, write_bundle
from noisebench.report.escape import latex
from noisebench.store.cell import Request
from noisebench.store.cells import keys
from noisebench.store.export import export_text, read_export
from noisebench.store.reading import read_records
from noisebench.store.record import Plugins
from noisebench.suite.suite import read_suite
from noisebench.text.errors import UsageError
from shell import shell

PLUGIN = """import noisebench as nb
from odd_parts.scales import LOUD

@nb.method("odd_one", layout="hwc", cite="S. Odd & Co., The 100 % method {of} all_of_it, Journal of Ends, 2020")
def odd_one(noisy, info, *, gain: float = 1.0):
    \"\"\"Scales.\"\"\"
    return noisy * gain * LOUD
"""
ALONE = PLUGIN.replace("from odd_parts.scales import LOUD", "LOUD = 1.0")
BROKEN = """import noisebench as nb

@nb.method("broken_one")
def broken_one(noisy, info):
    \"\"\"Fails.\"\"\"
    raise ValueError("no luck")
"""


def products(records) -> set[tuple[str, str, str, int]]:
    """Every cell that the suites of some records score, each once; those of costs score none that is not among them."""
    scored, beside_costs = (
        [
            (m, d, r, s)
            for one in suites_of(records) if bool(one.sizes) is costs
            for m in one.methods for d in one.datasets for r in one.regimes for s in one.seeds
        ]
        for costs in (False, True)
    )  # fmt: skip
    assert len(scored) == len(set(scored)) and set(beside_costs) <= set(scored)
    return set(scored)


def test_cells_that_are_no_product_are_several_suites_and_none_is_invented() -> None:
    wanted = {
        ("a", "photos", "none", 0), ("a", "photos", "none", 1), ("a", "set12", "none", 0), ("b", "photos", "none", 0),
        ("b", "photos", "gaussian(sigma=25)", 0), ("a", "photos", "gaussian(sigma=25)", 0),
    }  # fmt: skip
    rows = [record(m, {"psnr": [1.0]}, dataset=d, regime=r, seed=s) for m, d, r, s in wanted]
    assert products(rows) == wanted
    assert {one.methods for one in suites_of(rows)} == {("a", "b"), ("a",)}


def test_a_product_is_one_suite() -> None:
    rows = [
        record(m, {"psnr": [1.0]}, dataset=d, regime=f"gaussian(sigma={g})", seed=s)
        for m in "abc" for d in ("photos", "set12") for g in (15, 25) for s in (0, 1)
    ]  # fmt: skip
    (one,) = suites_of(rows)
    assert (one.methods, one.datasets, one.seeds) == (("a", "b", "c"), ("photos", "set12"), (0, 1))
    assert one.regimes == ("gaussian(sigma=15)", "gaussian(sigma=25)")


def test_a_suite_names_its_track_and_costs_stay_with_it(tmp_path: Path) -> None:
    rows = [
        record("knn", {"rmse": [0.1]}, track="functions", dataset="bumps", regime="none", rank_by="rmse"),
        record("knn", {"psnr": [1.0]}, regime="none"),
    ]
    cost = cost_record("knn", size=(400,))
    rows.append(replace(cost, cell=structs.replace(cost.cell, track="functions")))  # type: ignore[typeddict-item]
    suites = suites_of(rows)
    assert [(one.track, one.sizes) for one in suites] == [("functions", ()), ("restore", ()), ("functions", ((400,),))]
    file = tmp_path / "s.yaml"
    file.write_text(yaml_text(suites[-1], {}), encoding="utf-8")
    suite = read_suite(file)
    assert (suite.track, suite.rank_by, suite.cost.sizes) == ("functions", "rmse", ((400,),))


GREY, COLOUR = (32, 32), (32, 32, 3)


def planned_costs(rows) -> set[tuple[str, str, tuple[int, ...]]]:
    """Method, regime and size of every cost that the suites of some records plan, each once."""
    planned = [
        (method, one.regimes[0], size) for one in suites_of(rows) for method in one.methods for size in one.sizes
    ]
    assert len(planned) == len(set(planned))
    return set(planned)


def costs_of(rows) -> set[tuple[str, str, tuple[int, ...]]]:
    """The same of what the records hold."""
    costs = [row.cell for row in rows if row.cell.kind == "cost"]
    sizes = [cell.inputs["size"] if cell.cost is None else cell.cost.size for cell in costs]
    return {(c.method.display, c.regime.display, tuple(s)) for c, s in zip(costs, sizes, strict=True)}


def cost_of(method: str, size: tuple[int, ...], **fields):
    """A cost; `fields` are those of its cell."""
    made = cost_record(method, size=size)
    return replace(made, cell=changed(made.cell, **fields))


def test_costs_of_grey_and_of_colour_stay_with_the_suites_that_measured_them() -> None:
    grey, colour = ("identity", "net", "nlm"), ("identity", "nlm", "rgb")
    rows = [record(m, {"psnr": [1.0]}, dataset=d) for d, ms in (("set12", grey), ("cbsd68", colour)) for m in ms]
    rows += [cost_of(m, size) for size, ms in ((GREY, grey), (COLOUR, colour)) for m in ms]
    assert planned_costs(rows) == costs_of(rows)
    costs = {(one.methods, one.sizes) for one in suites_of(rows) if one.sizes}
    assert costs == {(("identity", "nlm"), (GREY, COLOUR)), (("net",), (GREY,)), (("rgb",), (COLOUR,))}


def test_costs_of_no_suite_of_scores_are_planned_each_at_its_own_sizes() -> None:
    # Of one suite of scores, two methods have one size more; that is skipped with one of them.
    rows = [record(m, {"psnr": [1.0]}) for m in ("a", "b", "c")]
    rows += [cost_of(m, GREY) for m in ("a", "b", "c")] + [cost_of("a", COLOUR)]
    rows += [cost_of("b", COLOUR, outcome="skipped", cost=None, inputs={"size": [*COLOUR]})]
    assert planned_costs(rows) == costs_of(rows)
    assert [(one.methods, one.sizes) for one in suites_of(rows)] == [
        (("a", "b", "c"), ()), (("c",), (GREY,)), (("a", "b"), (GREY, COLOUR)),
    ]  # fmt: skip
    # Methods with the same sizes go together.
    rows = [record(m, {"psnr": [1.0]}) for m in ("a", "b", "c", "d")]
    sizes = {"a": (8, 16, 24), "b": (8, 16, 24), "c": (16, 32, 64), "d": (16, 32, 64)}
    rows += [cost_of(m, (n, n)) for m, own in sizes.items() for n in own]
    assert planned_costs(rows) == costs_of(rows)
    assert [(one.methods, len(one.sizes)) for one in suites_of(rows)] == [
        (("a", "b", "c", "d"), 0), (("a", "b"), 3), (("c", "d"), 3),
    ]  # fmt: skip


def test_costs_of_methods_that_no_one_suite_scores_are_of_several() -> None:
    rows = [record("a", {"psnr": [1.0]}), record("b", {"psnr": [1.0]}, dataset="set12")]
    scored = products(rows)
    rows += [cost_of("a", GREY), cost_of("b", GREY)]
    assert planned_costs(rows) == costs_of(rows)
    assert products(rows) == scored
    assert [(one.methods, one.sizes) for one in suites_of(rows) if one.sizes] == [(("a",), (GREY,)), (("b",), (GREY,))]
    # A cost that two of them plan is one all the same.
    rows = [record(m, {"psnr": [1.0]}, dataset=d) for d, ms in (("photos", "ab"), ("set12", "ac")) for m in ms]
    rows += [cost_of(m, GREY) for m in "abc"]
    assert planned_costs(rows) == costs_of(rows)
    assert [one.methods for one in suites_of(rows) if one.sizes] == [("a", "b"), ("c",)]


def test_a_cost_under_each_of_two_regimes_is_planned_under_both() -> None:
    regimes = {name: record("a", {"psnr": [1.0]}, regime=name) for name in ("none", "gaussian(sigma=25)")}
    rows = [*regimes.values(), *(cost_of("a", GREY, regime=one.cell.regime) for one in regimes.values())]
    assert planned_costs(rows) == costs_of(rows)


def test_a_cost_has_the_seed_that_it_was_trained_with() -> None:
    rows = [record(m, {"psnr": [1.0]}, seed=seed) for m in ("nlm", "net") for seed in (0, 1)]
    rows += [cost_of("nlm", GREY), cost_of("net", GREY, seed=1, inputs={"trained": ["key"], "size": [*GREY]})]
    assert [(one.methods, one.seeds) for one in suites_of(rows) if one.sizes] == [(("net", "nlm"), (1,))]
    rows.append(cost_of("net", GREY, seed=0, inputs={"trained": ["other"], "size": [*GREY]}))
    planned = [(m, one.seeds[0]) for one in suites_of(rows) if one.sizes for m in one.methods]
    assert sorted(planned) == [("net", 0), ("net", 1), ("nlm", 0)]


def test_a_suite_file_has_the_names_that_the_table_shows(tmp_path: Path) -> None:
    names = {"method": 'A "good" one', "dataset": "Photographs"}
    rows = [replace(record("nlm(h=0.8)", {"psnr": [1.0]}), names=names), record("median", {"psnr": [2.0]})]
    (one,) = suites_of(rows)
    (file := tmp_path / "s.yaml").write_text(yaml_text(one, names_of(rows)), encoding="utf-8")
    suite = read_suite(file)
    assert (suite.methods, suite.datasets) == (("median", "nlm(h=0.8)"), ("photos",))
    assert suite.names == {"method": {"nlm(h=0.8)": names["method"]}, "dataset": {"photos": "Photographs"}}


def test_hostile_names_survive_the_suite_file(tmp_path: Path) -> None:
    (one,) = suites_of([record("a", {"psnr": [1.0]}, display=HOSTILE.replace("\n", " "))])
    file = tmp_path / "s.yaml"
    file.write_text(yaml_text(one, {}), encoding="utf-8")
    assert read_suite(file).methods == (HOSTILE.replace("\n", " "),)


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    """A folder with two plug-ins, a store of 12 cells that were made with them, and its bundle in `paper`."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "odd.py").write_text(PLUGIN)
    (folder / "odd_parts").mkdir()
    (folder / "odd_parts" / "__init__.py").write_text("")
    (folder / "odd_parts" / "scales.py").write_text("LOUD = 1.0\n")
    (folder / "broken-one.py").write_text(BROKEN)
    (folder / "s.yaml").write_text(
        "suite: mine\nplugins: [odd.py]\n"
        'methods: [identity, "odd_one(gain=0.9)", "vst(method=gaussian_filter)", broken_one]\n'
        'datasets: ["gaussian_field(n=3, size=24)"]\nregimes: ["poisson(peak=30)", "gaussian(sigma=25)"]\n'
        "metrics: [psnr]\nlimit: 2\ncost: {sizes: [16x16], repeats: 2}\n"
    )
    shell("noisebench run s.yaml --store s --plugin broken-one.py", folder)
    done = shell("noisebench report s --bundle paper", folder)
    assert "give the same 12 cells" in done.stdout
    return folder


def texts(folder: Path) -> dict[str, str]:
    """Every file of a folder, by name."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes().decode("latin-1") for p in files}


def planned_keys(folder: Path, cli) -> set[str]:
    """The keys that the suites of a bundle plan, by the command of its README, from within it."""
    found: set[str] = set()
    for file in sorted((folder / "suites").iterdir()):
        done = cli("run", f"suites/{file.name}", "--store", "none", "--dry-run", "--json", cwd=folder)
        found |= {cell["key"] for cell in json.loads(done.stdout)["cells"]}
    return found


def test_a_bundle_holds_its_plug_ins_and_plans_and_runs_the_same_cells_elsewhere(own: Path, cli, tmp_path) -> None:
    assert {name for name in texts(own / "paper") if name.startswith("plugins/")} == {
        "plugins/broken-one.py", "plugins/odd.py", "plugins/odd_parts/__init__.py", "plugins/odd_parts/scales.py",
    }  # fmt: skip
    away = tmp_path / "away"
    shutil.copytree(own / "paper", away)
    assert planned_keys(away, cli) == set(keys(own / "s"))
    suites = sorted(file.name for file in (away / "suites").iterdir())
    for name in suites:
        assert f"noisebench run suites/{name} --store store " in (away / "README.md").read_text()
        cli("run", f"suites/{name}", "--store", "store", cwd=away, code=None)
    listed = cli("store", "ls", "store", cwd=away)
    assert "12 cells: 8 ok, 3 failed, 1 skipped" in listed.stderr


def test_runs_of_grey_and_of_colour_under_one_name_are_planned_again(cli, tmp_path: Path) -> None:
    rest = 'regimes: ["gaussian(sigma=25)"]\nmetrics: [psnr]\n'
    for methods, size in (("identity, median", "16x16"), ("identity, gaussian_filter", "16x16x3")):
        (tmp_path / "s.yaml").write_text(
            f'suite: mine\nmethods: [{methods}]\ndatasets: ["gaussian_field(n=1, size={20 + len(size)})"]\n{rest}'
            f"cost: {{sizes: [{size}], repeats: 1}}\n"
        )
        cli("run", "s.yaml", "--store", "s", "--jobs", "1")
    suites, remade = checked_suites(read_records(tmp_path / "s"))
    assert "give the same 8 cells" in remade.text
    assert {size for _, suite in suites for size in suite.sizes} == {(16, 16), (16, 16, 3)}


def test_no_file_of_a_bundle_names_a_folder_of_the_machine(own: Path) -> None:
    found = texts(own / "paper")
    assert "ValueError: no luck" in found["results.json"] and 'File \\"broken-one.py\\"' in found["results.json"]
    folders = (str(own), str(Path.home()) + "/", str(ROOT))
    assert [name for name, text in found.items() if any(folder in text for folder in folders)] == []


def test_the_results_of_a_bundle_alone_make_the_same_bundle_and_run_no_code(own: Path, cli, tmp_path: Path) -> None:
    shutil.copy(own / "paper" / "results.json", tmp_path)
    done = cli("report", "results.json", "--bundle", "twice")
    assert not missing_from(done.stdout, "was not checked: plugins/", "export", "`noisebench run --dry-run`")
    first, second = texts(own / "paper"), texts(tmp_path / "twice")
    assert first.keys() == second.keys()
    differ = {name for name in first if first[name] != second[name]}
    # Figures as PDF say when they were made.
    assert {name for name in differ if not name.endswith(".pdf")} == {"README.md"}


def test_a_plug_in_that_is_gone_or_another_is_named(own: Path, cli) -> None:
    broken, scales = own / "broken-one.py", own / "odd_parts" / "scales.py"
    before = broken.read_text(), scales.read_text()
    broken.unlink()
    scales.write_text("LOUD = 2.0\n")
    try:
        _, lacking = with_plugins(read_records(own / "s"))
        done = cli("report", "s", "--bundle", "changed", cwd=own)
    finally:
        broken.write_text(before[0])
        scales.write_text(before[1])
    assert not missing_by_line(
        lacking,
        ["plug-in broken-one.py ", "not found: put it into plugins/"],
        ["odd_parts/scales.py ", "has changed", "other cells"],
    )
    said = (own / "changed" / "README.md").read_text().replace("\\_", "_")
    assert all(line in done.stdout and line in said for line in lacking)
    assert not missing_from(done.stdout, "was not checked: plug-in broken-one.py ", "not a file")


def test_an_export_of_a_store_carries_no_code(own: Path, cli) -> None:
    cli("export", "s", "--to", "e.json", cwd=own)
    assert "LOUD" not in (own / "e.json").read_text()
    _, lacking = with_plugins(read_records(own / "e.json"))
    (line,) = (line for line in lacking if line.startswith("odd.py, "))
    assert not missing_from(line, "not in the bundle: put it into plugins/", "install its package")


def test_plug_ins_of_two_folders_that_have_one_name_stand_apart(cli, tmp_path: Path) -> None:
    for number in "12":
        (tmp_path / number).mkdir()
        (tmp_path / number / "odd.py").write_text(ALONE.replace("odd_one", f"odd_{number}"))
    cli("run", "--methods", "odd_1", "odd_2", "--plugin", "1/odd.py", "--plugin", "2/odd.py", "--store", "s",
        "--datasets", "gaussian_field(n=2, size=24)", "--regimes", "gaussian(sigma=25)")  # fmt: skip
    records, lacking = with_plugins(read_records(tmp_path / "s"))
    ((_, suite),), remade = checked_suites(records)
    assert (suite.plugins, remade.missing, remade.unknown, lacking) == (("1/odd.py", "2/odd.py"), (), "", [])


@pytest.mark.parametrize(
    "place", ["../odd.py", "/tmp/odd.py", "a/../../odd.py", "odd.sh", "a\\odd.py", "./odd.py", "a//b.py"]
)
def test_an_export_cannot_write_beside_the_bundle(place: str, tmp_path: Path) -> None:
    one = replace(record("odd_one", {"psnr": [1.0]}), plugins=Plugins(("odd.py",), {"odd.py": "x = 1\n"}))
    file = tmp_path / "e.json"
    file.write_text(export_text([one]))
    assert read_export(file)[0].plugins == one.plugins
    file.write_text(file.read_text().replace('{"odd.py"', json.dumps({place: 0})[:-4]))
    with pytest.raises(UsageError, match="not a noisebench export"):
        read_export(file)


def test_a_store_cannot_write_beside_the_bundle(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "odd.py").write_text("")
    (tmp_path / "secret.py").write_text("TOKEN = 1\n")
    made = record("odd_one", {"psnr": [1.0]})
    method = structs.replace(made.cell.method, sources={"odd/../secret.py": "0" * 64, "odd/odd.py": "0" * 64})
    request = Request(plugins=[str(tmp_path / "in" / "odd.py")], folders={"odd": str(tmp_path / "in")})
    ((one,), _) = with_plugins([replace(made, cell=structs.replace(made.cell, method=method, request=request))])
    assert one.plugins is not None and [*one.plugins.files] == ["odd.py"]


def test_what_is_too_large_to_be_carried_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text("#" * 2**20)
    (tmp_path / "big.py").write_text("#" * (2**20 + 1))
    made = record("odd_one", {"psnr": [1.0]})
    request = Request(plugins=[str(tmp_path / "big.py"), str(tmp_path / "odd.py")])
    ((one,), lacking) = with_plugins([replace(made, cell=structs.replace(made.cell, request=request))])
    assert not missing_by_line(lacking, ["big.py is too large", ": put it into plugins/"])
    assert one.plugins is not None and one.plugins.loaded == ("big.py", "odd.py") and [*one.plugins.files] == ["odd.py"]


def test_an_edited_method_is_named_where_its_key_has_changed() -> None:
    rows = [record("nlm", {"psnr": [1.0]}, dataset="gaussian_field(n=1, size=24)", regime="gaussian(sigma=25)")]
    (_, remade) = checked_suites(rows)
    assert remade.missing == ("nlm · gaussian_field(n=1, size=24) · gaussian(sigma=25)",)
    assert not missing_from(remade.text, "give 0 of 1 cell;", "`noisebench why`", *remade.missing)


# ----------------------------------------------------------------------------------------------- BibTeX


def test_short_citations_are_full_entries() -> None:
    found = dict(entries_of("Mäkitalo & Foi 2011, 2013; Dabov et al. 2007", "x"))
    assert list(found) == ["makitalo2011", "makitalo2013", "dabov2007"]
    assert "pages = {2080--2095}" in found["dabov2007"]


def test_a_long_citation_is_taken_apart_and_a_known_one_is_looked_up() -> None:
    ((key, text),) = entries_of("A. Author et al., A title, with a comma, Some Venue 9(8), 2021", "x")
    assert key == "author2021"
    assert "author = {A. Author and others}" in text and "year = {2021}" in text
    ((known, full),) = entries_of("K. Zhang et al., Beyond a Gaussian denoiser, IEEE TIP 26(7), 2017", "x")
    assert known == "zhang2017" and full == known_entries()["zhang2017"]


def test_a_text_that_is_bibtex_is_kept_and_a_broken_one_is_escaped() -> None:
    own = "@article{me2020, title={Mine}}"
    assert entries_of(own, "x") == [("me2020", own)]
    ((key, text),) = entries_of("@article{me2020, title={Mine}", "method-x")
    assert key == "method-x" and balanced(text)


def test_bibtex_of_usual_commands_is_kept() -> None:
    own = r"""@article{Foo:2020, author = {M{\"a}kitalo and Foi}, title = "{\"U}ber $\ell_1$ \& {BM3D}", month = jan,
        howpublished = {\url{https://a.b/@me/x%20y}}, year = 2020,}"""
    assert entries_of(own, "x") == [("Foo:2020", own)]
    assert entries_of("@misc { a ,title={b}}", "x") == [("a", "@misc{a,title={b}}")]


@pytest.mark.parametrize(
    "text",
    [
        r"@misc{k\input/etc/passwd, title={a}}",
        '@misc{k, title={a}}\n@preamble{"b"}',
        '@PREAMBLE{k, title={"b"}}',
        r"@misc{k, title={\input{/etc/passwd}}}",
        r'@misc{k, title={a\}} @preamble{"b"}, note={\{}}',
        r'@misc{k, title="\i" # "nput{/etc/passwd}"}',
        r"@misc{k, title={^^5cinput{/etc/passwd}}}",
        '@misc{k, year=12ab, title={@preamble{"b"}}}',
        '@misc{k, title={@preamble{"b"}}}',
        "@misc{k, title={a} b}",
        "@misc{k, title={a\x1bb}}",
        "@misc{k, title=" + "{" * 90_000 + "}" * 90_001,
    ],
)
def test_bibtex_that_would_do_something_is_an_escaped_note(text: str) -> None:
    made, used = bibliography([("m", text)], [])
    assert used == {"m": ["method-m"]} and made.startswith("@misc{method-m,\n  title = {@")
    assert made.endswith("},\n}\n") and not re.search(r"\\(input|i\b)|\^|\x1b|\n@|@\w+\{", made[1:])


@pytest.mark.parametrize("text", [HOSTILE, "}}}{{{", "50 % of $x_1$ & more \\", "…", "a" * 3000])
def test_no_text_breaks_the_file(text: str) -> None:
    made, used = bibliography([("m", text)], [(text, {"citation": text, "homepage": text, "licence": text})])
    assert balanced(made)
    assert made.count("@") - made.count(r"\@") >= len(used)
    assert not re.search(
        r"(?<!\\)[%&#$_^~](?![^\n]*url)", re.sub(r"\$[^$]*\$|@misc\{[^,]*|^  url.*", "", made, flags=re.M)
    )


def test_every_entry_of_the_package_is_balanced_and_keyed_by_name_and_year() -> None:
    known = known_entries()
    assert len(known) >= 20
    for key, text in known.items():
        assert balanced(text) and re.fullmatch(r"[a-z]+\d{4}", key), key
        assert f"year = {{{key[-4:]}}}" in text


def test_two_works_of_one_name_and_year_get_two_keys() -> None:
    first, second = "A. Who, One, Here, 2020", "A. Who, Two, There, 2020"
    made, used = bibliography([("m", first), ("n", second), ("o", first)], [])
    assert used == {"m": ["who2020"], "n": ["who2020-2"], "o": ["who2020"]}
    assert made.count("@misc{who2020,") == made.count("@misc{who2020-2,") == 1


# ------------------------------------------------------------------------------------------------ LaTeX


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(full_board(), folder)
    return folder


def test_the_words_of_a_track_stay_words_in_the_commands_of_the_readme(tmp_path: Path) -> None:
    made = record("nlm", {"psnr": [1.0]})
    words = {**made.cell.words, "item": "x`y` | sh"}
    write_bundle([replace(made, cell=structs.replace(made.cell, words=words))], tmp_path)  # type: ignore[typeddict-item]
    assert r"against these, x\`y\` \| sh by x\`y\` \| sh" in (tmp_path / "README.md").read_text()


def test_every_tex_file_is_well_formed(bundle: Path) -> None:
    for file in bundle.glob("*.tex"):
        text = re.sub(r"(?<!\\)%.*", "", file.read_text())
        assert balanced(text), file.name
        stack = []
        for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
            if kind == "begin":
                stack.append(name)
            else:
                assert stack.pop() == name, file.name
        assert not stack
        assert text.isascii() or all(ord(c) < 0x180 for c in text), file.name


def test_what_latex_lacks_prints_as_its_code() -> None:
    assert latex("中 χ² ü") == r"[U+4E2D] $\chi$$^2$ ü"


def test_every_character_of_a_report_is_one_of_latex() -> None:
    drawn_or_markdown = set("✓✅❌⚠\ufe0f▁▂▃▄▅▆▇█")
    met = {"√", "λ", "α", "Σ"}
    for folder in ("report", "boards", "comparing", "statistics", "claims"):
        for file in (ROOT / "harness" / folder).rglob("*.py"):
            if (text := file.read_text(encoding="utf-8")).isascii():
                continue
            nodes = list(ast.walk(ast.parse(text)))
            docs = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
            met |= {
                char
                for node in nodes
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
                for char in node.value
            }
    assert {"“", "’", "−"} <= met
    assert [char for char in sorted(met - drawn_or_markdown) if "[U+" in latex(char)] == []
    assert latex("“busy”") == r"\textquotedblleft{}busy\textquotedblright{}" and latex("√λαΣ").isascii()


def test_each_plot_is_there_as_pdf_and_svg(bundle: Path) -> None:
    figures = {p.name for p in (bundle / "figures").iterdir()}
    assert {Path(n).stem for n in figures if n.endswith(".pdf")} == {
        Path(n).stem for n in figures if n.endswith(".svg")
    }
    used = re.findall(r"figures/([\w.-]+)\}", (bundle / "figures.tex").read_text())
    assert used and set(used) == {n for n in figures if n.endswith(".pdf")}


@pytest.mark.skipif(not shutil.which("pdflatex") or not shutil.which("bibtex"), reason="no LaTeX is installed")
def test_the_document_compiles(bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle, tmp_path / "b")
    for command in ("pdflatex", "bibtex", "pdflatex", "pdflatex"):
        options = ["-interaction=nonstopmode", "-halt-on-error"] if command == "pdflatex" else []
        done = subprocess.run([command, *options, "paper"], cwd=tmp_path / "b", capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:].decode("utf-8", "replace")
    assert (tmp_path / "b" / "paper.pdf").stat().st_size > 10_000
