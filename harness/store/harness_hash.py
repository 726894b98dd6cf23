"""The hash of noisebench itself: each cell has that of the code which made it, outside of its key."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.util import find_spec

_ROOMS = ("", ".methods", ".datasets", ".recipes")
HarnessFile = tuple[str, str, int, int, int]
"""Name, path, and what changes with the file: its size, and the times of change of its content and of anything."""


def harness_files() -> tuple[HarnessFile, ...]:
    """All files of noisebench, and the Python files of its methods, datasets and recipes, as they are on the disk."""
    return tuple(sorted(_files()))


def harness_sha256() -> str:
    """The hash of all of them as they are now; a file is read again where it has changed."""
    return hash_of(harness_files())


def files_changed_since(before: Sequence[HarnessFile]) -> list[str]:
    """The names of those that were written, added or removed since, an edit that was taken back among them."""
    return sorted({name for name, *_ in set(before) ^ set(_files())})


@lru_cache(maxsize=4)
def hash_of(files: tuple[HarnessFile, ...]) -> str:
    """The hash of these files."""
    return hashlib.sha256(b"".join(name.encode() + _digest(path, *seen) for name, path, *seen in files)).hexdigest()


@lru_cache(maxsize=8192)
def _digest(path: str, *_seen: int) -> bytes:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).digest()


def _files() -> Iterator[HarnessFile]:
    package = __name__.partition(".")[0]
    for room in _ROOMS:
        spec = find_spec(f"{package}{room}")
        for folder in (spec.submodule_search_locations if spec is not None else None) or ():
            yield from _below(folder, f"{room[1:]}/", bool(room))


def _below(folder: str, name: str, python: bool) -> Iterator[HarnessFile]:
    for entry in os.scandir(folder):
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _below(entry.path, f"{name}{entry.name}/", python)
        elif not python or entry.name.endswith(".py"):
            stat = entry.stat()
            yield name + entry.name, entry.path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
