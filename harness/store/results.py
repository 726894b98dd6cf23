"""Stored cells as a table: what boards, gate, comparisons, claims and reports read, group and sort by column."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

import numpy as np
import numpy.typing as npt

from ..text.wording import by_number
from .cell import Cell
from .garbage_collection import no_collection
from .mistakes import read_mistakes
from .names import Names, named
from .previews import read_panel
from .record import Record
from .tables import COLUMNS, PART, CellColumns, CellTables, Floats, ItemColumns, Places, tables_of

if TYPE_CHECKING:
    import pyarrow

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
_AT_ONCE, _BESIDE = 2048, 64
"""Records that are made at a time, of those that are looked at one after the other, and of single ones."""
Coded = tuple[Sequence[Any], Places]
"""The distinct values of a column, and which one each cell has."""


@dataclass(frozen=True)
class ItemRows:
    """Where the items of each cell lie in the columns of scores: its first row, and how many there are.

    `lists` numbers the distinct lists of items and their inputs, `list_of` says which of them a cell has.
    """

    starts: Places
    counts: Places
    list_of: Places

    def take(self, places: Places) -> ItemRows:
        """Those of the cells at some places."""
        return ItemRows(self.starts[places], self.counts[places], self.list_of[places])


class Results(Sequence[Record]):
    """Cells with their items, immutable: tables of Arrow, of which each cell is a typed view.

    What of a cell or of its items is equal in several is one object, so that nobody may change one.
    """

    __slots__ = ("_places", "_source")

    def __init__(self, source: _Records | _Stored, places: Places | None = None) -> None:
        self._source = source
        self._places: Places = np.arange(source.count) if places is None else places

    @classmethod
    def of(cls, records: Iterable[Record]) -> Results:
        """Records as results; results as they are."""
        return records if isinstance(records, Results) else cls(_Records(list(records)))

    @classmethod
    def stored(cls, tables: CellTables, folder: Callable[[str], Path], names: Names) -> Results:
        """The cells of the index of a store: the `folder` of a key, and the names that the store shows cells under."""
        return cls(_Stored(tables, folder, names))

    @property
    def cells(self) -> pyarrow.Table:
        """A row a cell: `COLUMNS`, then each part of the cells as JSON."""
        return self._tables.cells

    @property
    def items(self) -> pyarrow.Table:
        """A row an item: the place of its cell in `cells`, its hashes, note and seconds, and each score."""
        return self._tables.items

    @property
    def _tables(self) -> CellTables:
        return tables_of([*self])

    @property
    def sealed(self) -> bool:
        """Whether all are of an index, which has only cells that hash to their seals."""
        return isinstance(self._source, _Stored)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> Results: ...
    def __getitem__(self, place: int | slice) -> Record | Results:
        if isinstance(place, slice):
            return Results(self._source, self._places[place])
        return self._source.record(int(self._places[place]))

    def __iter__(self) -> Iterator[Record]:
        for start in range(0, len(self._places), _AT_ONCE):
            yield from self._source.records(self._places[start : start + _AT_ONCE])

    def each_cell(self) -> Iterator[Cell]:
        """The cells, without their items."""
        for start in range(0, len(self._places), _AT_ONCE):
            yield from self._source.cells(self._places[start : start + _AT_ONCE])

    def __eq__(self, other: object) -> bool:
        return list(self) == (list(other) if isinstance(other, Results) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Results({len(self)} cells)"

    def let_go(self) -> None:
        """Hold the records of these cells no longer; one that is asked for again is made again."""
        self._source.let_go(self._places)

    def take(self, places: Sequence[int] | Places) -> Results:
        """The results at some places, in that order."""
        return Results(self._source, self._places[np.asarray(places, np.int64)])

    def coded(self, name: str) -> Coded:
        """Distinct values of a column or of a part of cells, and which one each cell has: -1 where it has none, or the
        last one. Parts that are equal may stand there twice."""
        values, codes = self._source.coded(name)
        return values, codes[self._places]

    def item_rows(self) -> ItemRows:
        """Where the items of each cell lie in the columns of scores."""
        return self._source.item_rows().take(self._places)

    def scores(self, metric: str) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """The scores of the items of all cells of the source, and which cells of these results have some there."""
        values, scored = self._source.scores(metric)
        return values, scored[self._places]

    def item_notes(self) -> Iterable[str]:
        """Every note of an item of the source, each once."""
        return self._source.item_notes()

    def names(self) -> Names:
        """The names that methods and datasets of the source are shown under; of several, that of the first key."""
        return self._source.names()

    def undefined(self) -> Results:
        """The cells with a score that is no number."""
        return self.take(np.flatnonzero(self._source.undefined()[self._places]))

    def column(self, name: str) -> list[Any]:
        """The value of a column, one of `COLUMNS`, of each cell."""
        values, codes = self._source.coded(name)
        return [values[code] for code in codes[self._places].tolist()]

    def distinct(self, name: str) -> list[Any]:
        """The values that a column, or a part of cells, has here: each once, as it is met."""
        values, codes = self._source.coded(name)
        return [values[code] for code in dict.fromkeys(codes[self._places].tolist())]

    def where(self, **wanted: Any) -> Results:
        """The results of which each of these columns has the value: `where(kind="score", outcome="ok")`."""
        kept = np.ones(len(self), np.bool_)
        for name, value in wanted.items():
            values, codes = self._source.coded(name)
            alike = np.fromiter((one == value for one in values), np.bool_, len(values))
            kept &= alike[codes[self._places]]
        return Results(self._source, self._places[kept])

    def each(self, of: Callable[[Cell], T], *parts: str) -> list[T]:
        """What a function makes of each cell; of cells with the same parts, which are all that it looks at, made once.

        Parts are columns, and fields of a cell as `cell.method` or `cell.inputs.weights`.
        """
        if not len(self):
            return []
        kinds, firsts = kinds_of([self.coded(name)[1] for name in parts])
        results = [of(cell) for cell in self._source.cells(self._places[firsts])]
        return [results[kind] for kind in kinds.tolist()]

    def in_reading_order(self) -> Results:
        """As a person reads them: by dataset, regime, method, protocol and seed; what belongs to costs comes last."""
        return Results(self._source, self._places[self._reading_order()])

    def _reading_order(self) -> Places:
        # Many cells have few names: each is compared with the others once, not in every cell. The first counts most.
        columns = [
            self._ranks("kind", lambda kind: kind != "score"),
            self._ranks("track"),
            *(self._ranks(name, by_number) for name in ("dataset", "regime", "method", "protocol")),
            self._ranks("seed"),
            self._ranks("key"),
        ]
        order: Places = np.lexsort(columns[::-1])
        return order

    def _ranks(self, name: str, order: Callable[[Any], Any] = lambda value: value) -> Places:
        """Where each value of a column stands among the distinct ones, by what `order` makes of them."""
        values, codes = self._source.coded(name)
        used, numbers = np.unique(codes[self._places], return_inverse=True)
        ordered = [order(values[code]) for code in used.tolist()]
        rank = {value: number for number, value in enumerate(sorted(dict.fromkeys(ordered)))}
        places: Places = np.array([rank[value] for value in ordered], np.int64)[numbers]
        return places

    def grouped(self, labels: Iterable[K]) -> dict[K, Results]:
        """The results of each label, of labels of each cell: in the order in which they are met."""
        groups: dict[K, list[int]] = {}
        for place, label in enumerate(labels):
            groups.setdefault(label, []).append(place)
        return {label: self.take(places) for label, places in groups.items()}


def kinds_of(columns: Sequence[npt.NDArray[np.signedinteger[Any]]]) -> tuple[Places, Places]:
    """Columns of codes as one: the kind of each place, and the first place of each kind. No column is empty."""
    kinds = np.zeros(len(columns[0]), np.int64)
    for codes in columns:
        if (codes != codes[0]).any():
            _, kinds = np.unique(kinds * (int(codes.max()) + 2) + codes + 1, return_inverse=True)
    _, firsts = np.unique(kinds, return_index=True)
    return kinds, firsts


def in_order(things: Sequence[T], cells: Iterable[Cell]) -> list[T]:
    """What belongs to each of `cells`, in the order of `Results.in_reading_order`."""
    return [things[place] for place in Results.of(map(Record, cells))._reading_order().tolist()]


class _Records:
    """Cells that are there as records: their tables are made where they are asked for."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self.count = len(records)
        self._known: dict[str, Coded] = {}
        self._rows: ItemRows | None = None
        self._scores: dict[str, tuple[Floats, npt.NDArray[np.bool_]]] = {}

    def coded(self, name: str) -> Coded:
        if name not in self._known:
            values: list[Any] = []
            codes: dict[Hashable, int] = {}
            places = np.empty(self.count, np.int64)
            for place, record in enumerate(self._records):
                value = COLUMNS[name](record) if name in COLUMNS else _part(record.cell, name)
                # Parts are told apart as objects: each is that of a record which is held here.
                code = codes.setdefault(
                    (type(value), value) if isinstance(value, str | int) else id(value), len(values)
                )
                places[place] = code
                if code == len(values):
                    values.append(value)
            self._known[name] = values, places
        return self._known[name]

    def item_rows(self) -> ItemRows:
        if self._rows is None:
            counts = np.array([len(record.items) for record in self._records], np.int64)
            lists: dict[Hashable, int] = {}
            kinds = ((tuple(record.items), tuple(record.input_sha256)) for record in self._records)
            list_of = np.fromiter((lists.setdefault(kind, len(lists)) for kind in kinds), np.int64, self.count)
            self._rows = ItemRows(np.cumsum(counts) - counts, counts, list_of)
        return self._rows

    def scores(self, metric: str) -> tuple[Floats, npt.NDArray[np.bool_]]:
        if metric not in self._scores:
            parts = [(len(record.items), record.scores.get(metric)) for record in self._records]
            scored = np.array([part is not None and len(part) == n for n, part in parts], np.bool_)
            values = [part if part is not None and len(part) == n else np.full(n, np.nan) for n, part in parts]
            self._scores[metric] = np.concatenate([np.empty(0), *values]), scored
        return self._scores[metric]

    def undefined(self) -> npt.NDArray[np.bool_]:
        ends = np.cumsum([sum(map(len, record.scores.values())) for record in self._records])
        scores = [values for record in self._records for values in record.scores.values()]
        return _owners(np.isnan(np.concatenate([np.empty(0), *scores])), ends)

    def item_notes(self) -> Iterable[str]:
        return {note for record in self._records for note in record.notes}

    def names(self) -> Names:
        names: Names = {}
        for record in sorted((one for one in self._records if one.names), key=lambda one: one.cell.key):
            specs = {"method": record.cell.method.spec, "dataset": record.cell.dataset.spec}
            for kind, name in record.names.items():
                names.setdefault(record.cell.track, {}).setdefault(kind, {}).setdefault(specs[kind], name)
        return names

    def cells(self, places: Places) -> list[Cell]:
        return [self._records[place].cell for place in places.tolist()]

    def record(self, place: int) -> Record:
        return self._records[place]

    def records(self, places: Places) -> list[Record]:
        return [self._records[place] for place in places.tolist()]

    def let_go(self, places: Places) -> None:
        """Nothing: they are what there is."""


