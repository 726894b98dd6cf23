"""Download the pictures of a named set: retried, checked before use, whole or not at all, resumed."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from ..data.disk import write_file
from ..text.errors import UsageError, one_line
from .containers import Unreadable
from .manifest import ManifestSet, Picture
from .pictures import decode_picture

_TRIES = 4
_TIMEOUT = 30.0
_LIMIT = 256 * 2**20
_RETRIED = (408, 425, 429, 500, 502, 503, 504)

Progress = Callable[[int, int, str], None]
"""Called with (done, total, file) after each picture."""


class _TransientFault(Exception):
    """A fault that may go away with another try."""


def download(address: str, *, pause: float = 1.0, tries: int = _TRIES, timeout: float = _TIMEOUT) -> bytes:
    """The bytes at an http(s) address, tried again with doubled pauses. Raises `UsageError` naming it."""
    if urllib.parse.urlsplit(address).scheme not in ("http", "https"):
        raise UsageError(f"address {one_line(address)!r} is not http or https")
    for attempt in range(tries):
        try:
            return _download_once(address, timeout)
        except _TransientFault as fault:
            if attempt == tries - 1:
                raise UsageError(
                    f"{one_line(address)} could not be downloaded in {tries} tries ({one_line(fault, 120)}): "
                    "check the network and run the same command again"
                ) from None
            time.sleep(pause * 2**attempt)
    raise AssertionError("unreachable")


def _download_once(address: str, timeout: float) -> bytes:
    request = urllib.request.Request(address, headers={"User-Agent": "noisebench"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            data: bytes = response.read(_LIMIT + 1)
            due = response.headers.get("Content-Length")
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in _RETRIED:
            raise _TransientFault(f"HTTP {error.code}") from None
        raise UsageError(f"{one_line(address)} answered HTTP {error.code}: the picture is not there any more") from None
    except (OSError, http.client.HTTPException) as error:
        raise _TransientFault(str(getattr(error, "reason", error)) or type(error).__name__) from None
    if len(data) > _LIMIT:
        raise UsageError(f"{one_line(address)} is larger than {_LIMIT // 2**20} MiB, which no picture of a set is")
    # A connection cut while reading with a limit is not an error of http.client: compare the lengths.
    if due is not None and due.isdigit() and len(data) < int(due):
        raise _TransientFault(f"connection cut after {len(data)} of {due} bytes")
    return data


def fetch_picture(dataset: ManifestSet, picture: Picture, place: Path, *, pause: float = 1.0) -> None:
    """Download one picture below `place`. Nothing is written unless its pixels are those of the manifest."""
    data = download(picture.address, pause=pause)
    where = one_line(picture.address)
    try:
        mismatch = dataset.mismatch(picture, decode_picture(data))
    except Unreadable as why:
        raise UsageError(f"{where} {one_line(why)}") from None
    if mismatch:
        raise UsageError(f"{where} {mismatch}: get the set from {dataset.homepage or 'its authors'} instead")
    target = place / picture.file
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(place.resolve()):
            raise UsageError(f"{one_line(target)} leads out of {one_line(place)}: remove the link")
        write_file(target, data)
    except OSError as error:
        raise UsageError(
            f"{one_line(target)} cannot be written ({error.strerror}): give --data a folder with room"
        ) from None


def fetch(dataset: ManifestSet, progress: Progress | None = None, *, pause: float = 1.0) -> Path:
    """Download what is missing or wrong of a set to its folder, by default in the first data root; return the folder.

    Pictures that verify already are left as they are. Raises `UsageError` where a picture has no address, or
    where one cannot be had; those before it stay.
    """
    place = dataset.where() or dataset.candidates()[0]
    total = len(dataset.pictures)
    for done, picture in enumerate(dataset.pictures, 1):
        if not _is_there(dataset, place, picture):
            if not picture.address:
                source = f" (homepage: {dataset.homepage})" if dataset.homepage else ""
                raise UsageError(
                    f"dataset {dataset.name}: {one_line(picture.file)!r} has no public download address; "
                    f"put it into {one_line(place)} yourself{source}"
                )
            fetch_picture(dataset, picture, place, pause=pause)
        if progress is not None:
            progress(done, total, picture.file)
    return place


def _is_there(dataset: ManifestSet, place: Path, picture: Picture) -> bool:
    try:
        dataset.check(place, picture)
    except UsageError:
        return False
    return True
