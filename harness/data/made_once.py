"""Arrays that take long to compute: kept in the user's cache under the hash of all they depend on."""

from __future__ import annotations

import hashlib
import io
import sys
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..text.errors import UsageError, one_line
from .disk import write_file
from .roots import data_roots

Arrays = dict[str, "np.ndarray[Any, Any]"]
Say = Callable[[int, int], None]
"""Called with how much is done, of how much."""
_EVERY = 5.0
"""Seconds between two lines of progress."""


def made_once(name: str, made_of: Iterable[str], make: Callable[[Say], Arrays]) -> Arrays:
    """The arrays that `make(say)` gives for what `made_of` lists, which is all that they depend on.

    They lie in the folder `made` of the user's cache, each file whole or not there. Progress goes to standard error
    while they are computed. Raises `UsageError` where the cache cannot be written.

        >>> arrays = nb.made_once("squares", ["squares 1", "n=4"], lambda say: {"squares": np.arange(4) ** 2})
        >>> arrays["squares"].tolist()
        [0, 1, 4, 9]
    """
    digest = hashlib.sha256()
    for line in made_of:
        digest.update(line.encode() + b"\n")
    file = data_roots()[-1].parent / "made" / f"{name}-{digest.hexdigest()}.npz"
    arrays = _read(file)
    if arrays is None:
        arrays = make(_progress_printer(name))
        _keep(file, arrays)
    return arrays


def _read(file: Path) -> Arrays | None:
    """What the file holds; None where it is not there, or is damaged."""
    try:
        with np.load(file, allow_pickle=False) as opened:
            return {name: opened[name] for name in opened.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _keep(file: Path, arrays: Arrays) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, buffer.getvalue())
    except OSError as error:
        raise UsageError(
            f"{one_line(file)} cannot be written ({error.strerror}): make room, or name a cache by XDG_CACHE_HOME"
        ) from None


def _progress_printer(name: str) -> Say:
    """A function that prints progress: at first, then every few seconds, with the seconds that remain."""
    began = printed = time.monotonic()

    def say(done: int, of: int) -> None:
        nonlocal printed
        now = time.monotonic()
        if done == 0:
            print(f"{name}: made now, once, and kept in the cache", file=sys.stderr, flush=True)
        elif now - printed >= _EVERY:
            remaining = (now - began) * (of - done) / done
            print(f"{name}: {done} of {of}, {remaining:.0f} s left", file=sys.stderr, flush=True)
            printed = now

    return say
