"""Upkeep of a store: what is wrong with it, and tidying."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from ..data.disk import noticing_full_disk, read_regular, remove_entry
from ..text.errors import UsageError, one_line
from ..text.wording import counted
from .cell import Cell
from .cells import WEIGHTS, Damaged, asked_of, cell_dir, cell_lock, keys, read_cell, read_record, refuse_read_only
from .harness_hash import harness_sha256
from .index import indexed
from .keys import key_of
from .outputs import OutputFiles, damaged_outputs
from .previews import unnamed_pictures, wrong_views
from .record import Record, item_count
from .request_times import asked_in, drop_idle_notes
from .results import Results
from .versions import newest, older


def verify(store: Path, files_of: Callable[[str], OutputFiles | None]) -> list[str]:
    """What is wrong with a store, one line each; nothing is changed. `files_of` a track, None where it is not known."""
    problems: list[str] = []
    for key in keys(store):
        try:
            record = read_record(store, key, {})
        except UsageError as error:
            problems.append(str(error))
            continue
        cell = record.cell
        inputs = cell.inputs
        if key_of(inputs) != key:
            problems.append(f"cell {key[:12]}: its inputs do not hash to its key: cell.json was edited")
        n = item_count(cell)
        if cell.kind == "score" and cell.outcome == "ok" and len(record.items) != n:
            due = "one was due" if n == 1 else f"{n} were due"
            problems.append(f"cell {key[:12]}: {counted(len(record.items), 'row')} where {due}")
        if len(set(record.items)) != len(record.items):
            twice = next(item for n, item in enumerate(record.items) if item in record.items[:n])
            problems.append(f"cell {key[:12]}: item {one_line(twice, 60)!r} has two rows")
        files = files_of(cell.track)
        if files is not None:
            problems += [
                f"cell {key[:12]}: {problem}" for problem in damaged_outputs(cell_dir(store, key), record, files)
            ]
        problems += [f"cell {key[:12]}: {problem}" for problem in wrong_weights(cell, cell_dir(store, key))]
        problems += [f"cell {key[:12]}: {one_line(p)}" for p in wrong_views(store, cell_dir(store, key) / "outputs")]
    return problems


def made_by_another(store: Path) -> list[str]:
    """Which cells another noisebench has made than this one, one line each; cells of before do not say."""
    current = harness_sha256()
    cells = [record.cell for record in readable(store)]
    return [f"cell {c.key[:12]}: made by harness {c.harness[:12]}" for c in cells if c.harness not in ("", current)]


def wrong_weights(cell: Cell, folder: Path) -> list[str]:
    """That the checkpoint of a cell that trained one is missing, or is another."""
    due = cell.training.weights_sha256 if cell.training is not None else ""
    if not due:
        return []
    try:
        data = read_regular(folder / WEIGHTS)
    except OSError:
        return [f"{WEIGHTS} is missing"]
    return [] if hashlib.sha256(data).hexdigest() == due else [f"{WEIGHTS} is damaged"]


def readable(store: Path) -> Results:
    """The stored cells without their rows; damaged ones apart, which `gc` removes."""
    noted, every = asked_in(store), keys(store)
    from_index = indexed(store, every, rows=False, noted=noted) or Results.of([])
    if len(from_index) == len(every):
        return from_index
    place = {key: n for n, key in enumerate(from_index.column("key"))}
    records = []
    for key in every:
        if key in place:
            records.append(from_index[place[key]])
            continue
        with suppress(Damaged):
            records.append(Record(read_cell(store, key), asked=asked_of(store, key, noted)))
    return Results.of(records)


def sizes_of(store: Path, most: int = 100) -> list[int]:
    """Bytes of the files of so many stored cells at most, spread over all."""
    stored = keys(store)
    chosen = stored[:: max(1, -(-len(stored) // most))]
    return [sum(f.stat().st_size for f in cell_dir(store, key).rglob("*") if f.is_file()) for key in chosen]


def old_cells(store: Path) -> list[Cell]:
    """Cells of older versions of methods, which boards do not show."""
    records = readable(store)
    return [record.cell for record in older(records, newest(records))]


def remove_cells(store: Path, cells: Iterable[Cell]) -> list[Cell]:
    """Remove stored cells with all that they kept; those removed, which are all but what another run is at.

    Raises `UsageError` where the store cannot be written, and `DiskFull` where a cell in it cannot be removed.
    """
    refuse_read_only(store)
    removed = []
    for cell in cells:
        with cell_lock(store, cell.key) as free:
            if free:
                home = cell_dir(store, cell.key)
                # Renamed first: a cell is there whole or not at all.
                gone = home.with_name(f".old-{cell.key}")
                shutil.rmtree(gone, ignore_errors=True)  # of a removal that was stopped
                with noticing_full_disk(home), suppress(FileNotFoundError):
                    os.rename(home, gone)
                    remove_entry(gone)
                removed.append(cell)
    return removed


def gc(store: Path) -> list[str]:
    """Remove what no run can use: damaged and edited cells, temporary folders, locks, partial rows of stored cells.

    What a run or a merger is at stays. Raises `UsageError` where the store cannot be written, and `DiskFull` where
    something in it cannot be removed.
    """
    refuse_read_only(store)
    removed: list[str] = []

    def remove(path: Path, label: str) -> None:
        with noticing_full_disk(path), suppress(FileNotFoundError):
            remove_entry(path)
        removed.append(label)

    for key in keys(store):
        if _is_damaged(store, key):
            with cell_lock(store, key) as free:
                if free and _is_damaged(store, key):  # a run may have put a sound one in its place
                    remove(cell_dir(store, key), f"damaged or edited cell {key[:12]}")
    for pattern in ("cells/*/.tmp-*", "cells/*/.old-*"):
        for path in store.glob(pattern):
            if not _is_written(store, path.parent.name):
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
    drop_idle_notes(store, stored)
    for pattern in ("digests/*", "starts/*", "index/.tmp-*", "asked/.tmp-*"):
        for note in _files(store, pattern):
            note.unlink(missing_ok=True)
    for lock in _files(store, "locks/*"):
        with cell_lock(store, lock.name) as free:
            if free:
                lock.unlink(missing_ok=True)
    return removed


def _is_damaged(store: Path, key: str) -> bool:
    try:
        read_record(store, key, {})
    except Damaged:
        return True
    return False


def _is_written(store: Path, first: str) -> bool:
    """Whether a run or a merger is at a cell whose key begins so, and may have a temporary folder beside it."""
    for lock in _files(store, f"locks/{first}*"):
        with cell_lock(store, lock.name) as free:
            if not free:
                return True
    return False


def _files(store: Path, pattern: str) -> list[Path]:
    """What a pattern finds in a store, folders apart: none of ours lies there."""
    return [path for path in store.glob(pattern) if not path.is_dir()]
