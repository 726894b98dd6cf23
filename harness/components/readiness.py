"""Whether a component can be used here: which package or file it lacks. Nothing is opened or downloaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from ..text.extras import install_line, is_installed
from .entry import Entry
from .fingerprint import source_of
from .registry import Bound
from .tracks import known_track

READY = "ready"


@runtime_checkable
class KnowsFiles(Protocol):
    """A track that can say which file a metric of its own lacks, empty where it lacks none, and can download them."""

    def lacks_file(self, entry: Entry) -> str: ...

    def fetch_files(self, metric: Bound) -> str: ...


def state_of(entry: Entry, track: str) -> str:
    """`ready`, `needs package NAME` or `needs file NAME`."""
    if absent := next(_absent_packages(entry), ""):
        return f"needs package {absent}"
    owner = known_track(track)
    file = owner.lacks_file(entry) if isinstance(owner, KnowsFiles) else ""
    return f"needs file {file}" if file else READY


def short_state(state: str) -> str:
    """A state as a list has room for it: `ready`, `needs pyiqa` or `needs file`."""
    kind, _, name = state.removeprefix("needs ").partition(" ")
    return f"needs {name if kind == 'package' else kind}" if state.startswith("needs ") else state


def remedy(state: str, metric: str) -> str:
    """The line that installs the package, or downloads the file, that the state of a metric names; else empty."""
    if state == READY:
        return ""
    package = state.removeprefix("needs package ")
    return f"noisebench weights fetch {metric}" if package == state else install_line(package)


def _absent_packages(entry: Entry) -> Iterator[str]:
    """Packages that the file of a component imports, or a file beside it that it imports, and that are not here."""
    file = getattr(sys.modules.get(entry.obj.__module__), "__file__", None)
    if file is None:
        return
    path, package = Path(file), entry.obj.__module__.rpartition(".")[0]
    files = [path]
    for place in files:
        for one in source_of(place, package, 0).imports:
            beside = path.parent / f"{one.module}.py"
            if one.level == 1 and one.module and beside.is_file() and beside not in files:
                files.append(beside)
            elif one.level == 0 and not is_installed(one.module.partition(".")[0]):
                yield one.module.partition(".")[0]
