"""The hash of noisebench itself: each cell has that of the code which made it, outside of its key."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec

_ROOMS = ("", ".methods", ".datasets", ".recipes")
_Seen = tuple[str, str, int, int, int]


def harness_sha256() -> str:
    """The hash of all files of noisebench, and of the Python files of its methods, datasets and recipes, as they are on
    the disk; a file is read again where it has changed."""
    return _hash_of(tuple(sorted(_files())))


@lru_cache(maxsize=4)
def _hash_of(files: tuple[_Seen, ...]) -> str:
    return hashlib.sha256(b"".join(name.encode() + _digest(path, *seen) for name, path, *seen in files)).hexdigest()


@lru_cache(maxsize=8192)
def _digest(path: str, *_seen: int) -> bytes:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).digest()


def _files() -> Iterator[_Seen]:
    """Each file: its name, its path, and what changes with it."""
    package = __name__.partition(".")[0]
    for room in _ROOMS:
        found = find_spec(f"{package}{room}")
        for folder in (found.submodule_search_locations if found is not None else None) or ():
            yield from _below(folder, f"{room[1:]}/", bool(room))


def _below(folder: str, name: str, python: bool) -> Iterator[_Seen]:
    for entry in os.scandir(folder):
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _below(entry.path, f"{name}{entry.name}/", python)
        elif not python or entry.name.endswith(".py"):
            stat = entry.stat()
            yield name + entry.name, entry.path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
