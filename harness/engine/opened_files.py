"""Files that a method opens in its own folders while it runs, so that a change of one, such as weights, is noticed.

An audit hook sees what Python opens to read: `open`, `os.open`, `np.load`, `torch.load`. It does not see what a library
opens in C or Rust (`cv2.imread`, `safetensors`, `torch.jit.load`), nor another process: `weight_files` names those.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..json_values import parsed
from ..store.disk import noticing_full_disk, write_file
from ..store.file_changes import ABSENT, Signature, digest_of, file_changes, remember_digest, signature_of
from .messages import Job

_FILE = "opened.json"
_CHANGED = "changed meanwhile"
"""In the place of a hash: two versions of the file were read, so no version of it gives these scores again."""
_CACHES = ("__pycache__", "site-packages", "dist-packages")


@dataclass
class _Watch:
    """What is watched for one unfinished cell, in `home`, and what was seen, by name.

    `seen` has path and signature of when a file was last opened to be read, `written` what the method wrote itself,
    `torn` what changed between two times that it was read.
    """

    home: Path | None = None
    folders: tuple[tuple[str, str], ...] = ()
    apart: tuple[str, ...] = ()
    seen: dict[str, tuple[str, Signature | None]] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    torn: set[str] = field(default_factory=set)
    on: bool = False
    news: bool = False


_watch = _Watch()
"""Of this process. A hook cannot be removed, so it asks at each event."""


@contextmanager
def noticing_opened_files(job: Job, folder: Path) -> Iterator[None]:
    """Around code of a method: what it opens is added, hashed, to what lies in the folder of its unfinished cell."""
    global _watch
    if _watch.home != folder:
        _watch = _watch_of(job["cell"]["request"].get("folders", {}), job["store"], folder)
    _hook()
    _watch.on = True
    try:
        yield
    finally:
        _watch.on = False
        if _watch.news:
            _keep(folder, Path(job["store"]))


def opened_in(folder: Path) -> dict[str, str]:
    """Name → hash of what was opened so far for an unfinished cell."""
    try:
        return {str(name): str(digest) for name, digest in parsed((folder / _FILE).read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def outdated(job: Job, folder: Path) -> bool:
    """Whether rows of an unfinished cell were made with files that are other ones now."""
    return bool(file_changes(opened_in(folder), job["cell"]["request"].get("folders", {}), Path(job["store"])))


def _watch_of(folders: Mapping[str, str], store: str, home: Path) -> _Watch:
    """Watch these folders, by both their paths where one is a link; installations and the store lie apart."""
    forms = (os.path.abspath, os.path.realpath)
    roots = {(name, form(given)) for name, given in folders.items() for form in forms}
    installed = (sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    below = [path for path in installed if any(path.startswith(root + os.sep) for _, root in roots)]
    apart = tuple(f"{path}{os.sep}" for path in (*(form(store) for form in forms), *below))
    return _Watch(home, tuple(sorted(roots)), apart)


@cache
def _hook() -> None:
    sys.addaudithook(_hear)


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and _watch.on:
        path, _, flags = args
        if isinstance(path, str | bytes | os.PathLike) and not flags & os.O_DIRECTORY:
            caller = sys._getframe(1).f_code.co_filename
            _note(os.path.abspath(os.fsdecode(path)), caller, flags & os.O_ACCMODE == os.O_RDONLY)


def _note(path: str, caller: str, reads: bool) -> None:
    name = next((f"{name}{path[len(root) :]}" for name, root in _watch.folders if path.startswith(root + os.sep)), None)
    # Modules that are imported are among the method's sources, by their own rule.
    if name is None or path.startswith(_watch.apart) or caller.startswith("<frozen importlib"):
        return
    if path.endswith(".pyc") or any(part in _CACHES for part in name.split(os.sep)):
        return
    if not reads:
        _watch.written.add(name)
        return
    now = path, signature_of(path)
    before = _watch.seen.get(name)
    if before != now:
        _watch.seen[name] = now
        _watch.news = True
        if before is not None and name not in _watch.written:
            _watch.torn.add(name)


def _keep(folder: Path, store: Path) -> None:
    """Hash what was seen. What changed since it was opened, not by the method itself, is of no version; what is gone,
    such as a temporary file, is absent."""
    known = opened_in(folder)
    for name, (path, before) in list(_watch.seen.items()):
        if os.path.isdir(path):
            continue
        digest = digest_of(path, store)
        own = name in _watch.written or digest == ABSENT
        torn = name in _watch.torn or signature_of(path) != before or known.get(name, digest) != digest
        known[name] = _CHANGED if torn and not own else digest
        if known[name] == digest != ABSENT:
            remember_digest(path, digest, store)
    with noticing_full_disk(folder):
        write_file(folder / _FILE, json.dumps(known, sort_keys=True).encode())
    _watch.news = False
