"""The source fingerprint: which files of the own folder or package count, and what of them does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from noisebench.components.fingerprint import Source, source_in
from noisebench.components.sources import module_sources


def sources(file, name="plug"):
    module_sources.cache_clear()
    return module_sources(file.resolve(), name)


def test_imports_of_the_folder_are_followed_also_inside_functions(tmp_path):
    (tmp_path / "plug.py").write_text("import numpy\nimport one\ndef f():\n    from pack import two\n")
    (tmp_path / "one.py").write_text("import three\n")
    (tmp_path / "three.py").write_text("")
    (tmp_path / "unused.py").write_text("")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "two.py").write_text("from . import four\nfrom .five import x\n")
    (tmp_path / "pack" / "four.py").write_text("")
    (tmp_path / "pack" / "five.py").write_text("x = 1\n")
    assert set(sources(tmp_path / "plug.py")) == {
        f"plug/{file}.py"
        for file in ("plug", "one", "three", "pack/__init__", "pack/two", "pack/four", "pack/five")
    }  # fmt: skip


def test_content_counts_and_the_time_stamp_does_not(tmp_path):
    file = tmp_path / "plug.py"
    file.write_text("a = 1\n")
    before = sources(file)
    os.utime(file, (1, 1))
    assert sources(file) == before
    file.write_text("a = 2\n")
    assert sources(file) != before


def test_a_package_is_followed_by_its_full_name(tmp_path):
    root = tmp_path / "mypkg"
    (root / "sub").mkdir(parents=True)
    for name, text in {
        "__init__.py": "", "nets.py": "", "sub/__init__.py": "", 
        "sub/method.py": "from mypkg.nets import x\nfrom ..other import y\n",
        "other.py": "",
    }.items():  # fmt: skip
        (root / name).write_text(text)
    found = sources(root / "sub" / "method.py", "mypkg.sub.method")
    assert {"mypkg/sub/method.py", "mypkg/nets.py", "mypkg/other.py"} <= set(found)


def test_a_cycle_ends(tmp_path):
    (tmp_path / "plug.py").write_text("import other\n")
    (tmp_path / "other.py").write_text("import plug\n")
    assert set(sources(tmp_path / "plug.py")) == {"plug/plug.py", "plug/other.py"}


def test_modules_imported_by_name_and_programs_named_in_a_text_are_followed(tmp_path):
    (tmp_path / "plug.py").write_text(
        "import importlib, subprocess\nfrom pathlib import Path\nimportlib.import_module('one')\n"
        "subprocess.run(['python', Path(__file__).with_name('program.py')])\nnear = '../outside.py', 'gone.py', '.py'\n"
    )
    (tmp_path / "one.py").write_text("a = 1\n")
    (tmp_path / "program.py").write_text("import two\n")
    (tmp_path / "two.py").write_text("b = 1\n")
    (tmp_path.parent / "outside.py").write_text("c = 1\n")
    assert set(sources(tmp_path / "plug.py")) == {f"plug/{name}.py" for name in ("plug", "one", "program", "two")}


def test_a_relative_module_imported_by_name_is_followed_in_a_package(tmp_path):
    root = tmp_path / "mypkg"
    root.mkdir()
    (root / "__init__.py").write_text("")
    (root / "method.py").write_text("from importlib import import_module\nimport_module('.net', __package__)\n")
    (root / "net.py").write_text("a = 1\n")
    assert "mypkg/net.py" in sources(root / "method.py", "mypkg.method")


CODE = '''\
"""A method."""

import math
from typing import Annotated

import noisebench as nb
import numpy as np
from noisebench import Ge
from noisebench.distances.kernel import kernel_distance
from ...imaging.pixels import luma


@nb.method("half", track="restore", cite="A, B, 2020")
def half(noisy, info, *, share: Annotated[float, Ge(0)] = 0.5, many: int = 1):
    """The input, dimmed."""
    if many > 9:
        raise nb.UsageError(f"half: many is {many}: at most 9")
    if math.isnan(share):
        raise nb.Skip("no share", needs="a share")
    # as the paper has it
    return noisy * np.float32(share)
'''
SAME = {
    "a comment": ("    # as the paper has it\n", ""),
    "layout": ("share: Annotated[float, Ge(0)] = 0.5, many", "share: Annotated[float, Ge(0)] = 0.5,\n         many"),
    "a docstring": ("The input, dimmed.", "Half of the input."),
    "no docstring": ('    """The input, dimmed."""\n', ""),
    "the text of an error": ("at most 9", "9 or fewer"),
    "what the text of an error names": ("many is {many}: at", "{share} and {many}: at"),
    "a citation": ("A, B, 2020", "A, B, 2021"),
    "another file of the harness": ("noisebench.distances.kernel import", "noisebench.statistics.kernels import"),
    "another file of the harness, relative": ("...imaging.pixels", "...pictures.colour"),
}
OTHER = {
    "a number": ("= 0.5", "= 0.4"),
    "a condition": ("many > 9", "many > 8"),
    "a range": ("Ge(0)", "Ge(0.1)"),
    "which error": ("nb.UsageError", "nb.Invalid"),
    "what a skip needs": ("a share", "another"),
    "another name of the harness": ("kernel_distance", "energy_distance"),
    "a parameter": ("share: ", "part: "),
    "a text that is returned": ("return noisy", "return 'noisy'"),
}


def fingerprint(text: str) -> Source:
    return source_in(text.encode(), "noisebench.methods", 1)


@pytest.mark.parametrize("edit", SAME)
def test_an_edit_that_changes_no_number_leaves_the_fingerprint(edit: str) -> None:
    before, after = SAME[edit]
    assert before in CODE
    assert fingerprint(CODE.replace(before, after)).sha256 == fingerprint(CODE).sha256


@pytest.mark.parametrize("edit", OTHER)
def test_an_edit_of_code_changes_the_fingerprint(edit: str) -> None:
    before, after = OTHER[edit]
    assert before in CODE
    assert fingerprint(CODE.replace(before, after)).sha256 != fingerprint(CODE).sha256


def test_what_an_exception_of_the_file_itself_carries_counts() -> None:
    one, two = (f"class Found(Exception): pass\nraise Found({text!r})\n" for text in ("left", "right"))
    assert fingerprint(one).sha256 != fingerprint(two).sha256


def test_within_the_own_package_the_module_counts() -> None:
    one, two = (f"from noisebench.methods.restore.{name} import blur\n" for name in ("_one", "_two"))
    assert fingerprint(one).sha256 != fingerprint(two).sha256


def test_what_cannot_be_parsed_counts_by_its_bytes_and_a_docstring_alone_for_nothing() -> None:
    assert fingerprint("def (").sha256 != fingerprint("def  (").sha256
    assert fingerprint('"""A package."""\n').sha256 == fingerprint("").sha256


OF_ALL = """
import sys
from pathlib import Path
from noisebench.components.fingerprint import source_of
print([source_of(file, "", 0).sha256 for file in sorted(Path(sys.argv[1]).rglob("*.py"))[::7]])
"""


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_the_fingerprints_are_the_same_under_every_python(version: str) -> None:
    """The module needs nothing but the standard library, so that it runs where noisebench is not installed."""
    other = shutil.which(f"python{version}")
    alone = "import sys, types; sys.path.insert(0, sys.argv[2])\n" + OF_ALL.replace("noisebench.components.", "")
    words = ["-c", alone, str(ROOT / "methods"), str(ROOT / "harness" / "components")]
    if other is None or subprocess.run([other, "-c", ""], capture_output=True).returncode:
        pytest.skip(f"python{version} is not here")
    here, there = (
        subprocess.run([python, *words], capture_output=True, text=True, check=True, cwd="/").stdout
        for python in (sys.executable, other)
    )
    assert here == there and here.count(",") > 20
