"""The index of a store: its cells as tables in two Arrow files, so that a verb need not open each of them.

It is never the truth. `index/cells.arrow` has the version of each cell that it was made from (inode, size and times of
change of its folder and of the files with what it found), and what is another one now is read anew, with its seal; a
cell that is gone falls out. `index/items.arrow` has their rows, and `index/seal` the hash of both files, by which they
are left aside where one is damaged; where another noisebench wrote them too, and they are made again. Only cells that
hash to their seals are in it.
"""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.disk import locked, open_regular, read_regular, write_file
from .arrow_arrays import number_array, numbers, text_array, valid, whole_column
from .cell import Cell
from .cells import Damaged, cell_dir, genuine_cell, keys, load_record, seals_cells
from .garbage_collection import no_collection
from .names import Names
from .record import Record
from .results import Results
from .seals import files_seal, why_edited
from .tables import COLUMNS, CellTables, Places, cells_in, joined, tables_of

FEWEST = 300
"""Cells below which a store has no index: they are read as fast one by one."""
SETTLED = 2_000_000_000
"""Nanoseconds after which a change of a file shows in its times for certain: what is younger is in no index."""
_FORMAT = 6
_READ_AT_ONCE = 1000
_CHANGED_SHARE = 50
"""The index is written again where more than one in so many of its cells changed: fewer are read faster."""
WATCHED = ("cell.json", "scores.parquet")
"""What is looked at of a cell besides its folder, in which all else is written with these or by renaming."""
_OF_A_FILE = 4
_OF_A_CELL = 3 + _OF_A_FILE * len(WATCHED)
"""How many numbers a stamp has: of the folder, then of each file."""
_NONE = (0,) * _OF_A_FILE
_TABLES = ("cells.arrow", "items.arrow")
Stamps = npt.NDArray[np.int64]
"""Numbers that tell the version of each cell, a row each."""


def indexed(
    store: Path, every: Sequence[str], *, rows: bool, noted: Mapping[str, str], names: Names | None = None
) -> Results | None:
    """The stored cells that hash to their seals, in the order of their keys, with or without their items; None where a
    store has no index.

    `every` are the `keys` of the store, `noted` is what `asked_in` says of it, `names` what `read_names` does. A cell
    that is not among these is to be read as if there were no index.
    """
    tables = _tables(store, every, rows)
    if tables is None:
        return None
    if noted:
        beside = zip(*(tables.cells[name].to_pylist() for name in ("key", "asked")), strict=True)
        asked = text_array([max(stored, noted.get(key, "")) for key, stored in beside])
        place = tables.cells.column_names.index("asked")
        tables = CellTables(tables.cells.set_column(place, "asked", asked), tables.items)
    return Results.stored(tables, lambda key: cell_dir(store, key), names or {})


def indexed_cells(store: Path, every: Sequence[str]) -> dict[str, Cell]:
    """Key → `cell.json` of each of these cells; empty where a store has no index."""
    tables = _tables(store, every, rows=False)
    if tables is None:
        return {}
    with no_collection():
        return {cell.key: cell for cell in cells_in(tables)}


def _tables(store: Path, every: Sequence[str], rows: bool) -> CellTables | None:
    """The index as it is now, None where a store has none; its files are made or mended where it pays."""
    if len(every) < FEWEST or not seals_cells(store):
        return None
    began, now = time.time_ns(), stamps(store, every)
    old = read_tables(store, rows)
    kept, lacking = _changes(every, now, old)
    gone = 0 if old is None else len(old.cells) - len(kept)
    worth = (len(lacking) + gone) * _CHANGED_SHARE > len(every)
    if worth and not rows and old is not None:
        # Another run may have written the files since: what changed is found anew.
        old = read_tables(store, True)
        kept, lacking = _changes(every, now, old)
    if old is None or len(kept) < max(len(every), len(old.cells)):
        start = stamped([], now[:0]) if old is None else old.take(kept)
        tables = joined([start, *_read_anew(store, [every[place] for place in lacking], now[lacking])])
    else:
        tables = old
    if worth and len(settled := _settled(tables, began)):
        write_tables(store, tables.take(settled))
    return tables


def genuine_cells(store: Path, wanted: Sequence[str]) -> dict[str, Cell]:
    """The stored cells of these keys, those apart that are not stored, or are damaged or edited by hand."""
    every = keys(store)
    # Of few among many each is read.
    from_index = indexed_cells(store, every) if len(wanted) * _CHANGED_SHARE >= len(every) else {}
    cells = ((key, from_index[key] if key in from_index else genuine_cell(store, key)) for key in wanted)
    return {key: cell for key, cell in cells if cell is not None}


# ------------------------------------------------------------------------------------------ what changed since


