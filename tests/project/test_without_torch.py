"""Where torch is not installed the core runs, and what needs torch is skipped or refused in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import core_commands
import pytest

HIDING = """
import sys


class Hides:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchmetrics", "torchvision"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Hides)
"""


@pytest.mark.timeout(600)  # twenty commands, 35 s of a processor
def test_the_core_runs_where_torch_is_hidden_from_every_process(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDING)
    done = subprocess.run(
        [sys.executable, core_commands.__file__],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0 and len(done.stdout.splitlines()) == len(core_commands.COMMANDS), (
        done.stdout + done.stderr
    )
