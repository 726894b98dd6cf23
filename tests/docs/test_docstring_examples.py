"""Each public name has an example in its docstring, and the examples give what they show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import noisebench
import pytest
from conftest import ROOT
from public_examples import examples_of, needs_torch, public_docstrings


def test_each_public_name_has_an_example_that_shows_a_result() -> None:
    docstrings = public_docstrings()
    assert sorted(docstrings) == sorted(noisebench.__all__)
    shown = {name for name, text in docstrings.items() if any(one.want for one in examples_of(text))}
    assert sorted(docstrings.keys() - shown) == []


@pytest.mark.parametrize("option", ["", "--torch"])
def test_examples_give_what_they_show_and_import_torch_only_where_they_say_so(option: str, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    if option:
        pytest.importorskip("torch")
    (tmp_path / "results").symlink_to(ROOT / "results")
    # A python of its own: the warm one of other tests may have torch already.
    command = [sys.executable, str(ROOT / "tests" / "support" / "public_examples.py"), *filter(None, [option])]
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=240, env={**os.environ, **cache}
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_needs_torch_says_so() -> None:
    assert needs_torch(">>> import torch\n>>> torch.ones(1)\n") and needs_torch(">>> nb.bind('trained', 'method')\n")
    assert not needs_torch(">>> nb.read_checkpoint(data, 'torch', 'net.pth')\n")
