"""Atomic writes: a file is there whole or not at all, and a full disk is one clear line."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..text.errors import UsageError, one_line

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)


class DiskFull(Exception):
    """The disk takes no more: it is full, or read-only. What is stored stays valid."""


@contextmanager
def noticing_full_disk(path: Path) -> Iterator[None]:
    """Turn 'no space', 'quota exceeded', 'read-only' and 'permission denied' into `DiskFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in _CLOSED:
            raise DiskFull(
                f"{one_line(path)} cannot be written ({error.strerror}): make it writable, or name another place"
            ) from None
        if error.errno in FULL:
            raise DiskFull(
                f"no room left while writing {one_line(path)} ({error.strerror}): free some space and run again; "
                "the cells stored so far are valid"
            ) from None
        raise


@contextmanager
def locked(store: Path, name: str) -> Iterator[None]:
    """Hold a lock of a store, such as `names`, against other runs; wait for it."""
    (store / "locks").mkdir(exist_ok=True)
    with open(store / "locks" / name, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def open_regular(file: str | os.PathLike[str]) -> io.FileIO:
    """Open a file to read. Raises OSError, also for anything but a regular file: a pipe hangs, a device may not end."""
    fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return io.FileIO(fd)
    os.close(fd)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    raise OSError(errno.ENXIO, "Not a regular file", str(file))


def read_regular(file: str | os.PathLike[str]) -> bytes:
    """The bytes of a file. Raises OSError, also for anything but a regular file."""
    with open_regular(file) as opened:
        return opened.read()


def remove_entry(path: Path) -> None:
    """Remove a folder with all that is in it, or a file or a link. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def sync_dir(path: Path) -> None:
    """Flush a folder's entries to the disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def refuse_in_store(path: Path) -> None:
    """Raise `UsageError` for a file within a store."""
    path = Path(os.path.realpath(path))
    if store := next((folder for folder in path.parents if (folder / "store.json").is_file()), None):
        raise UsageError(f"{one_line(path)} lies within the store {one_line(store)}: name a file outside of it")


def refuse_store(folder: Path) -> None:
    """Raise `UsageError` for a store and for a folder within one."""
    if (folder / "store.json").is_file():
        raise UsageError(f"{one_line(folder)} is a store: name a folder outside of it")
    refuse_in_store(folder)


def write_named(path: Path, data: bytes) -> None:
    """Write a file that a user has named: a link is followed, a file keeps its rights, a device or pipe is written to.

    Raises `UsageError` for a file within a store, which nothing but a run writes, and OSError.
    """
    refuse_in_store(path)
    path = Path(os.path.realpath(path))
    mode = path.stat().st_mode if path.exists() else None
    if mode is None or stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        write_file(path, data, 0o644 if mode is None else stat.S_IMODE(mode))
    else:
        path.write_bytes(data)


def write_file(path: Path, data: bytes | memoryview, mode: int = 0o644) -> None:
    """Write atomically: temporary file, fsync, rename."""
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
