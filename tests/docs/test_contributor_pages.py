"""The pages for contributors: each `add-a-…` page is followed as it stands, and what the others name is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from guides import follow

PAGES = ["add-a-method.md", "add-a-regime.md", "add-a-metric.md", "add-a-dataset.md", "add-a-track.md"]


def lines_of(said: str, method: str) -> list[str]:
    """The rows of printed boards that begin with a method."""
    return [line for line in said.splitlines() if re.match(rf" *[\d–]+  {re.escape(method)}", line)]


def test_a_method(tmp_path: Path) -> None:
    said = follow("add-a-method.md", tmp_path)
    assert "4 cells: 4 ok (4 run now)" in said
    assert lines_of(said, "trimmed_mean(cut=1)") and lines_of(said, "trimmed_mean ")
    assert "2 passed" in said


def test_a_regime(tmp_path: Path) -> None:
    said = follow("add-a-regime.md", tmp_path)
    assert "A sine wave down" in said
    assert "6 cells: 6 ok (6 run now)" in said
    assert "hum(amplitude=20) + gaussian(sigma=10)" in said
    assert "2 passed" in said


def test_a_metric(tmp_path: Path) -> None:
    said = follow("add-a-metric.md", tmp_path)
    assert "3 cells: 3 ok (3 run now)" in said
    assert "share_off(by=10)" in said and "share_off(by=40)" in said
    assert "2 passed" in said


def test_a_dataset(tmp_path: Path) -> None:
    said = follow("add-a-dataset.md", tmp_path)
    assert "6 cells: 6 ok (6 run now)" in said
    assert "2 cells: 2 ok (2 run now)" in said
    assert (tmp_path / "waves.csv").read_text().count("\n") == 4
    assert "3 passed" in said


def test_a_track(tmp_path: Path) -> None:
    said = follow("add-a-track.md", tmp_path)
    assert "10 cells: 10 ok (10 run now)" in said
    assert re.search(r"^ +1  total_variati", said, re.MULTILINE), "the best one is told apart from the others"
    assert "psnr" not in said and "picture" not in said
    assert "A: moving_median\nB: total_variation\n" in said
    assert "4 passed" in said


def test_the_track_of_functions(tmp_path: Path) -> None:
    said = follow("functions.md", tmp_path)
    for cells in (6, 6, 2):
        assert f"{cells} cells: {cells} ok ({cells} run now)" in said


@pytest.mark.parametrize("track", ["adapt", "classify", "generate", "segment", "text"])
def test_tables_of_a_track_name_components_that_there_are(track: str) -> None:
    """A new component needs no row: `noisebench list` names them all."""
    from noisebench.components.registry import registry

    page = (ROOT / "docs" / f"{track}.md").read_text(encoding="utf-8")
    tables = re.findall(
        r"^\| (?:models|samplers|(?:method|dataset|protocol|metric)s) \|.*((?:\n\|.*)+)", page, re.MULTILINE
    )
    rows = [line.split("|")[1].partition(":")[0] for table in tables for line in table.splitlines()[2:]]
    named = {name for row in rows for name in re.findall(r"`(\w+)[(`]", row)}
    kinds = ("method", "dataset", "regime", "protocol", "metric")
    known = {name for kind in kinds for name in registry(kind, track).names()}
    assert named and named <= known, f"docs/{track}.md has no such component: {sorted(named - known)}"


@pytest.mark.parametrize(
    "page",
    [
        *("CONTRIBUTING.md", "CHANGELOG.md"),
        *(f"docs/{page}" for page in (*PAGES, "architecture.md", "functions.md", "glossary.md")),
    ],
)
def test_links_and_paths_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("https://"):
            assert (ROOT / page).parent.joinpath(target).exists(), target
    assert page in (ROOT / "README.md").read_text(encoding="utf-8"), "the README leads to it"


def test_the_two_minute_loop_takes_tests_that_there_are() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    file, part = re.search(r"`pytest (\S+)`", page), re.search(r'`-k "(.+?)"`', page)
    assert file and part
    collect = [sys.executable, "-m", "pytest", "-p", "no:xdist", "--collect-only", file[1], "-k", part[1]]
    done = subprocess.run(collect, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"CONTRIBUTING.md: no test of {file[1]} is chosen by {part[1]!r}"


def test_what_the_architecture_names_is_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+(?:\.py|/))`", text)
    assert len(named) > 20
    for path in named:
        homes = (ROOT, ROOT / "harness")
        assert any((home / path).exists() for home in homes), path


def test_the_floors_are_those_that_are_checked() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text[text.index("| package |") : text.index("Tracks, methods, recipes and datasets")]
    stated = [re.findall(r"`(\w+)`", row.split("|")[1]) for row in table.splitlines()[2:] if row]
    layers = (ROOT / ".importlinter").read_text(encoding="utf-8")
    layers = layers[layers.index("layers =") : layers.index("[importlinter:contract:circles]")]
    checked = [re.findall(r"\w+", line) for line in layers.splitlines()[1:] if line.strip()]
    height = {name: place for place, floor in enumerate(checked) for name in floor}
    places = [height[name] for floor in stated for name in floor]
    assert places == sorted(places) and len(places) > 20


def test_the_glossary_has_every_outcome_and_role() -> None:
    from noisebench.components.decorators import ROLES
    from noisebench.store.cell import OUTCOMES

    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    for outcome in OUTCOMES:
        assert f"`{outcome}`" in text, outcome
    for role in filter(None, ROLES):
        assert f"**{role}**" in text, role
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    for outcome in OUTCOMES:
        assert f"`{outcome}`" in reference, outcome


def test_the_citation_is_of_this_version() -> None:
    import noisebench
    import yaml

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == noisebench.__version__
    assert citation["license"] == "MIT" and "MIT License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_hooks_and_workflow_do_what_make_test_does() -> None:
    import yaml

    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for hook in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]:
        tool = hook["entry"].replace(".venv/bin/", "$(BIN)/").removesuffix(" --force-exclude")
        step = tool.replace("make ", "$(MAKE) --no-print-directory ")
        assert f"\t{step}" in makefile, hook["id"]
    job = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))["jobs"]["make"]
    (command,) = [step["run"] for step in job["steps"] if "run" in step]
    assert command == "make ${{ matrix.target }} PYTHON=python${{ matrix.python }}"
    assert "test-python" in {one["target"] for one in job["strategy"]["matrix"]["include"]}
    assert re.search(r"^test-python:.*\n(\t.*\n)*\t.*\$\(MAKE\) .*\btest\b", makefile, re.MULTILINE)


def test_every_target_is_measured_by_a_benchmark() -> None:
    held = set()
    for file in sorted((ROOT / "benchmarks").glob("test_*.py")):
        text = file.read_text(encoding="utf-8")
        held |= set(re.findall(r'"([^"\n]+)": (?!Target)', text))
        held |= set(re.findall(r'measured\[f"([^"]+)"\]', text))
    table = (ROOT / "benchmarks" / "targets.py").read_text(encoding="utf-8")
    for name in re.findall(r'^    "([^"]+)": Target', table, re.MULTILINE):
        pattern = name.replace("scikit-image", "{name}").replace("torchmetrics", "{name}")
        assert name in held or pattern in held, name
