"""What the floors of `.importlinter` do not see: names of one track in rooms that serve all, and private imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from conftest import ROOT

HARNESS = ROOT / "harness"
OF_PICTURES = {
    *("psnr", "ssim", "mse", "mae", "fid", "kid", "dB", "identity", "nlm", "bayes_optimum", "gaussian", "uint8"),
    *("photos", "set12", "noisy input", "clean picture", "restored picture", "max_drop_picture", "min_above_identity"),
}
OWN_ROOMS = ("tracks", "imaging", "distances", "claims")
READS_OLD_FILES = {HARNESS / "store" / "old_schemas.py", HARNESS / "suite" / "old_rule_keys.py"}
PICTURES_ALONE = {"methods/recipes/losses/_scales.py": "noisebench.tracks.restore"}
"""What is for pictures and no track's own: it is made of the very metric that it stands for."""
OPEN_TO_COMPONENTS = ("noisebench.methods", "noisebench.datasets", "noisebench.recipes")


def shared_files() -> list[Path]:
    files = [f for f in HARNESS.rglob("*.py") if f.relative_to(HARNESS).parts[0] not in OWN_ROOMS]
    return [f for f in files if f not in READS_OLD_FILES]


def names_of_pictures(source: str) -> list[tuple[int, str]]:
    """Line and text of each string that is a name of the track of pictures, whole."""
    strings = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return [(n.lineno, n.value) for n in strings if n.value in OF_PICTURES]


def test_shared_rooms_name_nothing_of_one_track():
    found = {
        f"{f.relative_to(ROOT)}:{line}: {text}"
        for f in shared_files()
        for line, text in names_of_pictures(f.read_text())
    }
    assert len(shared_files()) > 100
    assert found == set()


def test_a_name_of_one_track_is_found():
    assert names_of_pictures('if metric == "psnr":\n    unit = "dB"') == [(1, "psnr"), (2, "dB")]
    assert names_of_pictures('"""Such as psnr."""') == []


def test_shared_rooms_import_no_library_of_pictures_even_for_types():
    found = {
        f"{f.relative_to(ROOT)}: {module}"
        for f in shared_files()
        for module in modules_imported(f.read_text())
        if "imaging" in module.split(".")
    }
    assert found == set()


def modules_imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_methods_and_datasets_use_what_a_user_may_use():
    files = [f for folder in ("methods", "datasets") for f in (ROOT / folder).rglob("*.py")]
    assert len(files) > 90
    for file in files:
        # The item of its own track is what the package of the track gives.
        open_to_it = (*OPEN_TO_COMPONENTS, f"noisebench.tracks.{file.parent.name}")
        open_to_it += (PICTURES_ALONE.get(file.relative_to(ROOT).as_posix(), "noisebench.recipes"),)
        for module in modules_imported(file.read_text()):
            if module.startswith((".", "noisebench")):
                own = any(module == m or module.startswith(f"{m}.") for m in open_to_it)
                assert own or module == "noisebench", f"{file.relative_to(ROOT)} imports {module}"
