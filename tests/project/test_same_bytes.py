"""Two trees of one text give the same bytes of a component; one that is edited, gone or new is found by its name."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout like this one, in which a regime is a little stronger, one is gone and one is new."""
    folder = tmp_path_factory.mktemp("edited")
    for file in ROOT.iterdir():
        if file.name not in ("harness", "build") and not file.name.startswith("."):
            (folder / file.name).symlink_to(file)
    shutil.copytree(ROOT / "harness", folder / "harness")
    regimes = folder / "harness/tracks/restore/regimes"
    text = (regimes / "kair.py").read_text(encoding="utf-8")
    assert "x + legacy_draws" in text
    (regimes / "kair.py").write_text(text.replace("x + legacy_draws", "x + 1.001 * legacy_draws"), encoding="utf-8")
    (regimes / "rayleigh.py").unlink()
    (regimes / "kair_too.py").write_text(text.replace("kair", "kair_too"), encoding="utf-8")
    return folder


def compare(old: Path, new: Path, folder: Path) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and verdict and reason of each regime that was asked for."""
    table = folder / "table.csv"
    words = ["--kind", "regime", "--track", "restore", "--to", table, "--cache", folder]
    for name in ("kair", "kair_too", "quantize", "rayleigh", "real"):
        words += ["--name", name]
    done = subprocess.run([sys.executable, ROOT / "benchmarks/same_bytes.py", old, new, *words], check=False)
    with table.open(encoding="utf-8") as file:
        return done.returncode, {row["name"]: (row["verdict"], row["reason"]) for row in csv.DictReader(file)}


def test_one_text_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    code, found = compare(ROOT, ROOT, tmp_path)
    assert code == 0 and set(found) == {"kair", "quantize", "rayleigh", "real"}
    assert set(found.values()) == {("equal", "")}


def test_what_is_edited_or_gone_differs_and_what_is_new_is_not_probed(edited: Path, tmp_path: Path) -> None:
    code, found = compare(ROOT, edited, tmp_path)
    assert code == 1
    assert found["kair"] == ("differs", "seed 0, draw 0, seed 0, draw 1, seed 1, draw 0")
    assert found["quantize"] == found["real"] == ("equal", "")
    assert found["rayleigh"] == ("differs", f"only at {ROOT}")
    assert found["kair_too"] == ("not probed", f"only at {edited}")
