"""What the verbs print of a store of many cells, of the kind that the benchmarks of large stores are run on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from msgspec import structs
from noisebench.cli import main

CELLS = 24


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with stores a and b of the same cells on the same inputs, with other scores."""
    folder = tmp_path_factory.mktemp("many")
    script = "import sys; from big_store import make\nfor n in 'ab': make(sys.argv[1] + n, {}, 7, seed=ord(n))"
    command = [sys.executable, "-c", script.format(CELLS), f"{folder}/"]
    subprocess.run(command, cwd=ROOT / "benchmarks", check=True, timeout=240)
    return folder


@pytest.fixture
def run(stores: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """Calls a verb; its exit code, and the lines of stdout."""
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        (tmp_path / name).symlink_to(stores / name)

    def call(*words: str) -> tuple[int, list[str]]:
        code = main(words)
        return code, capsys.readouterr().out.splitlines()

    return call


def test_every_verb_takes_the_stores_of_the_benchmarks(run) -> None:
    assert [run(*words)[0] for words in (
        ["store", "verify", "a"], ["check", "a", "b"], ["compare", "a", "b"], ["compare", "a", "a"],
        ["why", "a"], ["report", "a", "--to", "board"], ["export", "a", "--to", "a.json"], ["check", "a.json", "a"],
        ["store", "ls", "a"], ["store", "gc", "a"],
    )] == [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]  # fmt: skip


def test_their_cells_are_what_would_be_planned_today(run) -> None:
    entries = json.loads("\n".join(run("why", "a", "--json")[1]))
    assert len(entries) == CELLS and {entry["state"] for entry in entries} == {"up to date"}
    assert run("check", "a", "a")[1][-1] == f"no regression: {2 * CELLS} compared, 0 regressions"


def test_why_counts_what_is_up_to_date(run) -> None:
    (line,) = run("why", "a")[1]
    assert line.startswith(f"{CELLS} cells: {CELLS} up to date; ") and "FILTER or --json" in line
    assert "gaussian_filter(width=24)" in run("why", "a", "width=24")[1][0]


def test_why_tells_cells_that_changed_alike_as_one(run, monkeypatch: pytest.MonkeyPatch) -> None:
    from noisebench.engine import planning_process

    real = planning_process.replan_in_child

    def edited(requests):
        found = real(requests)
        for n, one in enumerate(found[:-1]):
            found[n] = structs.replace(one, key="f" * 64, inputs={**one.inputs, "data": "0" * 64})
        return found

    monkeypatch.setattr(planning_process, "replan_in_child", edited)
    lines = run("why", "a")[1]
    assert len(lines) == 3 and " and 22 more cells  ok  " in lines[0] and lines[0].endswith("to be run again")
    assert "dataset changed (" in lines[1]
    assert lines[2].startswith("24 cells: 23 to be run again, 1 up to date; ")


def test_a_dry_run_lists_what_is_to_be_done_first_and_counts_the_rest(run, capsys) -> None:
    widths = ",".join(str(i) for i in range(1, 81))
    spec = ["--methods", f"gaussian_filter(width={{{widths}}})", "--datasets", "piecewise(n=7, size=8)"]
    code, lines = run("run", "--dry-run", *spec, "--regimes", "gaussian(sigma=1)", "--store", "a")
    assert (code, len(lines)) == (0, 52) and all(line.startswith("run ") for line in lines[1:51])
    assert lines[-1] == "… and 30 more cells; --json has all"
