"""The index of a store: what many cells hold, in one file, so that a verb need not open each of them.

It is never the truth. `index/cells.arrow` names the version of each cell that it was made from (inode, size and times
of change of its folder and of the files with what it found), and what is another one now is read anew, with its seal; a
cell that is gone falls out. The file is left aside where it is damaged or another noisebench wrote it, and made again.
Only cells that hash to their seals are in it, each distinct part of them once: cells that are read from it share their
parts, so that nobody may change one.
"""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .cell import Cell
from .cells import Damaged, genuine_cell, keys, load_record, seals_cells
from .garbage import no_collection
from .index_columns import Stamps, Tables, cells_of, encoded, is_usual, joined, numbers, records_of
from .index_file import read_tables, write_tables
from .record import Record

FEWEST = 300
"""Cells below which a store has no index: they are read as fast one by one."""
SETTLED = 2_000_000_000
"""Nanoseconds after which a change of a file shows in its times for certain: what is younger is in no index."""
_READ_AT_ONCE = 1000
_CHANGED_SHARE = 50
"""The index is written again where more than one in so many of its cells changed: fewer are read faster."""
_FILES = ("cell.json", "scores.parquet")
"""What is looked at of a cell besides its folder, in which all else is written with these or by renaming."""
_OF_A_FILE = 4
_OF_A_CELL = 3 + _OF_A_FILE * len(_FILES)
"""How many numbers a stamp has: of the folder, then of each file."""
_NONE = (0,) * _OF_A_FILE


def indexed(store: Path, found: Sequence[str], *, rows: bool, noted: Mapping[str, str]) -> dict[str, Record]:
    """Key → each stored cell that hashes to its seal, with or without its rows; empty where a store has no index.

    `found` are the `keys` of the store, `noted` is what `asked_in` says of it. A cell that is not among these is to be
    read as if there were no index.
    """
    tables = _tables(store, found, rows)
    if tables is None:
        return {}
    with no_collection():
        return {record.cell.key: record for record in records_of(store, tables, rows, noted)}


def indexed_cells(store: Path, found: Sequence[str]) -> dict[str, Cell]:
    """The same of `cell.json` alone."""
    tables = _tables(store, found, rows=False)
    if tables is None:
        return {}
    with no_collection():
        return {cell.key: cell for cell in cells_of(tables.cells)}


def _tables(store: Path, found: Sequence[str], rows: bool) -> Tables | None:
    """The index as it is now, None where a store has none; the file is made or mended where it pays."""
    if len(found) < FEWEST or not seals_cells(store):
        return None
    began, now = time.time_ns(), _stamps(store, found)
    old = read_tables(store, rows)
    changes = None if old is None else _changes(found, now, old)
    worth = changes is None or changes.count * _CHANGED_SHARE > len(found)
    if worth and not rows and old is not None:
        # Another run may have written the file since: what changed is found anew.
        old = read_tables(store, True)
        changes = None if old is None else _changes(found, now, old)
    tables = _refreshed(store, found, now, old, changes)
    if worth:
        settled = _settled(tables, began)
        if len(settled.cells):
            write_tables(store, settled)
    return tables


def genuine_cells(store: Path, wanted: Sequence[str]) -> dict[str, Cell]:
    """The stored cells of these keys, those apart that are not stored, or are damaged or edited by hand."""
    there = keys(store)
    # Of few among many each is read.
    held = indexed_cells(store, there) if len(wanted) * _CHANGED_SHARE >= len(there) else {}
    found = ((key, held[key] if key in held else genuine_cell(store, key)) for key in wanted)
    return {key: cell for key, cell in found if cell is not None}


def _stamps(store: Path, found: Sequence[str]) -> Stamps:
    """What tells the stored version of each cell from others: numbers of its folder and of its files."""
    made, cells = array("q"), str(store / "cells")
    for key in found:
        folder = f"{cells}/{key[:2]}/{key}"
        try:
            status = os.stat(folder)
            made.extend((status.st_ino, status.st_mtime_ns, status.st_ctime_ns))
        except OSError:
            made.extend(_NONE[1:])
        for name in _FILES:
            try:
                status = os.stat(f"{folder}/{name}")
                made.extend((status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
            except OSError:
                made.extend(_NONE)
    return np.frombuffer(made, np.int64).reshape(len(found), _OF_A_CELL)


@dataclass(frozen=True)
class _Changes:
    """What is no longer as a table has it. `kept`: its rows that still hold; `stale`: places of cells to be read anew;
    `gone`: how many are no longer there."""

    kept: npt.NDArray[np.int64]
    stale: npt.NDArray[np.int64]
    gone: int

    @property
    def count(self) -> int:
        """How many cells are others now."""
        return len(self.stale) + self.gone


def _changes(found: Sequence[str], now: Stamps, old: Tables) -> _Changes:
    names, held = np.array(found, "S64"), np.array(old.cells["key"].to_pylist(), "S64")
    if not len(held):
        return _Changes(np.empty(0, np.int64), np.arange(len(found)), 0)
    before = numbers(old.cells["stamp"].combine_chunks())
    place = np.minimum(np.searchsorted(held, names), len(held) - 1)
    known = held[place] == names
    same = known & (before[place] == now).all(axis=1)
    return _Changes(place[same], np.flatnonzero(~same), len(held) - int(known.sum()))


def _refreshed(store: Path, found: Sequence[str], now: Stamps, old: Tables | None, changes: _Changes | None) -> Tables:
    """The tables of the cells that are there now, in the order of their keys.

    Cells that cannot be read or do not hash to their seals are in none.
    """
    import pyarrow as pa

    if old is None or changes is None:
        return joined([encoded([], now[:0]), *_read_anew(store, found, now)], rows=True)
    if not changes.count:
        return old
    kept = pa.array(changes.kept)
    own = None if old.rows is None else old.rows.take(kept)
    anew = _read_anew(store, [found[i] for i in changes.stale], now[changes.stale])
    return joined([Tables(old.cells.take(kept), own), *anew], rows=own is not None)


def _read_anew(store: Path, found: Sequence[str], stamps: Stamps) -> Iterator[Tables]:
    """The tables of cells that are read from their files, some at a time, so that few are held as they were written."""

    def load(key: str) -> Record | None:
        try:
            record = load_record(store, key, {}, sealed=True)
        except Damaged:
            return None
        return record if record.seal and record.whole and is_usual(record) else None

    # Reading a file is mostly time outside of the interpreter's lock; a store has many.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for start in range(0, len(found), _READ_AT_ONCE):
            records = list(pool.map(load, found[start : start + _READ_AT_ONCE]))
            genuine = [i for i, record in enumerate(records) if record is not None]
            if genuine:
                yield encoded([r for r in records if r is not None], stamps[start:][genuine])


def _settled(tables: Tables, began: int) -> Tables:
    """The cells that changed so long before `began` that a later change would show in their times."""
    import pyarrow as pa

    stamps = numbers(tables.cells["stamp"].combine_chunks())
    times = stamps[:, [2, *range(3 + _OF_A_FILE - 1, _OF_A_CELL, _OF_A_FILE)]]
    settled = np.flatnonzero(times.max(axis=1, initial=0) < began - SETTLED)
    if len(settled) == len(stamps):
        return tables
    chosen = pa.array(settled)
    return Tables(tables.cells.take(chosen), tables.rows.take(chosen))
