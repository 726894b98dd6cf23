"""Keys: the same however the package is installed; changed by what can change a number, and by nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT
from noisebench.components.sources import module_sources

PLAN = """
import json, sys
import noisebench
from noisebench.planning.plan import plan
from noisebench.suite.suite import Suite
assert noisebench.__file__.startswith(sys.argv[1]), noisebench.__file__
cells = [
    *plan(Suite(methods=("identity", "nlm", "vst(method=bilateral)", "tiled(method=dncnn)",
                         "command(argv='true {input} {output}')"),
                datasets=("photos", "piecewise(n=2)"),
                regimes=("gaussian(sigma=25)", "blur(sigma=1) + jpeg(quality=40)"))),
    *plan(Suite(track="functions", methods=("random_features", "k_nn"), datasets=("bumps(n=2)", "scanlines"),
                regimes=("gaussian(sigma=0.1)",))),
]
print(json.dumps({cell.key: cell.inputs["sources"] for cell in cells}))
"""


def planned(package: Path, cwd: Path) -> dict[str, dict[str, str]]:
    """Keys and sources of some cells, planned by the noisebench that lies in `package`."""
    done = subprocess.run(
        [sys.executable, "-c", PLAN, str(package)], cwd=cwd, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(package)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built from a copy of it."""
    folder = tmp_path_factory.mktemp("wheel")
    folders = ("harness", "methods", "datasets", "recipes", "results/weights")
    copied = (*folders, "pyproject.toml", "setup.py", "README.md", "LICENSE")
    for name in copied:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / "tree" / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            (folder / "tree").mkdir(exist_ok=True)
            shutil.copy(source, folder / "tree")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(folder / "tree")], check=True)
    (file,) = folder.glob("*.whl")
    return file


def test_a_wheel_and_an_editable_install_give_the_same_keys(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    from_wheel, here = planned(site, tmp_path), planned(ROOT / "harness", tmp_path)
    assert list(from_wheel) == list(here) and len(here) == 24
    assert from_wheel == here


def test_the_wheel_has_every_file_that_the_package_reads(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for source, package in (
        ("harness", "noisebench"),
        ("methods", "noisebench/methods"),
        ("datasets", "noisebench/datasets"),
        ("recipes", "noisebench/recipes"),
        ("results/weights", "noisebench/weights"),
    ):
        for file in (ROOT / source).rglob("*"):
            elsewhere = source == "methods" and ROOT / "methods/recipes" in file.parents
            if file.is_file() and not elsewhere and "__pycache__" not in file.parts and file.name != "README.md":
                assert f"{package}/{file.relative_to(ROOT / source).as_posix()}" in names, file
    assert not any("test" in name.split("/")[0] for name in names)


def test_another_version_of_the_package_runs_nothing_again(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    before = planned(site, tmp_path)
    init = site / "noisebench" / "__init__.py"
    init.write_text(init.read_text().replace('__version__ = "', '__version__ = "9.'))
    engine = site / "noisebench" / "engine" / "worker.py"
    engine.write_text(engine.read_text() + "\n# a change of what computes nothing\n")
    assert planned(site, tmp_path) == before
    nlm = site / "noisebench" / "methods" / "restore" / "nlm.py"
    nlm.write_text(nlm.read_text() + "\n# a comment\n")
    assert planned(site, tmp_path) == before
    nlm.write_text(nlm.read_text() + "\nCHANGED = True\n")
    after = planned(site, tmp_path)
    changed = [sources for key, sources in before.items() if key not in after]
    # vst names nlm as its default, and was given another method: it is not changed.
    assert len(changed) == 4 and all("noisebench.methods/restore/nlm.py" in sources for sources in changed)


def test_files_of_one_name_in_two_roots_are_two(tmp_path: Path) -> None:
    for root, text in (("one", "A = 1\n"), ("two", "A = 2\n")):
        (tmp_path / root).mkdir()
        (tmp_path / root / "net.py").write_text(text)
        (tmp_path / root / f"{root}_method.py").write_text("import net\n")
    found = {
        **module_sources(tmp_path / "one" / "one_method.py", "one_method"),
        **module_sources(tmp_path / "two" / "two_method.py", "two_method"),
    }
    assert set(found) == {
        "one_method/one_method.py",
        "one_method/net.py",
        "two_method/two_method.py",
        "two_method/net.py",
    }
    assert found["one_method/net.py"] != found["two_method/net.py"]
