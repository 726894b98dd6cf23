"""Upkeep of a store: what is wrong with it, and tidying."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import UsageError, one_line
from .cells import Damaged, cell_dir, cell_lock, keys, read_record, refuse_read_only
from .disk import noticing_full_disk
from .keys import key_of
from .outputs import OutputFiles, damaged_outputs
from .previews import unnamed_pictures, wrong_views
from .record import item_count


def verify(store: Path, files_of: Callable[[str], OutputFiles | None]) -> list[str]:
    """What is wrong with a store, one line each; nothing is changed. `files_of` a track, None where it is not known."""
    problems: list[str] = []
    for key in keys(store):
        try:
            record = read_record(store, key)
        except UsageError as error:
            problems.append(str(error))
            continue
        cell = record.cell
        inputs = cell.get("inputs")
        if not isinstance(inputs, dict) or key_of(inputs) != key:
            problems.append(f"cell {key[:12]}: its inputs do not hash to its key: cell.json was edited")
        n = item_count(cell)
        if cell["kind"] == "score" and cell["outcome"] == "ok" and len(record.items) != n:
            problems.append(f"cell {key[:12]}: {len(record.items)} rows where {n} were due")
        if len(set(record.items)) != len(record.items):
            problems.append(f"cell {key[:12]}: an item has two rows")
        files = files_of(cell["track"])
        if files is not None:
            problems += [f"cell {key[:12]}: {what}" for what in damaged_outputs(cell_dir(store, key), record, files)]
        problems += [f"cell {key[:12]}: {one_line(p)}" for p in wrong_views(store, cell_dir(store, key) / "outputs")]
    return problems


def gc(store: Path) -> list[str]:
    """Remove what no run can use: damaged and edited cells, temporary folders, locks, partial rows of stored cells.

    Raises `UsageError` where the store cannot be written, and `DiskFull` where something in it cannot be removed.
    """
    refuse_read_only(store)
    removed: list[str] = []

    def remove(folder: Path, what: str) -> None:
        with noticing_full_disk(folder), suppress(FileNotFoundError):
            shutil.rmtree(folder)
        removed.append(what)

    for key in keys(store):
        try:
            read_record(store, key)
        except Damaged:
            remove(cell_dir(store, key), f"damaged or edited cell {key[:12]}")
    for pattern in ("cells/*/.tmp-*", "cells/*/.old-*"):
        for path in store.glob(pattern):
            remove(path, path.name)
    stored = set(keys(store))
    for folder in store.glob("partial/*"):
        if folder.name in stored:
            with cell_lock(store, folder.name) as free:
                if free:
                    remove(folder, f"partial rows of stored cell {folder.name[:12]}")
    for picture in unnamed_pictures(store):
        removed.append(f"picture {picture.stem[:12]} that no cell shows")
        picture.unlink(missing_ok=True)
    for note in store.glob("digests/*"):
        note.unlink(missing_ok=True)
    for lock in store.glob("locks/*"):
        with cell_lock(store, lock.name) as free:
            if free:
                lock.unlink(missing_ok=True)
    return removed
