"""The process that cells are forked from has one thread: Python 3.12 and later warn where there are more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_process_with_threads_is_never_forked(tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "noisebench", "run", "--methods", "identity", "--datasets", "photos", "--limit", "1"),
        *("--regimes", "gaussian(sigma=25)", "--store", "s"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "1 cell: 1 ok" in done.stdout and "multi-threaded" not in done.stderr
