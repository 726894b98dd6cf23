"""Parts of datasets that are kept in a store for the next plan, as long as all that they were read from is as it was.

A file or folder is as it was by path, device, inode, size and times. That is never the truth: a cell reads its items
itself, and what it read must have the planned fingerprint.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from ..components.datasets import open_dataset
from ..components.registry import Bound
from ..components.sources import sources_of
from ..data.disk import read_regular, write_file
from ..data.roots import data_roots
from ..store.cell import DatasetPart
from ..store.cell_json import checked, plain_values
from ..text.json_values import parsed
from ..track.track_protocol import Track
from .dataset_part import dataset_part, reads_files_alone

_SETTLED = 2_000_000_000
"""Nanoseconds after which a change of a file shows in its times."""
FOLDER, _PREFIX = "digests", "dataset-"
Seen = dict[str, list[int] | None]
"""Path → device, inode, size and times of what was read there; None where nothing was."""

_listeners: list[Seen] = []


class KeptParts:
    """The parts that a store has kept, and `new` ones by the name of their file, which `keep_parts` writes."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self.new: dict[str, str] = {}

    def part(self, bound: Bound, limit: int | None, track: Track) -> DatasetPart:
        """The part of a dataset, read where it is not kept.

        Kept are datasets that come with noisebench and say that their items are what is in their files.
        """
        name = _name(bound, limit, track)
        if (known := _read_part(self._store / FOLDER / name)) is not None:
            return known
        seen: Seen = {}
        with _listening(seen):
            part = dataset_part(bound, limit, track)
        if len(seen) >= (part.items or 0) and reads_files_alone(bound, open_dataset(bound)):
            everything = {**_modules(), **seen}
            if _is_settled(everything):
                self.new[name] = json.dumps({"part": plain_values(part), "seen": everything})
        return part


def keep_parts(store: Path, parts: Mapping[str, str]) -> None:
    """Write parts for the next plan; a store that cannot be written keeps none."""
    with suppress(OSError):
        for name, text in parts.items():
            (store / FOLDER).mkdir(exist_ok=True)
            write_file(store / FOLDER / name, text.encode())


def forget_parts(store: Path) -> None:
    """Let the next plan read all datasets again: what a cell read was not what was planned."""
    for file in (store / FOLDER).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            file.unlink()


def _name(bound: Bound, limit: int | None, track: Track) -> str:
    """The file of a part: by what is asked, the code of the dataset, and where relative paths lead."""
    places = [os.getcwd(), os.path.expanduser("~"), *map(str, data_roots())]
    asked = [bound.canonical, bound.display, limit, f"{track.name}@{track.version}", sources_of([bound]), places]
    return f"{_PREFIX}{hashlib.sha256(json.dumps(asked).encode()).hexdigest()}.json"


def _read_part(file: Path) -> DatasetPart | None:
    """The part in a file, where all that it was made from is as it was."""
    try:
        kept = parsed(read_regular(file))
        seen: Mapping[str, Any] = kept["seen"]
        part: DatasetPart = checked(kept["part"], DatasetPart)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return part if all(_signature(path) == signature for path, signature in seen.items()) else None


def _is_settled(seen: Seen) -> bool:
    """Whether all is still as it was, and changed so long ago that a change would show in its times."""
    latest = max((max(signature[3:]) for signature in seen.values() if signature is not None), default=0)
    return time.time_ns() - latest > _SETTLED and all(_signature(path) == one for path, one in seen.items())


def _modules() -> Seen:
    """The files of this program, and one of each package that it has imported: what they are made by."""
    package = __name__.partition(".")[0]
    names = [name for name in sys.modules if "." not in name or name.partition(".")[0] == package]
    files = [getattr(sys.modules[name], "__file__", None) for name in names]
    return {file: _signature(file) for file in files if file}


def _signature(path: str) -> list[int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


@contextmanager
def _listening(seen: Seen) -> Iterator[None]:
    """Note what is read inside, as it is when it is first opened."""
    _hook()
    _listeners.append(seen)
    try:
        yield
    finally:
        _listeners.remove(seen)


@cache
def _hook() -> None:
    sys.addaudithook(_hear)


def _hear(event: str, args: tuple[Any, ...]) -> None:
    """Note a file that is opened to be read, or a folder that is listed, but by what imports modules."""
    if not _listeners or event not in ("open", "os.scandir", "os.listdir"):
        return
    path = args[0]
    writes = event == "open" and args[2] & os.O_ACCMODE != os.O_RDONLY
    if writes or not isinstance(path, str | bytes | os.PathLike):
        return
    if not sys._getframe(1).f_code.co_filename.startswith("<frozen importlib"):
        name = os.path.abspath(os.fsdecode(path))
        for seen in _listeners:
            seen.setdefault(name, _signature(name))
