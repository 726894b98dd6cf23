"""Zips of other people: what is no plain file is refused, and each file is read in memory, up to what it may hold."""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..data.disk import open_regular
from ..text.errors import UsageError, one_line

_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGES = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError,
)  # fmt: skip
"""What `zipfile` raises for a file that is no zip, or is damaged."""


class Hostile(UsageError):
    """A file of somebody else that cannot be what noisebench wrote."""


@contextmanager
def opened_zip(path: Path, kind: str, remedy: str) -> Iterator[zipfile.ZipFile]:
    """The zip of an entry or of another thing, which is `kind`. Raises `Hostile` where it is damaged."""
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except OSError as error:
        raise UsageError(f"{kind} {one_line(path)} cannot be read ({error.strerror}): check the path") from None
    except _DAMAGES as error:
        raise Hostile(f"{one_line(path)} is no {kind}, or is damaged ({one_line(error, 80)}): {remedy}") from None


def refuse_odd_files(path: Path, archive: zipfile.ZipFile, why_none: Callable[[str], str]) -> set[str]:
    """The names of the files in a zip. Raises `Hostile` for a name that `why_none` says something of, for one that is
    there twice, and for what is encrypted, a link, or packed in another way."""
    names: set[str] = set()
    for info in archive.infolist():
        where = f"{one_line(path)}: {one_line(info.filename, 80)!r}"
        if why := why_none(info.filename):
            raise Hostile(f"{where} {why}")
        if info.filename in names:
            raise Hostile(f"{where} is there twice")
        if info.flag_bits & 1 or info.compress_type not in _KINDS or info.external_attr >> 16 & 0o170000 == 0o120000:
            raise Hostile(f"{where} is encrypted, a link, or packed in another way than entries are")
        names.add(info.filename)
    return names


def read_at_most(path: Path, archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A file of a zip. Raises `Hostile` for one that holds more than it may, whatever its header says."""
    with archive.open(name) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise Hostile(f"{one_line(path)}: {name} holds more than {most:,} bytes: it is a bomb")
    return data


def why_no_array(data: bytes) -> str:
    """Why bytes are no plain `.npy`, empty where they are; a header can name objects to unpickle, or a huge shape."""
    import numpy as np

    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        readers: Any = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = readers[version](file)
    except (KeyError, ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return "is no array of numpy"
    if dtype.hasobject:
        return "holds objects, which are never unpickled"
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        return "is not of the size that its header says"
    return ""
