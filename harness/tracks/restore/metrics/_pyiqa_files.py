"""Where the weights that pyiqa asks for come from: folders of weights, caches, and a network where `fetch` asks."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import re
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from ....data.roots import weight_roots
from ....data.weights import places_of
from ....text.errors import UsageError, one_line
from ....text.extras import is_installed

HUB = "https://huggingface.co"
_HUB_MODEL = re.compile(rf"{HUB}/([\w.-]+/[\w.-]+)/resolve/|(?:for|model) '([\w.-]+/[\w.-]+)'")
"""How an error of the hub names a model, which is a folder of files there."""
_DIGEST = re.compile(r"-([0-9a-f]{8})\.\w+$")
"""Where a published file has the first eight digits of its SHA-256 in its name."""
_PATIENCE = 20.0
"""Seconds that a host may take to answer."""
_ONE_THREAD = threading.Lock()


class LacksFile(OSError):
    """A file that is asked for, by its address, and is not here."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


def searched_folders() -> tuple[Path, ...]:
    """Where a file of weights is looked for, each with the folders directly below it."""
    return (*weight_roots(), _torch_cache())


def found_file(name: str, folders: tuple[Path, ...]) -> Path | None:
    """The first file of that name."""
    return next((place for folder in folders for place in places_of(folder, name) if place.is_file()), None)


@contextlib.contextmanager
def served_files(download: bool) -> Iterator[None]:
    """Give this thread, where it asks for an address, the file of that name from the folders of weights.

    Where there is none it is downloaded if `download`, and checked; else `LacksFile` is raised, also for a model of
    the hub. Raises `UsageError` for a file that is not the published one.
    """
    open_address, thread = urllib.request.OpenerDirector.open, threading.get_ident()
    downloaded: list[str] = []

    def open_found(opener: Any, request: Any, *args: Any, **options: Any) -> Any:
        address = request if isinstance(request, str) else request.full_url
        if threading.get_ident() == thread and not address.startswith("file:"):
            name = file_name(address)
            if file := found_file(name, tuple(weight_roots())):
                _check(file)
                return open_address(opener, file.as_uri())
            if not download:
                raise LacksFile(address)
            downloaded.append(name)
        return open_address(opener, request, *args, **options)

    with _ONE_THREAD, mock.patch.object(urllib.request.OpenerDirector, "open", open_found):
        try:
            with _asks(download):
                yield
        finally:
            for name in downloaded:
                if file := found_file(name, (_torch_cache(),)):
                    _check(file, remove=True)


@contextlib.contextmanager
def _asks(download: bool) -> Iterator[None]:
    """Let this thread ask a host that cannot be found once, or no host at all, in which case the hub is offline.

    What downloads would else wait and try again for minutes.
    """
    find, wait, thread, patience = socket.getaddrinfo, time.sleep, threading.get_ident(), socket.getdefaulttimeout()
    failures: list[OSError] = []

    def ask(host: Any, *args: Any, **options: Any) -> Any:
        if threading.get_ident() != thread:
            return find(host, *args, **options)
        try:
            if not download:
                raise LacksFile(f"https://{host}")
            return find(host, *args, **options)
        except OSError as error:
            failures.append(error)
            raise

    def give_up(seconds: float) -> None:
        if failures and threading.get_ident() == thread:
            raise failures[0]
        wait(seconds)

    with contextlib.ExitStack() as patches:
        patches.enter_context(mock.patch("socket.getaddrinfo", ask))
        patches.enter_context(mock.patch("time.sleep", give_up))
        if download:
            socket.setdefaulttimeout(_PATIENCE)
            patches.callback(socket.setdefaulttimeout, patience)
        elif is_installed("huggingface_hub"):
            hub = importlib.import_module("huggingface_hub.constants")
            patches.enter_context(mock.patch.object(hub, "HF_HUB_OFFLINE", True))
        yield


def lacking_weights(error: BaseException) -> str:
    """Which weights an error is for want of, and where they were looked for; empty for any other error."""
    chain = list(_causes(error))
    wanted = next((one.address for one in chain if isinstance(one, LacksFile)), "")
    if name := file_name(wanted):
        folders = ", ".join(map(one_line, searched_folders()))
        return f"the weights {one_line(name)} ({one_line(wanted, 200)}), not found in {folders}"
    text = " ".join(map(str, chain))
    if HUB in text:
        model = next((name for match in _HUB_MODEL.finditer(text) for name in match.groups() if name), "")
        return f"{f'the model {model}' if model else 'a model'} of {HUB}, not found in {one_line(_hub_cache())}"
    return f"a file of {one_line(wanted)}" if wanted else ""


def file_name(address: str) -> str:
    """The name of the file that an address ends in."""
    return PurePosixPath(urlsplit(address).path).name


def _check(file: Path, remove: bool = False) -> None:
    """Raise `UsageError` where the SHA-256 of a file is not the one that its name says, and `remove` it if so."""
    published = _DIGEST.search(file.name)
    if published is None or (sha := hashlib.sha256(file.read_bytes()).hexdigest()).startswith(published[1]):
        return
    if remove:
        file.unlink()
    raise UsageError(f"weights {one_line(file)} are not the published ones (SHA-256 {sha[:8]}…): get them again")


def _torch_cache() -> Path:
    """The folder whose folders hold what pyiqa and torch have downloaded."""
    return Path(os.environ.get("TORCH_HOME") or _cache() / "torch").expanduser() / "hub"


def _hub_cache() -> Path:
    """The folder of models of Hugging Face."""
    return Path(os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or _cache() / "huggingface") / "hub")


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
