"""When runs asked for stored cells last: by which boards tell versions of a method.

A cell has in `asked` beside it when it was stored. Each run that finds cells stored notes all of them in one file of
the store, `asked/<time>-<token>`, a key a line: of a hundred thousand cells a file each would be written for nothing.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Set
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from ..data.disk import read_regular, write_file

_NOTE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00)-[0-9a-f]{8}", re.ASCII)


def now() -> str:
    """The time, UTC in ISO 8601, as it is noted."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def mark_asked(store: Path, keys: Iterable[str]) -> None:
    """Note that a run asked for these stored cells now; a store that cannot be written to stays as it is.

    Earlier notes that name no other cell are removed.
    """
    when, asked = now(), set(keys)
    if not asked:
        return
    with suppress(OSError):
        (store / "asked").mkdir(exist_ok=True)
        earlier = [name for name in _notes(store) if name < when]
        write_file(store / "asked" / f"{when}-{secrets.token_hex(4)}", "\n".join(sorted(asked)).encode())
        for name in earlier:
            if asked.issuperset(_keys(store, name)):
                (store / "asked" / name).unlink(missing_ok=True)


def asked_in(store: Path) -> dict[str, str]:
    """Key → when a run asked for a stored cell last, UTC in ISO 8601, of the cells that a run has found stored."""
    times: dict[str, str] = {}
    for name in _notes(store):
        times.update(dict.fromkeys(_keys(store, name), name.rpartition("-")[0]))
    return times


def drop_idle_notes(store: Path, stored: Set[str]) -> None:
    """Remove the notes of runs that name no cell which is `stored`."""
    for name in _notes(store):
        if stored.isdisjoint(_keys(store, name)):
            (store / "asked" / name).unlink(missing_ok=True)


def asked_beside(folder: Path) -> str:
    """When a cell was stored, by the note in its folder; empty where there is none."""
    try:
        fd = os.open(f"{folder}/asked", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, 100).decode()  # of 100,000 files a third of what `open` takes
    except (OSError, ValueError):
        return ""
    finally:
        os.close(fd)


def _notes(store: Path) -> list[str]:
    """The names of the notes of runs, the earliest first."""
    try:
        return sorted(name for name in os.listdir(store / "asked") if _NOTE.fullmatch(name))
    except OSError:
        return []


def _keys(store: Path, name: str) -> list[str]:
    try:
        return read_regular(store / "asked" / name).decode("ascii").split()
    except (OSError, ValueError):
        return []
