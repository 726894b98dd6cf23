"""The examples in docstrings of public names give what they show, all in one process."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT
from shell import shell

RUN = """
import doctest
from pathlib import Path

import noisebench as nb
import numpy as np
import torch

find = doctest.DocTestFinder(recurse=False)
tests = [test for name in nb.__all__ for test in find.find(getattr(nb, name), name, False, {}, {}) if test.examples]
assert len(tests) > 30
runner = doctest.DocTestRunner()
for test in tests:
    test.globs = {"nb": nb, "np": np, "torch": torch, "Path": Path}
    runner.run(test)
raise SystemExit(runner.failures)
"""


def test_examples_of_public_names_give_what_they_show(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "results").symlink_to(ROOT / "results")
    (tmp_path / "examples.py").write_text(RUN, encoding="utf-8")
    done = shell("python examples.py", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
