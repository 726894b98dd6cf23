"""The index of a store: what many cells hold, in one file, so that a verb need not open each of them.

It is never the truth. `index/cells.arrow` names the version of each file of a cell that it was made from (inode, size,
times of change), and what is another one now is read anew, with its seal; a cell that is gone falls out. The file is
left aside where it is damaged or another noisebench wrote it, and made again. Only cells that hash to their seals are
in it, each distinct part of them once: cells that are read from it share their parts, so that nobody may change one.
"""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..garbage import no_collection
from .asked import asked_beside
from .cells import Damaged, cell_dir, genuine_cell, keys, load_record, seals_cells
from .index_columns import Stamps, Tables, encoded, is_usual, joined, numbers, records_of, stamp_column
from .index_file import read_tables, write_tables
from .record import Cell, Record

FEWEST = 300
"""Cells below which a store has no index: they are read as fast one by one."""
SETTLED = 2_000_000_000
"""Nanoseconds after which a change of a file shows in its times for certain: what is younger is in no index."""
_READ_AT_ONCE = 1000
_CHANGED_SHARE = 50
"""The index is written again where more than one in so many of its cells changed: fewer are read faster."""
_FILES = ("cell.json", "scores.parquet", "seal", "asked")
_OF_A_FILE = 4
_OF_A_CELL = 3 + _OF_A_FILE * len(_FILES)
_ASKED = _OF_A_CELL - _OF_A_FILE
"""How many numbers a stamp has: of the folder, then of each file, those of `asked`, which runs write, last."""
_NONE = (0,) * _OF_A_FILE


def indexed(
    store: Path, *, rows: bool, asked: bool = True, noted: Mapping[str, str] | None = None
) -> dict[str, Record]:
    """Key → each stored cell that hashes to its seal, with or without its rows; empty where a store has no index.

    `noted` is what `asked_in` says of the store. Without `asked`, when a cell was stored may be an earlier time. A cell
    that is not among these is to be read as if there were no index. The file is made or mended where it pays.
    """
    if not seals_cells(store) or len(found := keys(store)) < FEWEST:
        return {}
    began, now = time.time_ns(), _stamps(store, found)
    old = read_tables(store, rows)
    changes = None if old is None else _changes(found, now, old)
    worth = changes is None or changes.count(asked) * _CHANGED_SHARE > len(found)
    if worth and not rows:
        old = old and read_tables(store, True)
    if changes is not None and not (worth or asked):
        changes = replace(changes, asked=[])
    tables = _refreshed(store, found, now, old, changes)
    if worth:
        settled = _settled(tables, began)
        if len(settled.cells):
            write_tables(store, settled)
    with no_collection():
        return {record.cell["key"]: record for record in records_of(store, tables, rows, noted or {})}


def genuine_cells(store: Path, wanted: Sequence[str]) -> dict[str, Cell]:
    """The stored cells of these keys, those apart that are not stored, or are damaged or edited by hand."""
    # Of few among many each is read.
    held = indexed(store, rows=False, asked=False) if len(wanted) * _CHANGED_SHARE >= len(keys(store)) else {}
    found = ((key, held[key].cell if key in held else genuine_cell(store, key)) for key in wanted)
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
    """What is no longer as a table has it. `kept`: its rows that still hold, `asked`: which of these, by their place
    among the kept, a run asked for since (with the place of the cell in the store); `stale`: places of cells to be read
    anew; `gone`: how many are no longer there."""

    kept: npt.NDArray[np.int64]
    asked: list[tuple[int, int]]
    stale: npt.NDArray[np.int64]
    gone: int

    def count(self, asked: bool = True) -> int:
        """How many cells are others now, those that were asked for since among them, or not."""
        return len(self.stale) + self.gone + len(self.asked) * asked


def _changes(found: Sequence[str], now: Stamps, old: Tables) -> _Changes:
    names, held = np.array(found, "S64"), np.array(old.cells["key"].to_pylist(), "S64")
    if not len(held):
        return _Changes(np.empty(0, np.int64), [], np.arange(len(found)), 0)
    before = numbers(old.cells["stamp"].combine_chunks())
    place = np.minimum(np.searchsorted(held, names), len(held) - 1)
    known = held[place] == names
    same = known & (before[place, :_ASKED] == now[:, :_ASKED]).all(axis=1)
    newly = np.flatnonzero(same & (before[place, _ASKED:] != now[:, _ASKED:]).any(axis=1))
    stale, row = np.flatnonzero(~same), np.cumsum(same) - 1
    gone = len(held) - int(known.sum())
    return _Changes(place[same], [(int(row[i]), int(i)) for i in newly], stale, gone)


def _refreshed(store: Path, found: Sequence[str], now: Stamps, old: Tables | None, changes: _Changes | None) -> Tables:
    """The tables of the cells that are there now, in the order of their keys.

    Cells that cannot be read or do not hash to their seals are in none.
    """
    import pyarrow as pa

    if old is None or changes is None:
        return joined([encoded([], now[:0]), *_read_anew(store, found, now)], rows=True)
    if not changes.count():
        return old
    kept = pa.array(changes.kept)
    cells, own = old.cells.take(kept), None if old.rows is None else old.rows.take(kept)
    if changes.asked:
        cells = _with_asked(store, cells, [(row, found[i], now[i]) for row, i in changes.asked])
    anew = _read_anew(store, [found[i] for i in changes.stale], now[changes.stale])
    return joined([Tables(cells, own), *anew], rows=own is not None)


def _with_asked(store: Path, cells: Any, due: Iterable[tuple[int, str, npt.NDArray[np.int64]]]) -> Any:
    """The table with when runs asked for some cells: row, key and stamp of each."""
    import pyarrow as pa

    asked = cells["asked"].to_pylist()
    stamps = numbers(cells["stamp"].combine_chunks()).copy()
    for row, key, stamp in due:
        asked[row], stamps[row] = asked_beside(cell_dir(store, key)), stamp
    cells = _with_column(cells, "asked", pa.array(asked, pa.string()))
    return _with_column(cells, "stamp", stamp_column(stamps))


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
    times = stamps[:, [2, *range(3 + _OF_A_FILE - 1, _ASKED, _OF_A_FILE)]]
    settled = np.flatnonzero(times.max(axis=1, initial=0) < began - SETTLED)
    if len(settled) < len(stamps):
        chosen = pa.array(settled)
        tables = Tables(tables.cells.take(chosen), tables.rows.take(chosen))
    young = np.flatnonzero(stamps[settled][:, -1] >= began - SETTLED)
    if len(young):
        now = stamps[settled].copy()
        now[young, _ASKED:] = -1
        tables = Tables(_with_column(tables.cells, "stamp", stamp_column(now)), tables.rows)
    return tables


def _with_column(table: Any, name: str, column: Any) -> Any:
    return table.set_column(table.column_names.index(name), name, column)
