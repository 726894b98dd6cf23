"""For tests and notebooks: evaluate a method in this process, and throw-away suites made from text."""

from __future__ import annotations

import textwrap
from pathlib import Path


def throwaway(folder: Path, suite: str, **files: str) -> Path:
    """Write a suite and plug-in modules (name → source) into `folder`; returns the suite's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    path = folder / "suite.yaml"
    path.write_text(textwrap.dedent(suite), encoding="utf-8")
    return path
