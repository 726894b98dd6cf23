"""tests/ has the folders of the packages, and no file of tests imports another one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from conftest import ROOT

TESTS = ROOT / "tests"
FILES = sorted(TESTS.rglob("test_*.py"))
OF_NO_PACKAGE = {"docs", "project", "results"}
"""Tests of documents, of how the project is built, and of committed results."""


def imported(file: Path) -> set[str]:
    """The first names of the modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_no_file_of_tests_imports_another_one() -> None:
    names = {file.stem for file in FILES} | {"tests"}
    others = {file.relative_to(ROOT).as_posix(): names & imported(file) for file in TESTS.rglob("*.py")}
    assert {file: found for file, found in others.items() if found} == {}


@pytest.mark.parametrize("folder", sorted({file.parent.relative_to(TESTS).as_posix() for file in FILES} - {"."}))
def test_a_folder_of_tests_is_that_of_a_package(folder: str) -> None:
    packages = (ROOT / "harness" / folder, ROOT / folder)
    assert folder in OF_NO_PACKAGE or any(place.is_dir() for place in packages)
