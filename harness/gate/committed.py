"""The versions of a results file that a git repository has, oldest first."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from ..store.reading import read_genuine
from ..text.errors import UsageError, one_line
from .trend import Commit


def committed(file: Path, most: int) -> list[Commit]:
    """The newest `most` commits that changed a file. Raises `UsageError` where git knows none."""
    lines = _git(file, "log", f"-n{most}", "--format=%h%x09%s", "--", file.name).decode("utf-8", "replace").splitlines()
    commits = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, f"committed{file.suffix}")
        for line in reversed(lines):
            name, _, title = line.partition("\t")
            try:
                copy.write_bytes(_git(file, "show", f"{name}:./{file.name}"))
            except UsageError:  # of a commit that took the file away
                continue
            results, left_out = read_genuine(copy)
            commits.append(Commit(name, title, results, tuple(f"{name}: {line}" for line in left_out)))
    if not commits:
        raise UsageError(f"git has no version of {one_line(file)}: commit it first, and fetch the whole history")
    return commits


def _git(file: Path, *words: str) -> bytes:
    """What git says, in the folder of a file. Raises `UsageError`."""
    if not file.parent.is_dir():
        raise UsageError(f"{one_line(file)}: the folder {one_line(file.parent)} is not there")
    try:
        done = subprocess.run(["git", *words], cwd=file.parent, capture_output=True, check=True)
    except FileNotFoundError:
        raise UsageError("git is not installed: install it, or name the results of each commit") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(f"{one_line(file)}: git says {one_line(lines[-1] if lines else error, 200)!r}") from None
    return done.stdout
