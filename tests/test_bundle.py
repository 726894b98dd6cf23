"""The bundle for a paper: suites that plan the same cells, sound LaTeX and BibTeX, and everything to make it again."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from board_records import cost_record, record
from noisebench.engine.planning import plan_in_child
from noisebench.report.bundle.bibliography import balanced, bibliography, entries_of, known_entries
from noisebench.report.bundle.suites import recipes, yaml_text
from noisebench.report.bundle.write import checked_suites, write_bundle
from noisebench.report.escape import latex
from noisebench.store.cells import keys, read_records
from noisebench.suite import read_suite
from test_report import HOSTILE, full_board

PLUGIN = """import noisebench as nb

@nb.method("odd_one", layout="hwc", cite="S. Odd & Co., The 100 % method {of} all_of_it, Journal of Ends, 2020")
def odd_one(noisy, info, *, gain: float = 1.0):
    \"\"\"Scales.\"\"\"
    return noisy * gain
"""


def products(records) -> set[tuple[str, str, str, int]]:
    """Every cell that the recipes of some records stand for, each once."""
    found = [
        (m, d, r, s)
        for one in recipes(records)
        for m in one.methods for d in one.datasets for r in one.regimes for s in one.seeds
    ]  # fmt: skip
    assert len(found) == len(set(found))
    return set(found)


def test_cells_that_are_no_product_are_several_suites_and_none_is_invented() -> None:
    wanted = {
        ("a", "photos", "none", 0), ("a", "photos", "none", 1), ("a", "set12", "none", 0), ("b", "photos", "none", 0),
        ("b", "photos", "gaussian(sigma=25)", 0), ("a", "photos", "gaussian(sigma=25)", 0),
    }  # fmt: skip
    rows = [record(m, {"psnr": [1.0]}, dataset=d, regime=r, seed=s) for m, d, r, s in wanted]
    assert products(rows) == wanted
    assert {one.methods for one in recipes(rows)} == {("a", "b"), ("a",)}


def test_a_product_is_one_suite() -> None:
    rows = [
        record(m, {"psnr": [1.0]}, dataset=d, regime=f"gaussian(sigma={g})", seed=s)
        for m in "abc" for d in ("photos", "set12") for g in (15, 25) for s in (0, 1)
    ]  # fmt: skip
    (one,) = recipes(rows)
    assert (one.methods, one.datasets, one.seeds) == (("a", "b", "c"), ("photos", "set12"), (0, 1))
    assert one.regimes == ("gaussian(sigma=15)", "gaussian(sigma=25)")


def test_a_suite_names_its_track_and_costs_stay_with_it(tmp_path: Path) -> None:
    rows = [
        record("knn", {"rmse": [0.1]}, track="functions", dataset="bumps", regime="none", rank_by="rmse"),
        record("knn", {"psnr": [1.0]}, regime="none"),
    ]
    cost = cost_record("knn", size=(400,))
    rows.append(replace(cost, cell={**cost.cell, "track": "functions"}))  # type: ignore[typeddict-item]
    made = {one.track: one for one in recipes(rows)}
    assert [(track, made[track].sizes) for track in sorted(made)] == [("functions", ((400,),)), ("restore", ())]
    file = tmp_path / "s.yaml"
    file.write_text(yaml_text(made["functions"]), encoding="utf-8")
    suite = read_suite(file)
    assert (suite.track, suite.rank_by, suite.cost.sizes) == ("functions", "rmse", ((400,),))


def test_hostile_names_survive_the_suite_file(tmp_path: Path) -> None:
    (one,) = recipes([record("a", {"psnr": [1.0]}, display=HOSTILE.replace("\n", " "))])
    file = tmp_path / "s.yaml"
    file.write_text(yaml_text(one), encoding="utf-8")
    assert read_suite(file).methods == (HOSTILE.replace("\n", " "),)


def test_the_suites_of_a_bundle_plan_the_same_keys(cli, tmp_path) -> None:
    (tmp_path / "odd.py").write_text(PLUGIN)
    suite = tmp_path / "s.yaml"
    suite.write_text(
        'suite: mine\nmethods: [identity, "odd_one(gain=0.9)", "vst(method=gaussian_filter)"]\n'
        'datasets: ["gaussian_field(n=3, size=24)"]\nregimes: ["poisson(peak=30)", "gaussian(sigma=25)"]\n'
        "metrics: [psnr]\nlimit: 2\ncost: {sizes: [16x16], repeats: 2}\n"
    )
    cli("run", "s.yaml", "--store", "s", "--plugin", "odd.py")
    done = cli("report", "s", "--bundle", "paper")
    assert "Planned here, the suites give the same 9 cells, key by key." in done.stdout
    planned: set[str] = set()
    for file in sorted((tmp_path / "paper" / "suites").iterdir()):
        planned |= {
            c["key"] for c in plan_in_child(replace(read_suite(file), plugins=(str(tmp_path / "odd.py"),)))["cells"]
        }
    assert planned == set(keys(tmp_path / "s"))
    readme = (tmp_path / "paper" / "README.md").read_text()
    assert "--plugin odd.py" in readme and str(tmp_path) not in readme
    write_bundle(read_records(tmp_path / "paper" / "results.json"), tmp_path / "twice")
    for name in ("boards.tex", "statistics.tex", "figures.tex", "references.bib", "results.json"):
        assert (tmp_path / "paper" / name).read_bytes() == (tmp_path / "twice" / name).read_bytes(), name


def test_an_edited_method_is_named_where_its_key_has_changed() -> None:
    rows = [record("nlm", {"psnr": [1.0]}, dataset="gaussian_field(n=1, size=24)", regime="gaussian(sigma=25)")]
    (_, remade) = checked_suites(rows)
    assert remade.missing == ("nlm · gaussian_field(n=1, size=24) · gaussian(sigma=25)",)
    assert remade.text.startswith(
        "Planned here, the suites give 0 of 1 cell; something that goes into a key has changed"
    )


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
