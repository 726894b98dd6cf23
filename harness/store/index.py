"""The index of a store: what many cells hold, in one file, so that a verb need not open each of them.

It is never the truth. `index/cells.arrow` names the version of each file of a cell that it was made from (inode, size,
times of change), and what is another one now is read anew, with its seal; a cell that is gone falls out. The file is
left aside where it is damaged or another noisebench wrote it, and made again. Only cells that hash to their seals are
in it, each distinct part of them once: cells that are read from it share their parts, so that nobody may change one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from ..garbage import no_collection
from ..json_values import parsed
from .cells import Damaged, asked_of, cell_dir, genuine_cell, keys, load_record, seals_cells
from .disk import locked
from .mistakes import read_mistakes
from .previews import read_panel
from .record import Cell, Record

FEWEST = 300
"""Cells below which a store has no index: they are read as fast one by one."""
SETTLED = 2_000_000_000
"""Nanoseconds after which a change of a file shows in its times for certain: what is younger is in no index."""
_FORMAT = 2
_READ_AT_ONCE = 1000
_CHANGED_SHARE = 50
"""The index is written again where more than one in so many of its cells changed: fewer are read faster."""
_SPLIT = ("inputs", "request")
"""Parts of a cell that differ from cell to cell, and are made of parts that do not."""
_FILES = ("cell.json", "scores.parquet", "seal", "asked")
_OF_A_FILE = 4
_OF_A_CELL = 3 + _OF_A_FILE * len(_FILES)
_ASKED = _OF_A_CELL - _OF_A_FILE
"""How many numbers a stamp has: of the folder, then of each file, those of `asked`, which runs write, last."""
_NONE = (0,) * _OF_A_FILE
_HEAD = 512
Stamps = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Tables:
    """A row a cell: what `cell.json` has, and what `scores.parquet` has, which is None where nobody asked for it."""

    cells: Any
    rows: Any


def indexed(store: Path, *, rows: bool) -> dict[str, Record]:
    """Key → each stored cell that hashes to its seal, with or without its rows; empty where a store has no index.

    What is not in it is to be read as if there were no index. The file is made or mended where it pays.
    """
    if not seals_cells(store) or len(found := keys(store)) < FEWEST:
        return {}
    began, now = time.time_ns(), _stamps(store, found)
    old = _read(store, rows)
    changes = None if old is None else _changes(found, now, old)
    worth = changes is None or changes.count * _CHANGED_SHARE > len(found)
    if worth and not rows:
        old = old and _read(store, True)
    tables = _refreshed(store, found, now, old, changes)
    if worth:
        _write(store, tables, began)
    with no_collection():
        return {record.cell["key"]: record for record in _records(store, tables, rows)}


def genuine_cells(store: Path, wanted: Sequence[str]) -> dict[str, Cell]:
    """The stored cells of these keys, those apart that are not stored, or are damaged or edited by hand."""
    # Of few among many each is read.
    held = indexed(store, rows=False) if len(wanted) * _CHANGED_SHARE >= len(keys(store)) else {}
    found = ((key, held[key].cell if key in held else genuine_cell(store, key)) for key in wanted)
    return {key: cell for key, cell in found if cell is not None}


# ------------------------------------------------------------------------------------------------ what changed


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


def _settled(stamps: Stamps, began: int) -> npt.NDArray[np.bool_]:
    """Which cells changed so long ago that a later change would show in their times."""
    times = stamps[:, [2, *range(3 + _OF_A_FILE - 1, _ASKED, _OF_A_FILE)]]
    settled: npt.NDArray[np.bool_] = times.max(axis=1, initial=0) < began - SETTLED
    return settled


@dataclass(frozen=True)
class _Changes:
    """What is no longer as a table has it. `kept`: its rows that still hold, `asked`: which of these, by their place
    among the kept, a run asked for since (with the place of the cell in the store); `stale`: places of cells to be read
    anew. `count` has those that are gone too."""

    kept: npt.NDArray[np.int64]
    asked: list[tuple[int, int]]
    stale: npt.NDArray[np.int64]
    count: int


def _changes(found: Sequence[str], now: Stamps, old: _Tables) -> _Changes:
    names, held = np.array(found, "S64"), np.array(old.cells["key"].to_pylist(), "S64")
    if not len(held):
        return _Changes(np.empty(0, np.int64), [], np.arange(len(found)), len(found))
    before = _numbers(old.cells["stamp"].combine_chunks(), _OF_A_CELL)
    place = np.minimum(np.searchsorted(held, names), len(held) - 1)
    known = held[place] == names
    same = known & (before[place, :_ASKED] == now[:, :_ASKED]).all(axis=1)
    newly = np.flatnonzero(same & (before[place, _ASKED:] != now[:, _ASKED:]).any(axis=1))
    stale, row = np.flatnonzero(~same), np.cumsum(same) - 1
    gone = len(held) - int(known.sum())
    asked = [(int(row[i]), int(i)) for i in newly]
    return _Changes(place[same], asked, stale, len(stale) + len(newly) + gone)


def _refreshed(
    store: Path, found: Sequence[str], now: Stamps, old: _Tables | None, changes: _Changes | None
) -> _Tables:
    """The tables of the cells that are there now, in the order of their keys.

    Cells that cannot be read or do not hash to their seals are in none.
    """
    import pyarrow as pa

    if old is None or changes is None:
        return _joined(list(_read_anew(store, found, now)), rows=True)
    if not changes.count:
        return old
    kept = pa.array(changes.kept)
    cells, own = old.cells.take(kept), None if old.rows is None else old.rows.take(kept)
    if changes.asked:
        cells = _with_asked(store, cells, [(row, found[i], now[i]) for row, i in changes.asked])
    anew = _read_anew(store, [found[i] for i in changes.stale], now[changes.stale])
    return _joined([_Tables(cells, own), *anew], rows=own is not None)


def _with_asked(store: Path, cells: Any, due: Iterable[tuple[int, str, npt.NDArray[np.int64]]]) -> Any:
    """The table with when runs asked for some cells: row, key and stamp of each."""
    import pyarrow as pa

    asked = cells["asked"].to_pylist()
    stamps = _numbers(cells["stamp"].combine_chunks(), _OF_A_CELL).copy()
    for row, key, stamp in due:
        asked[row], stamps[row] = asked_of(store, key), stamp
    cells = cells.set_column(cells.column_names.index("asked"), "asked", pa.array(asked, pa.string()))
    return cells.set_column(cells.column_names.index("stamp"), "stamp", _stamp_column(stamps))


def _read_anew(store: Path, found: Sequence[str], stamps: Stamps) -> Iterator[_Tables]:
    """The tables of cells that are read from their files, some at a time, so that few are held as they were written."""

    def load(key: str) -> Record | None:
        try:
            record = load_record(store, key, sealed=True)
        except Damaged:
            return None
        return record if record.seal and record.whole and _is_usual(record) else None

    # Reading a file is mostly time outside of the interpreter's lock; a store has many.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for start in range(0, len(found), _READ_AT_ONCE):
            records = list(pool.map(load, found[start : start + _READ_AT_ONCE]))
            genuine = [i for i, record in enumerate(records) if record is not None]
            if genuine:
                yield _encoded([r for r in records if r is not None], stamps[start:][genuine])


def _is_usual(record: Record) -> bool:
    """Whether the rows have the types that a run writes: a column of something else is not in JSON."""
    columns = (record.items, record.input_sha256, record.output_sha256, record.notes)
    return record.seconds.dtype == np.float64 and all(isinstance(t, str) for column in columns for t in column)


def _joined(parts: Sequence[_Tables], *, rows: bool) -> _Tables:
    """Tables as one, in the order of keys."""
    import pyarrow as pa

    if not parts:
        parts = [_encoded([], np.zeros((0, _OF_A_CELL), np.int64))]

    def join(tables: list[Any]) -> Any:
        return pa.concat_tables(tables, promote_options="default").unify_dictionaries()

    cells = join([part.cells for part in parts])
    order = pa.array(np.argsort(np.array(cells["key"].to_pylist(), "S64"), kind="stable"))
    return _Tables(cells.take(order), join([part.rows for part in parts]).take(order) if rows else None)


# ------------------------------------------------------------------------------------------------ records as columns


def _encoded(records: Sequence[Record], stamps: Stamps) -> _Tables:
    """Records as tables: parts as JSON, each distinct one once."""
    import pyarrow as pa

    columns: dict[str, list[str | None]] = {}
    shapes: list[str] = []
    for number, record in enumerate(records):
        shape: list[tuple[str, list[str] | None]] = []
        for name, value in record.cell.items():
            inner = list(value) if name in _SPLIT and isinstance(value, dict) else None
            shape.append((name, inner))
            for path, part in [((name,), value)] if inner is None else [((name, n), value[n]) for n in inner]:  # type: ignore[index]
                column = columns.setdefault(json.dumps(path), [])
                column.extend([None] * (number - len(column)))
                column.append(json.dumps(part))
        shapes.append(json.dumps(shape))
    for column in columns.values():
        column.extend([None] * (len(records) - len(column)))
    cells = {
        "key": pa.array([record.cell["key"] for record in records], pa.string()),
        "stamp": _stamp_column(stamps),
        "seal": pa.array([record.seal for record in records], pa.string()),
        "asked": pa.array([record.asked for record in records], pa.string()),
        "panel": pa.array([record.panel is not None for record in records], pa.bool_()),
        "mistakes": pa.array([record.mistakes is not None for record in records], pa.bool_()),
        "shape": _dictionary(shapes),
        **{name: _dictionary(texts) for name, texts in columns.items()},
    }
    rows = {
        **{name: _dictionary([json.dumps(getattr(r, name)) for r in records]) for name in _SHARED},
        "output_sha256": pa.array([json.dumps(r.output_sha256) for r in records], pa.large_string()),
        "numbers": pa.array(
            [np.concatenate([r.seconds, *r.scores.values()]).astype("<f8").tobytes() for r in records],
            pa.large_binary(),
        ),
    }
    return _Tables(pa.table(cells), pa.table(rows))


_SHARED = ("items", "input_sha256", "notes")
"""Columns of a record that many cells have alike."""


def _dictionary(texts: Sequence[str | None]) -> Any:
    import pyarrow as pa

    return pa.array(texts, pa.large_string()).dictionary_encode()


def _stamp_column(stamps: Stamps) -> Any:
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(stamps).reshape(-1)), _OF_A_CELL)


def _numbers(column: Any, width: int) -> Stamps:
    values = column.flatten()
    # `to_numpy` would import pandas first, which takes longer than all else of a small store.
    return np.frombuffer(values.buffers()[1], np.int64, len(values), values.offset * 8).reshape(len(column), width)


def _records(store: Path, tables: _Tables, rows: bool) -> Iterator[Record]:
    """The records of tables; what is equal in several is one object."""
    table = tables.cells
    cells = _cells(table) if len(table) else []
    seals, asked = table["seal"].to_pylist(), table["asked"].to_pylist()
    if not rows or not cells:
        for cell, seal, when in zip(cells, seals, asked, strict=True):
            yield Record(cell, seal=seal, whole=True, asked=when)
        return
    items, inputs, notes = (_objects(tables.rows[name]) for name in _SHARED)
    panels, mistakes = table["panel"].to_pylist(), table["mistakes"].to_pylist()
    outputs = tables.rows["output_sha256"].combine_chunks()
    _, offsets, data = tables.rows["numbers"].combine_chunks().buffers()
    ends, values = np.frombuffer(offsets, np.int64) // 8, np.frombuffer(data or b"", "<f8")
    for n, cell in enumerate(cells):
        own = values[ends[n] : ends[n + 1]].reshape(1 + len(cell["metrics"]), len(items[n]))
        folder = cell_dir(store, cell["key"])
        yield Record(
            cell,
            items[n],
            inputs[n],
            _Texts(outputs, n),
            notes[n],
            own[0],
            dict(zip(cell["metrics"], own[1:], strict=True)),
            read_panel(folder / "panel.json") if panels[n] else None,
            seals[n],
            True,
            asked[n],
            mistakes=read_mistakes(folder / "mistakes.json", items[n]) if mistakes[n] else None,
        )


def _cells(table: Any) -> list[Cell]:
    """The cells of a table, in its order."""
    shapes = table["shape"].combine_chunks()
    texts, which = shapes.dictionary.to_pylist(), np.array(shapes.indices.to_pylist(), np.int64)
    made: list[Any] = [None] * len(table)
    for number in np.unique(which):
        places = np.flatnonzero(which == number)
        own = table if len(places) == len(table) else table.take(places)
        columns: list[Iterable[Any]] = []
        names = []
        for name, inner in json.loads(texts[number]):
            names.append(name)
            if inner is None:
                columns.append(_objects(own[json.dumps((name,))]))
            else:
                parts = [_objects(own[json.dumps((name, n))]) for n in inner]
                rows = zip(*parts, strict=True) if parts else ((),) * len(own)
                columns.append([dict(zip(inner, row, strict=True)) for row in rows])
        for place, row in zip(places.tolist(), zip(*columns, strict=True), strict=True):
            made[place] = dict(zip(names, row, strict=True))
    return made


def _objects(column: Any) -> list[Any]:
    """The values of a column of JSON, each distinct one as one object."""
    whole = column.combine_chunks()
    values = json.loads(f"[{','.join(whole.dictionary.to_pylist())}]")
    return [values[index] for index in whole.indices.to_pylist()]


class _Texts(Sequence[str]):
    """A list of texts in a column of JSON, which is read when it is asked for: few verbs look at all outputs."""

    __slots__ = ("_column", "_place")

    def __init__(self, column: Any, place: int) -> None:
        self._column, self._place = column, place

    def _texts(self) -> list[str]:
        texts: list[str] = json.loads(self._column[self._place].as_py())
        return texts

    def __len__(self) -> int:
        return len(self._texts())

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts())

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        return self._texts()[place]

    def __eq__(self, other: object) -> bool:
        return self._texts() == (other._texts() if isinstance(other, _Texts) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._texts())


# ------------------------------------------------------------------------------------------------ the file


def _file(store: Path) -> Path:
    return store / "index" / "cells.arrow"


def _maker() -> str:
    from .. import __version__

    return f"{_FORMAT} of noisebench {__version__}"


def _read(store: Path, rows: bool) -> _Tables | None:
    """The tables of the file, None where there is none that can be used."""
    import pyarrow as pa

    try:
        with open(_file(store), "rb", buffering=0) as file:
            head = parsed(file.read(_HEAD))
            if head["made_by"] != _maker():
                return None
            cells = _table(file, head["cells"])
            if list(cells.column_names[: len(_FIRST)]) != list(_FIRST):
                return None
            return _Tables(cells, _table(file, head["rows"]) if rows else None)
    except (OSError, ValueError, KeyError, TypeError, MemoryError, pa.ArrowException):
        return None


_FIRST = ("key", "stamp", "seal", "asked", "panel", "mistakes", "shape")


def _table(file: Any, part: Mapping[str, Any]) -> Any:
    """One table of the file. Raises ValueError and what Arrow raises for one that is damaged."""
    import pyarrow as pa

    size = int(part["bytes"])
    if not 0 <= size <= os.fstat(file.fileno()).st_size:
        raise ValueError("cut off")
    buffer = pa.allocate_buffer(size)
    file.seek(int(part["at"]))
    view, done = memoryview(buffer), 0
    while done < size:
        got = file.readinto(view[done:])
        if not got:
            raise ValueError("cut off")
        done += got
    if hashlib.sha256(view).hexdigest() != part["sha256"]:
        raise ValueError("damaged")
    with pa.ipc.open_stream(pa.BufferReader(buffer)) as reader:
        return reader.read_all()


def _write(store: Path, tables: _Tables, began: int) -> None:
    """Write the file with all cells that are settled, whole or not at all, where the store takes one."""
    import pyarrow as pa

    stamps = _numbers(tables.cells["stamp"].combine_chunks(), _OF_A_CELL)
    settled = np.flatnonzero(_settled(stamps, began))
    if not len(settled):
        return
    if len(settled) < len(stamps):
        chosen = pa.array(settled)
        tables = _Tables(tables.cells.take(chosen), tables.rows.take(chosen))
    young = np.flatnonzero(stamps[settled][:, -1] >= began - SETTLED)
    if len(young):
        now = stamps[settled].copy()
        now[young, _ASKED:] = -1
        place = tables.cells.column_names.index("stamp")
        tables = _Tables(tables.cells.set_column(place, "stamp", _stamp_column(now)), tables.rows)
    file = _file(store)
    temporary = file.with_name(".tmp-cells.arrow")
    with suppress(OSError), locked(store, "index"):
        file.parent.mkdir(exist_ok=True)
        try:
            with open(temporary, "w+b") as out:
                head: dict[str, Any] = {"made_by": _maker()}
                out.seek(_HEAD)
                for name, table in (("cells", tables.cells), ("rows", tables.rows)):
                    head[name] = _append(out, _compact(table))
                text = json.dumps(head).encode()
                if len(text) > _HEAD:
                    raise OSError(errno.EFBIG, "head")
                out.seek(0)
                out.write(text.ljust(_HEAD))
            os.replace(temporary, file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _append(out: Any, table: Any) -> dict[str, Any]:
    """Write a table at the end of a file; where it lies and what it hashes to."""
    import pyarrow as pa

    start = out.seek(0, os.SEEK_END)
    start = out.seek(max(start, _HEAD))
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    end = out.seek(0, os.SEEK_END)
    out.seek(start)
    digest = hashlib.sha256()
    while block := out.read(1 << 20):
        digest.update(block)
    return {"at": start, "bytes": end - start, "sha256": digest.hexdigest()}


def _compact(table: Any) -> Any:
    """The table without the parts that no row has any more."""
    import pyarrow as pa

    for place, name in enumerate(table.column_names):
        column = table[name].combine_chunks()
        if pa.types.is_dictionary(column.type) and len(column):
            indices = column.indices
            used = np.unique(indices.drop_null().to_numpy())
            if len(used) < len(column.dictionary):
                renamed = np.searchsorted(used, indices.fill_null(0).to_numpy()).astype(np.int32)
                own = pa.array(renamed, mask=indices.is_null().to_numpy(zero_copy_only=False))
                column = pa.DictionaryArray.from_arrays(own, column.dictionary.take(pa.array(used)))
        table = table.set_column(place, name, column)
    return table
