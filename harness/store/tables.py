"""Stored cells as two Arrow tables, a row a cell and a row an item, and back as typed objects.

`cells` has a column for what cells are told apart and looked up by, and beside these each part of a cell as JSON, such
as `cell.method` and `cell.inputs.seed`, each distinct one once; a part that a cell lacks is null. `items` has the place
of its cell (`cell`), and the scores as `score.psnr`. Its rows lie in the order of the cells.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, repeat
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec.structs import force_setattr

from .arrow_arrays import number_array, numbers, text_array, valid, whole_column
from .cell import Cell, Request
from .cell_json import plain_values, written_fields
from .record import Record

S = TypeVar("S", bound=msgspec.Struct)
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
COLUMNS: Mapping[str, Callable[[Record], Any]] = {
    "key": lambda record: record.cell.key,
    "kind": lambda record: record.cell.kind,
    "track": lambda record: record.cell.track,
    "method": lambda record: record.cell.method.display,
    "dataset": lambda record: record.cell.dataset.display,
    "regime": lambda record: record.cell.regime.display,
    "protocol": lambda record: record.cell.protocol.display,
    "seed": lambda record: record.cell.seed,
    "outcome": lambda record: record.cell.outcome,
    "method_spec": lambda record: record.cell.method.spec,
    "dataset_spec": lambda record: record.cell.dataset.spec,
    "regime_spec": lambda record: record.cell.regime.spec,
    "protocol_spec": lambda record: record.cell.protocol.spec,
    "source_sha256": lambda record: record.cell.method.source_sha256,
    "fingerprint": lambda record: record.cell.dataset.fingerprint,
    "schema": lambda record: record.cell.schema,
    "asked": lambda record: record.asked,
    "seal": lambda record: record.seal,
}
"""The typed columns of the table of cells: texts, but for the seed and the schema."""
_WHOLE, _UNSHARED = ("seed", "schema"), ("key", "seal", "asked")
_LATE = ("seal", "asked")
"""Columns of long texts that few verbs look at."""
_EXACT = ("key", "kind", "track", "seed", "outcome", "schema")
"""Fields of a cell that are as they are in the column of their name; all others are JSON."""
_SPLIT = ("inputs", "request")
"""Parts of a cell that differ from cell to cell, and are made of parts that do not."""
_TEXTS = {"item": "items", "input_sha256": "input_sha256", "note": "notes"}
"""Columns of items that many cells have alike, and what a record calls them."""
_AT_ONCE = 10_000
PART, SCORE = "cell.", "score."
_ABSENT: Any = object()
_FIELDS = msgspec.structs.fields(Cell)
_TYPES: dict[str, Any] = {
    **{PART + field.name: field.type for field in _FIELDS},
    **{f"{PART}request.{field.name}": field.type for field in msgspec.structs.fields(Request)},
}
"""What each part of a cell is; those of its inputs are plain values."""
_DEFAULTS = {
    field.name: None if field.required else field.default if field.default_factory is msgspec.NODEFAULT
    else field.default_factory()
    for field in _FIELDS
}  # fmt: skip


@dataclass(frozen=True)
class CellTables:
    """The table of cells and that of their items, which is None where nobody asked for it."""

    cells: Any
    items: Any

    @cached_property
    def ends(self) -> Places:
        """Where the items of each cell begin, and of the last where they end."""
        places: Places = np.searchsorted(numbers(self.items["cell"]), np.arange(len(self.cells) + 1))
        return places

    def take(self, places: Places) -> CellTables:
        """The cells of some places, in that order, with their items."""

        if len(places) == len(self.cells) and (np.diff(places) == 1).all():
            return self
        cells = self.cells.take(number_array(places))
        if self.items is None:
            return CellTables(cells, None)
        counts = np.diff(self.ends)[places]
        rows = np.arange(counts.sum()) + np.repeat(self.ends[places] - np.cumsum(counts) + counts, counts)
        owners = number_array(np.repeat(np.arange(len(places), dtype=np.int32), counts))
        items = self.items.take(number_array(rows))
        return CellTables(cells, items.set_column(0, "cell", owners))


def tables_of(records: Sequence[Record], more: Mapping[str, Any] | None = None) -> CellTables:
    """The tables of records; `more` are further columns of the table of cells."""
    import pyarrow as pa

    parts: dict[str, list[str | None]] = defaultdict(lambda: [None] * len(records))
    for number, record in enumerate(records):
        for name, part in _parts(record.cell):
            parts[PART + name][number] = json.dumps(part, default=plain_values)
    cells = {name: _column(name, list(map(of, records))) for name, of in COLUMNS.items()}
    cells |= {**(more or {}), **{name: _shared(parts[name]) for name in sorted(parts)}}
    counts = [len(record.items) for record in records]
    items = {
        "cell": number_array(np.repeat(np.arange(len(records), dtype=np.int32), counts)),
        **{
            name: _shared([text for r in records for text in getattr(r, attribute)])
            for name, attribute in _TEXTS.items()
        },
        "output_sha256": text_array([text for r in records for text in r.output_sha256], pa.large_string()),
        "seconds": _floats([record.seconds for record in records], counts),
    }
    for name in sorted({name for record in records for name in record.scores}):
        items[SCORE + name] = _floats([record.scores.get(name) for record in records], counts)
    return CellTables(pa.table(cells), pa.table(items))


def _parts(cell: Cell) -> Iterator[tuple[str, Any]]:
    """The parts of a cell that have no typed column, by name."""
    for name, value in written_fields(cell).items():
        if name in _SPLIT:
            for inner, part in (value if name == "inputs" else written_fields(value)).items():
                yield f"{name}.{inner}", part
        elif name not in _EXACT:
            yield name, value


def _column(name: str, values: Sequence[Any]) -> Any:
    if name in _WHOLE:
        return number_array(np.array(values, np.int64))
    return text_array(values) if name in _UNSHARED else _shared(values)


def _shared(texts: Sequence[str | None]) -> Any:
    """Texts of which each distinct one is stored once."""
    import pyarrow as pa

    return text_array(texts, pa.large_string()).dictionary_encode()


def _floats(parts: Sequence[npt.NDArray[np.float64] | None], counts: Sequence[int]) -> Any:
    """Numbers of each cell one after the other; null where a cell has none."""
    known = np.repeat([part is not None for part in parts], counts)
    values = [np.zeros(n) if part is None else part for part, n in zip(parts, counts, strict=True)]
    return number_array(np.concatenate([np.empty(0), *values]), known.astype(bool))


def joined(parts: Sequence[CellTables]) -> CellTables:
    """CellTables as one, in the order of keys; without items where a part has none."""
    import pyarrow as pa

    def join(tables: list[Any]) -> Any:
        return pa.concat_tables(tables, promote_options="default").unify_dictionaries().combine_chunks()

    items = None
    if all(part.items is not None for part in parts):
        starts = np.cumsum([0, *(len(part.cells) for part in parts)])
        moved = [
            part.items.set_column(0, "cell", number_array((numbers(part.items["cell"]) + start).astype(np.int32)))
            for part, start in zip(parts, starts.tolist(), strict=False)
        ]
        items = join(moved)
    whole = CellTables(join([part.cells for part in parts]), items)
    keys = np.array(whole.cells["key"].to_pylist(), "S64")
    return whole if (keys[:-1] <= keys[1:]).all() else whole.take(np.argsort(keys, kind="stable"))


class CellColumns:
    """The parts of the cells of a table, each distinct one made once: cells share them, so that none may be changed."""

    def __init__(self, table: Any) -> None:
        self._count = len(table)
        self._known = {
            name: _coded(name, whole_column(table[name]))
            for name in table.column_names
            if name != "stamp" and name not in _LATE
        }
        self._late = {name: _copied(table[name]) for name in _LATE if name in table.column_names}

    def coded(self, name: str) -> tuple[list[Any], npt.NDArray[np.signedinteger[Any]]]:
        """The distinct values of a column, and which one each cell has: the last one, as -1, where it has none."""
        if name in self._late:
            self._known[name] = _coded(name, self._late.pop(name))
        return self._known.get(name) or ([None], np.zeros(self._count, np.int8))

    def cells(self, places: Places) -> list[Cell]:
        """The cells of some places."""
        names = [name.removeprefix(PART) for name in self._known if name.startswith(PART)]
        columns = self._picked({name: name if name in _EXACT else PART + name for name in
                                (*_EXACT, *(name for name in names if "." not in name))}, places)  # fmt: skip
        for field in _SPLIT:
            inner = {n.removeprefix(f"{field}."): PART + n for n in names if n.startswith(f"{field}.")}
            if picked := self._picked(inner, places):
                gaps = any((self.coded(inner[name])[1][places] < 0).any() for name in picked)
                if field == "request" and not gaps:
                    columns[field] = copies(Request, picked, len(places))
                else:
                    columns[field] = _row_dicts(picked, len(places), gaps)
        if isinstance(requests := columns.get("request"), Iterator):
            columns["request"] = (Request(**one) if isinstance(one, dict) and one else one or None for one in requests)
        return list(copies(Cell, columns, len(places)))

    def _picked(self, columns: Mapping[str, str], places: Places) -> dict[str, Iterable[Any]]:
        """By name the values of columns at some places, without the parts that none of the cells has."""
        picked: dict[str, Iterable[Any]] = {}
        for name, column in columns.items():
            values, codes = self.coded(column)
            chosen = codes[places]
            if (chosen == chosen[0]).all():
                if chosen[0] >= 0:
                    picked[name] = repeat(values[chosen[0]], len(chosen))
            else:
                picked[name] = [values[code] for code in chosen.tolist()]
        return picked


def _copied(column: Any) -> Any:
    """A column of texts in one piece that does not hold its table."""
    return whole_column(column).take(number_array(np.arange(len(column))))


def _coded(name: str, column: Any) -> tuple[list[Any], npt.NDArray[np.signedinteger[Any]]]:
    """The distinct values of a column, and which one each place has; nothing that holds the table."""
    import pyarrow as pa

    if pa.types.is_integer(column.type):
        distinct, codes = np.unique(numbers(column), return_inverse=True)
        return distinct.tolist(), codes.astype(np.int32)
    if not pa.types.is_dictionary(column.type):
        values = column.to_pylist()
        return values, np.arange(len(values), dtype=np.int32)
    codes = _codes(column.indices)
    if name in COLUMNS:
        values = column.dictionary.to_pylist()
    else:
        absent = _DEFAULTS.get(name.removeprefix(PART), _ABSENT)
        values = [*_decoded(column.dictionary, _TYPES.get(name, Any)), absent]
    return values, codes.astype(np.min_scalar_type(-1 - len(values)))


def cells_in(tables: CellTables) -> Iterator[Cell]:
    """The cells of tables, in their order; what is equal in several is one object."""
    columns, count = CellColumns(tables.cells), len(tables.cells)
    # Some at a time: of a million cells the columns take as much as what is made of them.
    for start in range(0, count, _AT_ONCE):
        yield from columns.cells(np.arange(start, min(start + _AT_ONCE, count)))


class ItemColumns:
    """The rows of the cells of tables: lists that cells have alike are one object, numbers are those of the table."""

    def __init__(self, tables: CellTables) -> None:
        self._bounds = tables.ends
        self._ends = tables.ends.tolist()
        self._texts = {
            name: (column.dictionary.to_pylist(), numbers(column.indices), dict[bytes, list[str]]())
            for name in _TEXTS
            for column in (whole_column(tables.items[name]),)
        }
        self._outputs = whole_column(tables.items["output_sha256"])
        self._numbers = {
            name: numbers(tables.items[name], np.float64)
            for name in tables.items.column_names
            if name == "seconds" or name.startswith(SCORE)
        }

    def places(self) -> tuple[Places, Places, Places]:
        """Of each cell its first row, the number of its rows, and which of the distinct lists of items and inputs it
        has."""
        (_, items, _), (_, inputs, _) = self._texts["item"], self._texts["input_sha256"]
        lists: dict[bytes, int] = {}
        list_of = np.empty(len(self._ends) - 1, np.int64)
        for place, (start, end) in enumerate(pairwise(self._ends)):
            pattern = items[start:end].tobytes() + inputs[start:end].tobytes()
            list_of[place] = lists.setdefault(pattern, len(lists))
        return self._bounds[:-1], np.diff(self._bounds), list_of

    def notes(self) -> list[str]:
        """Every note that a row has, each once."""
        notes: list[str] = self._texts["note"][0]
        return notes

    def metrics(self) -> list[str]:
        """The metrics that any cell has."""
        return [name.removeprefix(SCORE) for name in self._numbers if name.startswith(SCORE)]

    def scores(self, metric: str) -> Floats | None:
        """The scores of all rows; of cells that lack the metric they may be any. None where no cell has it."""
        return self._numbers.get(SCORE + metric)

    def columns(self, place: int, metrics: Iterable[str]) -> dict[str, Any]:
        """The rows of a cell, by what a record calls its columns."""
        rows = slice(self._ends[place], self._ends[place + 1])
        columns: dict[str, Any] = {}
        for name, (values, codes, known) in self._texts.items():
            pattern = codes[rows].tobytes()
            if pattern not in known:
                known[pattern] = [values[code] for code in codes[rows].tolist()]
            columns[_TEXTS[name]] = known[pattern]
        columns["output_sha256"] = Hashes(self._outputs, self._ends, place)
        columns["seconds"] = self._numbers["seconds"][rows]
        columns["scores"] = {metric: self._numbers[SCORE + metric][rows] for metric in metrics}
        return columns


class Hashes(Sequence[str]):
    """Hashes of a column as text, which are read when they are asked for: few verbs look at all outputs."""

    __slots__ = ("_cell", "_column", "_ends")

    def __init__(self, column: Any, ends: Sequence[int], cell: int) -> None:
        self._column, self._ends, self._cell = column, ends, cell

    def __len__(self) -> int:
        return self._ends[self._cell + 1] - self._ends[self._cell]

    def __getitem__(self, place: Any) -> Any:
        return self._column[self._ends[self._cell] : self._ends[self._cell + 1]].to_pylist()[place]

    def __iter__(self) -> Iterator[str]:
        return iter(self[:])

    def __eq__(self, other: object) -> bool:
        return bool(self[:] == (other[:] if isinstance(other, Hashes) else other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self[:])


def _codes(indices: Any) -> npt.NDArray[Any]:
    """Which of its distinct values each place of a column has; -1 where it has none."""
    codes = numbers(indices)
    if not indices.null_count:
        return codes
    return np.where(valid(indices), codes, -1)


def _decoded(column: Any, kind: Any) -> list[Any]:
    """The values of a column of JSON."""
    text = f"[{','.join(column.to_pylist())}]"
    try:
        return msgspec.json.decode(text, type=list[kind])
    except msgspec.MsgspecError:  # JSON as Python has it, such as NaN
        return msgspec.convert(json.loads(text), list[kind])


def _rows(columns: Mapping[str, Iterable[Any]], count: int) -> tuple[dict[str, Any], list[str], Iterator[Any]]:
    """What columns have alike in all rows, the names of the others, and their values in each row."""
    fixed = {name: next(values) for name, values in columns.items() if isinstance(values, repeat)}
    others = {name: values for name, values in columns.items() if name not in fixed}
    return fixed, list(others), zip(*others.values(), strict=True) if others else repeat((), count)


def copies(kind: type[S], columns: Mapping[str, Iterable[Any]], count: int) -> Iterator[S]:
    """Objects of columns: a copy of the first takes a fourth of the time of another one."""
    fixed, names, rows = _rows(columns, count)
    first: Any = None
    for row in rows:
        if first is None:
            first = kind(**fixed, **dict(zip(names, row, strict=True)))
        one = first.__copy__()
        for name, value in zip(names, row, strict=True):
            force_setattr(one, name, value)
        yield one


def _row_dicts(columns: Mapping[str, Iterable[Any]], count: int, gaps: bool) -> Iterator[dict[str, Any]]:
    """A dict of what is there of each row, of which some lack something where there are `gaps`.

    Those of objects of one class share their names: a third of the memory.
    """
    fixed, names, rows = _rows(columns, count)
    shared, pairs = type("Shared", (), {}), [(name, fixed.get(name)) for name in columns]
    for row in rows:
        fields: dict[str, Any] = shared().__dict__
        fields.update(pairs)
        fields.update(zip(names, row, strict=True))
        for name in [name for name, part in fields.items() if part is _ABSENT] if gaps else ():
            del fields[name]
        yield fields