def _owners(marked: npt.NDArray[np.bool_], ends: Places) -> npt.NDArray[np.bool_]:
    """Which cells have a marked row, of cells whose rows end at `ends`."""
    owners = np.zeros(len(ends), np.bool_)
    owners[np.searchsorted(ends, np.flatnonzero(marked), "right")] = True
    return owners


def _part(cell: Cell, name: str) -> Any:
    """A part of a cell, by the name of its column."""
    field, _, inner = name.removeprefix(PART).partition(".")
    value = getattr(cell, field)
    return value.get(inner) if inner else value


class _Stored:
    """Cells of tables: records are made of those that are asked for, once."""

    def __init__(self, tables: CellTables, folder: Callable[[str], Path], names: Names) -> None:
        self.count, self._folder, self._names = len(tables.cells), folder, names
        self._columns = CellColumns(tables.cells)
        self._items = None if tables.items is None else ItemColumns(tables)
        self._cached: list[Any] = [None] * self.count
        self._lock = RLock()
        self._rows: ItemRows | None = None

    def coded(self, name: str) -> tuple[Sequence[Any], Any]:
        return self._columns.coded(name)

    def item_rows(self) -> ItemRows:
        if self._rows is None:
            nothing = np.zeros(self.count, np.int64)
            self._rows = ItemRows(*(self._items.places() if self._items else (nothing, nothing, nothing)))
        return self._rows

    def scores(self, metric: str) -> tuple[Floats, npt.NDArray[np.bool_]]:
        values, codes = self.coded(f"{PART}metrics")
        named = np.array([bool(part) and metric in part for part in values], np.bool_)
        scores = None if self._items is None else self._items.scores(metric)
        return (np.empty(0), np.zeros(self.count, np.bool_)) if scores is None else (scores, named[codes])

    def undefined(self) -> npt.NDArray[np.bool_]:
        undefined, rows = np.zeros(self.count, np.bool_), self.item_rows()
        for metric in self._items.metrics() if self._items else ():
            values, scored = self.scores(metric)
            undefined |= _owners(np.isnan(values), rows.starts + rows.counts) & scored
        return undefined

    def item_notes(self) -> Iterable[str]:
        return () if self._items is None else self._items.notes()

    def names(self) -> Names:
        return self._names

    def cells(self, places: Places) -> list[Cell]:
        return self._columns.cells(places)

    def record(self, place: int) -> Record:
        if (record := self._cached[place]) is not None:
            return cast(Record, record)
        start = place - place % _BESIDE
        return self.records(np.arange(start, min(start + _BESIDE, self.count)))[place - start]

    def records(self, places: Places) -> list[Record]:
        wanted = places.tolist()
        records = [self._cached[place] for place in wanted]
        if all(record is not None for record in records):
            return records
        with self._lock, no_collection():
            lacking = [place for place in wanted if self._cached[place] is None]
            for place, record in zip(lacking, self._records(np.array(lacking)) if lacking else (), strict=True):
                self._cached[place] = record
            return [self._cached[place] for place in wanted]

    def let_go(self, places: Places) -> None:
        with self._lock:
            for place in places.tolist():
                self._cached[place] = None

    def _records(self, places: Places) -> Iterator[Record]:
        cells = self._columns.cells(places)
        seals, asked, panels, mistakes, keyed = (
            [values[code] for code in codes[places].tolist()]
            for values, codes in map(self.coded, ("seal", "asked", "panel", "mistakes", "keyed"))
        )
        for n, (place, cell) in enumerate(zip(places.tolist(), cells, strict=True)):
            if self._items is None:
                yield Record(cell, seal=seals[n], whole=True, asked=asked[n])
                continue
            columns, key = self._items.columns(place, cell.metrics), cell.key
            record = Record(
                cell, **columns, seal=seals[n], whole=True, asked=asked[n], keyed=keyed[n],
                panel=read_panel(self._folder(key) / "panel.json") if panels[n] else None,
                mistakes=read_mistakes(self._folder(key) / "mistakes.json", columns["items"]) if mistakes[n] else None,
            )  # fmt: skip
            yield named(record, self._names) if self._names else record
