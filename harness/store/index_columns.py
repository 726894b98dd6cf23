"""Records as the columns of tables, parts as JSON, each distinct one once, and back.

Records that come back share their parts, so that nobody may change one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import msgspec
import numpy as np
import numpy.typing as npt

from .cell import Cell, Request, plain_values, written_fields
from .cells import cell_dir
from .mistakes import read_mistakes
from .previews import read_panel
from .record import Record
from .seals import why_edited

Stamps = npt.NDArray[np.int64]
"""Numbers that tell the version of each cell, a row each."""
FIRST = ("key", "stamp", "seal", "asked", "panel", "mistakes", "keyed", "shape")
"""The columns of the table of cells that are no parts of a cell."""
_AT_ONCE = 10_000
_SPLIT = ("inputs", "request")
"""Parts of a cell that differ from cell to cell, and are made of parts that do not."""
_TYPES: dict[str, Any] = {
    **{field.name: field.type for field in msgspec.structs.fields(Cell)},
    **{f"request.{field.name}": field.type for field in msgspec.structs.fields(Request)},
}
"""What each part of a cell is; those of its inputs are plain values."""


@dataclass(frozen=True)
class Tables:
    """A row a cell: what `cell.json` has, and what `scores.parquet` has, which is None where nobody asked for it."""

    cells: Any
    rows: Any


def is_usual(record: Record) -> bool:
    """Whether the rows have the types that a run writes: a column of something else is not in JSON."""
    columns = (record.items, record.input_sha256, record.output_sha256, record.notes)
    return record.seconds.dtype == np.float64 and all(isinstance(t, str) for column in columns for t in column)


def joined(parts: Sequence[Tables], *, rows: bool) -> Tables:
    """Tables as one, in the order of keys."""
    import pyarrow as pa

    def join(tables: list[Any]) -> Any:
        return pa.concat_tables(tables, promote_options="default").unify_dictionaries()

    cells = join([part.cells for part in parts])
    order = pa.array(np.argsort(np.array(cells["key"].to_pylist(), "S64"), kind="stable"))
    return Tables(cells.take(order), join([part.rows for part in parts]).take(order) if rows else None)


def encoded(records: Sequence[Record], stamps: Stamps) -> Tables:
    """Records as tables: parts as JSON, each distinct one once."""
    import pyarrow as pa

    columns: dict[str, list[str | None]] = {}
    shapes: list[str] = []
    for number, record in enumerate(records):
        shape: list[tuple[str, list[str] | None]] = []
        for name, value in written_fields(record.cell).items():
            parts = value if name == "inputs" else written_fields(value) if name == "request" else None
            shape.append((name, None if parts is None else list(parts)))
            if name == "key":
                continue
            for path, part in (
                [((name,), value)] if parts is None else [((name, own), one) for own, one in parts.items()]
            ):
                column = columns.setdefault(json.dumps(path), [])
                column.extend([None] * (number - len(column)))
                column.append(json.dumps(part, default=plain_values))
        shapes.append(json.dumps(shape))
    for column in columns.values():
        column.extend([None] * (len(records) - len(column)))
    cells = {
        "key": pa.array([record.cell.key for record in records], pa.string()),
        "stamp": stamp_column(stamps),
        "seal": pa.array([record.seal for record in records], pa.string()),
        "asked": pa.array([record.asked for record in records], pa.string()),
        "panel": pa.array([record.panel is not None for record in records], pa.bool_()),
        "mistakes": pa.array([record.mistakes is not None for record in records], pa.bool_()),
        "keyed": pa.array([why_edited(record) is None for record in records], pa.bool_()),
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
    return Tables(pa.table(cells), pa.table(rows))


_SHARED = ("items", "input_sha256", "notes")
"""Columns of a record that many cells have alike."""


def _dictionary(texts: Sequence[str | None]) -> Any:
    import pyarrow as pa

    return pa.array(texts, pa.large_string()).dictionary_encode()


def stamp_column(stamps: Stamps) -> Any:
    """Numbers (cells, n) as a column."""
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(stamps).reshape(-1)), stamps.shape[1])


def numbers(column: Any) -> Stamps:
    """Back from `stamp_column`."""
    values = column.flatten()
    # `to_numpy` would import pandas first, which takes longer than all else of a small store.
    return np.frombuffer(values.buffers()[1], np.int64, len(values), values.offset * 8).reshape(
        len(column), column.type.list_size
    )


def records_of(store: Path, tables: Tables, rows: bool, noted: Mapping[str, str]) -> Iterator[Record]:
    """The records of tables; what is equal in several is one object. `noted` is what `asked_in` says of the store."""
    table = tables.cells
    cells = cells_of(table)
    seals = table["seal"].to_pylist()
    beside = zip(cells, table["asked"].to_pylist(), strict=True)
    asked = [max(stored, noted.get(cell.key, "")) for cell, stored in beside]
    if not rows or not cells:
        for cell, seal, when in zip(cells, seals, asked, strict=True):
            yield Record(cell, seal=seal, whole=True, asked=when)
        return
    items, inputs, notes = (_objects(tables.rows[name]) for name in _SHARED)
    panels, mistakes, keyed = (table[name].to_pylist() for name in ("panel", "mistakes", "keyed"))
    outputs = tables.rows["output_sha256"].combine_chunks()
    _, offsets, data = tables.rows["numbers"].combine_chunks().buffers()
    ends, values = np.frombuffer(offsets, np.int64) // 8, np.frombuffer(data or b"", "<f8")
    for n, cell in enumerate(cells):
        own = values[ends[n] : ends[n + 1]].reshape(1 + len(cell.metrics), len(items[n]))
        yield Record(
            cell,
            items[n],
            inputs[n],
            _Texts(outputs, n),
            notes[n],
            own[0],
            dict(zip(cell.metrics, own[1:], strict=True)),
            read_panel(cell_dir(store, cell.key) / "panel.json") if panels[n] else None,
            seals[n],
            True,
            asked[n],
            mistakes=read_mistakes(cell_dir(store, cell.key) / "mistakes.json", items[n]) if mistakes[n] else None,
            keyed=keyed[n],
        )


def cells_of(table: Any) -> list[Cell]:
    """The cells of a table, in its order; what is equal in several is one object."""
    if not len(table):
        return []
    shapes = table["shape"].combine_chunks()
    texts, which = shapes.dictionary.to_pylist(), _codes(shapes)
    made: list[Any] = [None] * len(table)
    for number in np.unique(which):
        places = np.flatnonzero(which == number)
        own = table if len(places) == len(table) else table.take(places)
        for place, cell in zip(places.tolist(), _of_one_shape(own, json.loads(texts[number])), strict=True):
            made[place] = cell
    return made


def _of_one_shape(table: Any, shape: Sequence[tuple[str, Sequence[str] | None]]) -> Iterator[Cell]:
    """The cells of a table that all have these parts, and of some parts these ones."""
    names = [name for name, _ in shape]
    paths = [[(name,)] if inner is None else [(name, part) for part in inner] for name, inner in shape]
    decoded = [[_decoded(table, path) for path in own] for own in paths]
    # Some at a time: of a million cells the columns take as much as what is made of them.
    for start in range(0, len(table), _AT_ONCE):
        rows, count = slice(start, start + _AT_ONCE), min(_AT_ONCE, len(table) - start)
        parts: list[Iterable[Any]] = []
        for (name, inner), columns in zip(shape, decoded, strict=True):
            found = [column(rows) for column in columns]
            if inner is None:
                parts.append(found[0])
                continue
            own = _alike(inner, zip(*found, strict=True) if found else [()] * count)
            parts.append(own if name == "inputs" else (Request(**part) for part in own))
        for row in zip(*parts, strict=True):
            yield Cell(**dict(zip(names, row, strict=True)))


def _decoded(table: Any, path: tuple[str, ...]) -> Callable[[slice], list[Any]]:
    """What gives some values of a part, of which equal ones are one object."""
    if path == ("key",):
        keys: list[str] = table["key"].to_pylist()
        return keys.__getitem__
    column = table[json.dumps(path)].combine_chunks()
    values, codes = _values(column, _TYPES.get(".".join(path), Any)), _codes(column)
    return lambda rows: [values[code] for code in codes[rows].tolist()]


def _objects(column: Any) -> list[Any]:
    """The values of a column of JSON, each distinct one as one object."""
    whole = column.combine_chunks()
    values = _values(whole)
    return [values[code] for code in _codes(whole).tolist()]


def _values(column: Any, kind: Any = Any) -> list[Any]:
    """The distinct values of a column of JSON."""
    text = f"[{','.join(column.dictionary.to_pylist())}]"
    try:
        return msgspec.json.decode(text, type=list[kind])
    except msgspec.MsgspecError:  # JSON as Python has it, such as NaN
        return msgspec.convert(json.loads(text), list[kind])


def _codes(column: Any) -> npt.NDArray[np.signedinteger[Any]]:
    """Which of its distinct values each place of a column has; none is null."""
    indices = column.indices
    size = indices.type.bit_width // 8
    return np.frombuffer(indices.buffers()[1], f"i{size}", len(indices), indices.offset * size)


def _alike(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """A dict of each row, with these names. Those of objects of one class share their names: a third of the memory."""
    shared = type("Shared", (), {})
    for row in rows:
        made: dict[str, Any] = shared().__dict__
        made.update(zip(names, row, strict=True))
        yield made


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
