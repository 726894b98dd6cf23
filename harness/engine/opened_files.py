"""Files that a method opens in its own folders while it runs, so that a change of one, such as weights, is noticed.

An audit hook sees what Python opens to read: `open`, `os.open`, `np.load`, `torch.load`. It does not see what a library
opens in C or Rust (`cv2.imread`, `safetensors`, `torch.jit.load`), nor what another process opens: `weight_files` names
those. Of a process that is started, the files that its command names are seen.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from ..data.disk import noticing_full_disk, write_file
from ..planning.cells import folders_of
from ..store.file_changes import ABSENT, Signature, digest_of, file_changes, remember_digest, signature_of
from ..text.errors import Invalid
from ..text.json_values import parsed
from .messages import Job

_FILE = "opened.json"
_CHANGED = "changed meanwhile"
"""In the place of a hash: two versions of the file were read, so no version of it gives these scores again."""
_FORMS = (os.path.abspath, os.path.realpath)
_CACHES = ("__pycache__", "site-packages", "dist-packages")


class SeenFiles(TypedDict):
    """What a method's process saw since it was last asked, by name `<folder's name>/<path below>`.

    `read` has the signature of a file when it was opened to be read (None: it was not there), `written` is what the
    method wrote itself, `torn` what changed between two times that it was read.
    """

    read: dict[str, list[int] | None]
    written: list[str]
    torn: list[str]


@dataclass
class _FileWatch:
    """Folders that are watched, by both their paths where one is a link; what lies `apart`; what was seen so far."""

    folders: Mapping[str, str] = field(default_factory=dict)
    roots: tuple[tuple[str, str], ...] = ()
    apart: tuple[str, ...] = ()
    seen: dict[str, Signature | None] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    torn: set[str] = field(default_factory=set)
    on: bool = False
    news: bool = False


_watch = _FileWatch()
"""Of the method's process, which has one method. A hook cannot be removed, so it asks at each event."""


@contextmanager
def noticing_opened_files(folders: Mapping[str, str]) -> Iterator[None]:
    """Around code of a method whose own folders these are, in its process."""
    global _watch
    if _watch.folders != folders:
        _watch = _watch_of(folders)
    _hook()
    _watch.on = True
    try:
        yield
    finally:
        _watch.on = False


def seen_files() -> SeenFiles | None:
    """All that was seen so far; None where nothing is new since the last call."""
    if not _watch.news:
        return None
    _watch.news = False
    read = {name: list(signature) if signature else None for name, signature in _watch.seen.items()}
    return {"read": read, "written": sorted(_watch.written), "torn": sorted(_watch.torn)}


def keep_opened(
    seen: Any, folders: Mapping[str, str], folder: Path, store: Path, sources: Collection[str] = ()
) -> None:
    """Hash what a method's process says it saw, and keep it in the folder of the unfinished cell; `sources` are known.

    The method is not believed: names lie below its own folders, and what lies in the store does not count. What
    changed since it was opened, not by the method itself, is of no version; what is gone, such as a temporary file, is
    absent. Raises `Invalid`.
    """
    try:
        read = {
            _name(name, folders): signature and tuple(map(int, signature)) for name, signature in seen["read"].items()
        }
        written, torn = set(seen["written"]), set(seen["torn"])
    except (TypeError, KeyError, ValueError, AttributeError):
        raise Invalid("its process sent an invalid answer") from None
    known = opened_in(folder)
    inside = tuple(f"{form(str(store))}{os.sep}" for form in _FORMS)
    for name, before in read.items():
        label, _, below = name.partition("/")
        path = os.path.join(folders[label], below)
        if name in sources or os.path.isdir(path) or any(form(path).startswith(inside) for form in _FORMS):
            continue
        digest = digest_of(path, store)
        skipped = name in written or digest == ABSENT
        changed = name in torn or signature_of(path) != before or known.get(name, digest) != digest
        known[name] = _CHANGED if changed and not skipped else digest
        if known[name] == digest != ABSENT:
            remember_digest(path, digest, store)
    with noticing_full_disk(folder):
        write_file(folder / _FILE, json.dumps(known, sort_keys=True).encode())


def _name(name: str, folders: Mapping[str, str]) -> str:
    label, _, below = name.partition("/")
    if label not in folders or ".." in below.split("/") or os.path.isabs(below):
        raise ValueError
    return name


def opened_in(folder: Path) -> dict[str, str]:
    """Name → hash of what was opened so far for an unfinished cell."""
    try:
        return {str(name): str(digest) for name, digest in parsed((folder / _FILE).read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def outdated(job: Job, folder: Path) -> bool:
    """Whether rows of an unfinished cell were made with files that are other ones now."""
    return bool(file_changes(opened_in(folder), folders_of(job.cell), Path(job.store)))


def _watch_of(folders: Mapping[str, str]) -> _FileWatch:
    roots = tuple(sorted({(name, form(at)) for name, at in folders.items() for form in _FORMS}))
    installed = (sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    below = [path for path in installed if any(path.startswith(root + os.sep) for _, root in roots)]
    return _FileWatch(folders, roots, tuple(f"{path}{os.sep}" for path in below))


@cache
def _hook() -> None:
    sys.addaudithook(_hear)


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and _watch.on:
        path, _, flags = args
        if isinstance(path, str | bytes | os.PathLike) and not flags & os.O_DIRECTORY:
            caller = sys._getframe(1).f_code.co_filename
            _note(os.path.abspath(os.fsdecode(path)), caller, flags & os.O_ACCMODE == os.O_RDONLY)

    elif event in _STARTS and _watch.on:
        for word in _words(args[:2]):
            path = os.path.abspath(os.path.join(_STARTS[event](args) or "", word))
            if os.path.isfile(path):
                _note(path, "", True)


_STARTS: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "subprocess.Popen": lambda args: args[2] and os.fsdecode(args[2]),
    "os.exec": lambda args: None,
    "os.posix_spawn": lambda args: None,
    "os.system": lambda args: None,
}
"""Events of a process that is started → the folder that it is started in. The first two arguments are its command."""


def _words(given: Any) -> Iterator[str]:
    """The words of a command: a text as a shell splits it, or a list."""
    if isinstance(given, list | tuple):
        for one in given:
            yield from _words(one)
    elif isinstance(given, str | bytes | os.PathLike):
        text = os.fsdecode(given)
        yield text
        with suppress(ValueError):  # a quote that is not closed
            yield from shlex.split(text)


def _note(path: str, caller: str, reads: bool) -> None:
    name = next((f"{name}{path[len(root) :]}" for name, root in _watch.roots if path.startswith(root + os.sep)), None)
    # Modules that are imported are among the method's sources, by their own rule.
    if name is None or path.startswith(_watch.apart) or caller.startswith("<frozen importlib"):
        return
    # An entry of the search path that is no folder, such as the hook of an editable install, is no file either.
    if (
        path.endswith(".pyc")
        or os.path.basename(path) in sys.path
        or any(part in _CACHES for part in name.split(os.sep))
    ):
        return
    if not reads:
        _watch.written.add(name)
        return
    now = signature_of(path)
    if name not in _watch.seen or _watch.seen[name] != now:
        if name in _watch.seen and name not in _watch.written:
            _watch.torn.add(name)
        _watch.seen[name] = now
        _watch.news = True
