"""A folder on a disk that cannot be written."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder on a file system that cannot be written."""
    mounted = subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False).returncode == 0
    try:
        again = ["mount", "-o", "remount,bind,ro", folder]
        if not mounted or subprocess.run(again, capture_output=True, check=False).returncode:
            pytest.skip("cannot mount a folder read-only here (needs root)")
        yield
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)
