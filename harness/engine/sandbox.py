"""A sandbox for the method's process: bubblewrap hides the data, the store and all other processes from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from ..data.roots import data_roots, weight_roots
from ..spec.parsing import Spec, Value, parse
from ..text.errors import UsageError, one_line

_ROOMS = ("methods", "datasets", "recipes")
"""Parts of the package that lie beside it where it was not copied to install it."""


def need_bubblewrap() -> None:
    """Raise `UsageError` where there is no bubblewrap, or where it can make no sandbox."""
    program = shutil.which("bwrap")
    if program is None:
        raise UsageError("--sandbox needs bubblewrap: install it (apt-get install bubblewrap), or leave the option out")
    tried = subprocess.run([program, *_bare(), "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if tried.returncode:
        raise UsageError(f"--sandbox: bubblewrap cannot make one here ({one_line(tried.stderr, 120)}): leave it out")


def hidden_from(dataset: str, store: Path) -> list[str]:
    """What a method is not to see: the folders of data, what the spec of its dataset names, and the store."""
    rooms = getattr(find_spec(f"{__name__.partition('.')[0]}.datasets"), "submodule_search_locations", None) or ()
    embedded = [folder for room in rooms for folder in Path(room).glob("*/pictures")]
    named = [Path(text).expanduser() for _, value in parse(dataset).args for text in _texts(value) if text]
    paths = (*data_roots(), *embedded, *named, store)
    return sorted({os.path.realpath(path) for path in paths if os.path.exists(path)})


def command(hidden: Sequence[str], files: Iterable[str], words: Sequence[str]) -> list[str]:
    """What runs `python WORDS` where `hidden` is empty. These files, weights and what Python needs stay."""
    package = Path(__file__).resolve().parents[1]
    code = [Path(sys.prefix), Path(sys.base_prefix), package, *(package.parent / room for room in _ROOMS)]
    needed = [*code, *map(Path, files), *weight_roots()]
    kept = {os.path.realpath(path) for path in needed if path.exists()}
    below = {path for path in kept if any(Path(path).is_relative_to(other) for other in hidden)}
    built = [shutil.which("bwrap") or "bwrap", *_bare()]
    for path in sorted({*hidden, *below}, key=lambda path: len(Path(path).parts)):  # what lies within comes after
        if path in below and path not in hidden:
            built += ["--ro-bind", path, path]
        else:
            built += ["--tmpfs", path] if os.path.isdir(path) else ["--ro-bind", os.devnull, path]
    return [*built, "--dir", os.getcwd(), "--chdir", os.getcwd(), sys.executable, *words]


def _bare() -> list[str]:
    return ["--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc", "--unshare-pid", "--die-with-parent"]


def _texts(value: Value) -> Iterator[str]:
    """Every text in a value, and every bare name."""
    if isinstance(value, Spec):
        yield value.name
        for _, inner in value.args:
            yield from _texts(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
