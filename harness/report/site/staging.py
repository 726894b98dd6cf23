"""Where a site is built: beside the old one, which stays whole until all of the new one is there."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...data.disk import refuse_store
from ...text.errors import UsageError, one_line
from .changes import MANIFEST, SiteManifest, read_manifest

DOCUMENTATION = "docs/index.html"
"""Where the documentation begins, if it was built into the folder of the site, before or after."""
_PART = ".noisebench-site-"
_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


class Staging:
    """The files of a build, in a hidden folder within that of the site, until `publish` moves them to their places."""

    def __init__(self, to: Path, before: SiteManifest | None) -> None:
        self.to = to
        self.files: dict[str, int] = {}
        self._before = before
        self._folder = to / f"{_PART}{secrets.token_hex(6)}"

    def add(self, path: str, data: bytes) -> None:
        """Write a file of the build. Raises ValueError for a path that leads out of the site."""
        if not _PATH.fullmatch(path):
            raise ValueError(f"{path!r} is no path within a site")
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        self.files[path] = len(data)

    def publish(self, manifest: bytes) -> None:
        """Move all files to their places, and remove those of the build of before that this one has not.

        It takes a moment, in which Ctrl-C waits. Files that no build made, such as `.git`, are left as they are.
        """
        self.add(MANIFEST, manifest)
        for folder in {Path(path).parent for path in self.files}:
            place = self.to / folder
            if any(part.is_symlink() for part in (place, *place.parents) if self.to in part.parents):
                raise UsageError(f"{one_line(place)} is a link: remove it, a site is written into folders of its own")
            place.mkdir(parents=True, exist_ok=True)
        gone = {path for path in (self._before.files if self._before else ()) if _PATH.fullmatch(path)} - {*self.files}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            for path in self.files:
                os.replace(self._folder / path, self.to / path)
            for path in sorted(gone):
                self._remove(self.to / path)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _remove(self, file: Path) -> None:
        with suppress(OSError):
            if not any(part.is_symlink() for part in file.parents if self.to in part.parents):
                file.unlink()
                file.parent.rmdir()


@contextmanager
def staging(to: Path) -> Iterator[tuple[Staging, SiteManifest | None]]:
    """A place to build a site that will lie in `to`, and the manifest of the site that is there.

    Where the build fails or is stopped `to` is as it was. Raises `UsageError` for a folder that has something else.
    """
    refuse_store(to)
    before = manifest_in(to)
    existed = to.is_dir()
    try:
        to.mkdir(parents=True, exist_ok=True)
        for leftover in to.glob(f"{_PART}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        place = Staging(to, before)
        place._folder.mkdir()
    except OSError as error:
        raise UsageError(f"cannot write to {one_line(to)}: {error.strerror}; choose another folder with --to") from None
    try:
        yield place, before
    except OSError as error:
        if error.filename is None or not str(error.filename).startswith(str(to)):
            raise
        raise UsageError(f"cannot write to {one_line(to)}: {error.strerror}; choose another folder with --to") from None
    finally:
        shutil.rmtree(place._folder, ignore_errors=True)
        if not existed:
            with suppress(OSError):
                to.rmdir()


def manifest_in(to: Path) -> SiteManifest | None:
    """The manifest of the site in a folder, None where it is new, but for documentation and hidden files.

    Raises `UsageError`.
    """
    if to.exists() and not to.is_dir():
        raise UsageError(f"--to {one_line(to)} is a file: name a folder")
    try:
        documented = {Path(DOCUMENTATION).parts[0]} if (to / DOCUMENTATION).is_file() else set[str]()
        if not to.is_dir() or all(path.name.startswith(".") or path.name in documented for path in to.iterdir()):
            return None
        if not (to / MANIFEST).is_file() or (to / MANIFEST).is_symlink():
            raise ValueError(f"it has no {MANIFEST}")
        return read_manifest((to / MANIFEST).read_bytes())
    except OSError as error:
        raise UsageError(f"--to {one_line(to)} cannot be read ({error.strerror}): name another folder") from None
    except ValueError as error:
        raise UsageError(
            f"--to {one_line(to)} is no site that noisebench made ({one_line(error, 120)}): name a new folder"
        ) from None
