"""Files that a method read, named below its own folders, by SHA-256: whether they are still what they were."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from ..data.disk import noticing_full_disk, read_regular, write_file
from .cell import Cell, Request

ABSENT = "absent"
"""In the place of a hash: the file was looked for and was not there."""
LARGE = 16 * 2**20
"""Bytes from which a file is hashed once in a store and not once in a process."""
_SETTLED = 2_000_000_000
Signature = tuple[int, int, int, int, int]
"""What tells one version of a file from the next: device, inode, size, times of change (of content, of anything)."""


def signature_of(path: str) -> Signature | None:
    """The signature of a file, None where there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def digest_of(path: str, store: Path) -> str:
    """SHA-256 of a file, or `ABSENT` where it cannot be read.

    Each version is hashed once in a process; of a large one the store remembers what an earlier process found.
    """
    signature = signature_of(path)
    if signature is None:
        return ABSENT
    if signature[2] >= LARGE:
        with suppress(OSError):
            digest = read_regular(_note(path, signature, store)).decode("ascii", "replace")
            if len(digest) == 64:
                return digest
    return _digest(path, signature)


def remember_digest(path: str, digest: str, store: Path) -> None:
    """Let the store remember the digest of a large file, unless it changed so lately that its times may not show it."""
    signature = signature_of(path)
    if signature is not None and signature[2] >= LARGE and time.time_ns() - signature[4] > _SETTLED:
        note = _note(path, signature, store)
        with noticing_full_disk(store):
            note.parent.mkdir(exist_ok=True)
            write_file(note, digest.encode())


def _note(path: str, signature: Signature, store: Path) -> Path:
    return store / "digests" / hashlib.sha256(f"{path}\n{signature}".encode("utf-8", "surrogateescape")).hexdigest()


@cache
def _digest(path: str, _: Signature) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ABSENT


def file_changes(opened: Mapping[str, str], folders: Mapping[str, str], store: Path) -> list[str]:
    """Which files are other ones now, in words. `opened` maps `<folder's name>/<path below>` to a hash, `folders` the
    names to where they lie."""
    changes = []
    for name, before in sorted(opened.items()):
        label, _, below = name.partition("/")
        now = digest_of(str(Path(folders[label]) / below), store) if label in folders else ABSENT
        if now != before:
            changes.append(f"file {name}, which the method opened, changed ({before[:12]} → {now[:12]})")
    return changes


def changes_of(cell: Cell, request: Request | None, store: Path) -> list[str]:
    """`file_changes` of a stored cell, which `request` asks for now; none where its method opened none of its own."""
    return file_changes(cell.opened, (request.folders if request else None) or {}, store) if cell.opened else []