def stamps(store: Path, every: Sequence[str]) -> Stamps:
    """What tells the stored version of each cell from others: numbers of its folder and of its files."""
    stamps, cells = array("q"), str(store / "cells")
    for key in every:
        folder = f"{cells}/{key[:2]}/{key}"
        try:
            status = os.stat(folder)
            stamps.extend((status.st_ino, status.st_mtime_ns, status.st_ctime_ns))
        except OSError:
            stamps.extend(_NONE[1:])
        for name in WATCHED:
            try:
                status = os.stat(f"{folder}/{name}")
                stamps.extend((status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
            except OSError:
                stamps.extend(_NONE)
    return np.frombuffer(stamps, np.int64).reshape(len(every), _OF_A_CELL)


def _changes(every: Sequence[str], now: Stamps, old: CellTables | None) -> tuple[Places, Places]:
    """The places in the tables of the cells that are still as they have them; those in `every` of all others."""
    if old is None:
        return np.empty(0, np.int64), np.arange(len(every))
    names, old_names = np.array(every, "S64"), np.array([*old.cells["key"].to_pylist(), "~"], "S64")
    place = np.searchsorted(old_names, names)
    same = old_names[place] == names
    same[same] = (_stamps_in(old)[place[same]] == now[same]).all(axis=1)
    return place[same], np.flatnonzero(~same)


def _stamps_in(tables: CellTables) -> Stamps:
    return numbers(whole_column(tables.cells["stamp"]).flatten(), np.int64).reshape(-1, _OF_A_CELL)


def _read_anew(store: Path, every: Sequence[str], stamps: Stamps) -> Iterator[CellTables]:
    """The tables of cells that are read from their files, some at a time, so that few are held as they were written."""

    def load(key: str) -> Record | None:
        try:
            record = load_record(store, key, {}, sealed=True)
        except Damaged:
            return None
        return record if record.seal and record.whole and _is_usual(record) else None

    # Reading a file is mostly time outside of the interpreter's lock; a store has many.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for start in range(0, len(every), _READ_AT_ONCE):
            records = list(pool.map(load, every[start : start + _READ_AT_ONCE]))
            genuine = [i for i, record in enumerate(records) if record is not None]
            if genuine:
                yield stamped([r for r in records if r is not None], stamps[start:][genuine])


def stamped(records: Sequence[Record], stamps: Stamps) -> CellTables:
    """Records as tables, with what a reader of the index must know of each besides."""
    import pyarrow as pa

    flat = number_array(np.ascontiguousarray(stamps).reshape(-1))
    return tables_of(
        records,
        {
            "stamp": pa.FixedSizeListArray.from_arrays(flat, _OF_A_CELL),
            "panel": number_array(np.array([record.panel is not None for record in records], bool)),
            "mistakes": number_array(np.array([record.mistakes is not None for record in records], bool)),
            "keyed": number_array(np.array([why_edited(record) is None for record in records], bool)),
        },
    )


def _is_usual(record: Record) -> bool:
    """Whether the rows have the types that a run writes, and all texts are such that a file can hold them."""
    columns = (record.items, record.input_sha256, record.output_sha256, record.notes)
    texts = [*(of(record) for of in COLUMNS.values()), *(text for column in columns for text in column)]
    try:
        "".join(text for text in texts if not isinstance(text, int)).encode()
    except (TypeError, UnicodeEncodeError):
        return False
    return record.seconds.dtype == np.float64


def _settled(tables: CellTables, began: int) -> Places:
    """The places of cells that changed so long before `began` that a later change would show in their times."""
    times = _stamps_in(tables)[:, [2, *range(3 + _OF_A_FILE - 1, _OF_A_CELL, _OF_A_FILE)]]
    return np.flatnonzero(times.max(axis=1, initial=0) < began - SETTLED)


# ------------------------------------------------------------------------------------------ files


def _maker() -> bytes:
    from .. import __version__

    return f"{_FORMAT} of noisebench {__version__}".encode()


def read_tables(store: Path, rows: bool) -> CellTables | None:
    """The tables of the index, None where there is none that can be used."""
    import pyarrow as pa

    try:
        seal = read_regular(store / "index" / "seal")
        cells, items = (_table(store, name, seal) if name == _TABLES[0] or rows else None for name in _TABLES)
        return CellTables(cells, items)
    except (OSError, ValueError, MemoryError, pa.ArrowException):
        return None


def _table(store: Path, name: str, seal: bytes) -> Any:
    """The table of a file. Raises ValueError and what Arrow raises for one that is damaged, or of another version."""
    import pyarrow as pa

    with open_regular(store / "index" / name) as file:
        buffer = pa.allocate_buffer(os.fstat(file.fileno()).st_size)
        view, done = memoryview(buffer), 0
        while got := file.readinto(view[done:]):
            done += got
    if files_seal({name: view}).rstrip() not in seal.splitlines():
        raise ValueError("damaged")
    table = pa.ipc.open_file(pa.BufferReader(buffer)).read_all()
    if (table.schema.metadata or {}).get(b"made_by") != _maker():
        raise ValueError("of another version")
    return table


def write_tables(store: Path, tables: CellTables) -> None:
    """Write the files, where the store takes some; what a reader finds while they are changed is none it can use."""
    import pyarrow as pa

    files: dict[str, bytes | memoryview] = {}
    for name, table in zip(_TABLES, (tables.cells, tables.items), strict=True):
        sink = pa.BufferOutputStream()
        compact = _compact(table).replace_schema_metadata({"made_by": _maker()})
        with pa.ipc.new_file(sink, compact.schema) as writer:
            writer.write_table(compact)
        files[name] = memoryview(sink.getvalue())
    with suppress(OSError), locked(store, "index"):
        (store / "index").mkdir(exist_ok=True)
        for name, data in {**files, "seal": files_seal(files)}.items():
            write_file(store / "index" / name, data)


def _compact(table: Any) -> Any:
    """The table without the parts that no row has any more."""
    import pyarrow as pa

    for place, name in enumerate(table.column_names):
        column = table[name].combine_chunks()
        if pa.types.is_dictionary(column.type) and len(column):
            indices = column.indices
            codes, known = numbers(indices), valid(indices)
            used = np.unique(codes[known])
            if len(used) < len(column.dictionary):
                renamed = np.searchsorted(used, codes).astype(np.int32)
                kept = column.dictionary.take(number_array(used))
                column = pa.DictionaryArray.from_arrays(number_array(renamed, known), kept)
        table = table.set_column(place, name, column)
    return table
