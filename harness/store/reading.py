"""Whole stores and exports, read as `Results`: from the index where a store has one, else cell by cell."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from ..spec.paths import is_meant
from ..text.errors import UsageError, one_line
from ..text.wording import counted
from .cell import Cell, NamedPart
from .cell_json import why_not_sound
from .cells import (
    AGAIN,
    Damaged,
    cell_dir,
    damaged_file,
    existing_store,
    is_genuine,
    keys,
    load_record,
    read_cell,
    seals_cells,
)
from .index import indexed
from .names import Names, named, names_of, read_names
from .record import Record
from .request_times import asked_in
from .results import Results
from .seals import why_seal_broken


def _read(path: Path) -> tuple[Results, list[Damaged]]:
    """All cells of a store, or of an export file, in the order of their keys, edited ones too; those that are damaged.

    Raises `UsageError` for what is neither.
    """
    if path.is_file():
        from .export import read_export

        return read_export(path), []
    store = existing_store(path)
    noted, every, names = asked_in(store), keys(store), read_names(store)
    from_index, sealed = indexed(store, every, rows=True, noted=noted, names=names), seals_cells(store)
    if from_index is not None and len(from_index) == len(every):
        return from_index, []
    place = {} if from_index is None else {key: n for n, key in enumerate(from_index.column("key"))}
    texts: dict[str, str] = {}

    def load(key: str) -> Record | Damaged:
        if from_index is not None and key in place:
            return from_index[place[key]]
        try:
            return named(load_record(store, key, noted, sealed=sealed), names)
        except Damaged as error:
            return error

    # Reading a file is mostly time outside of the interpreter's lock; a store has many.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        every_one = list(pool.map(load, every))
    records = [one for one in every_one if not isinstance(one, Damaged)]
    for record in records:
        if record.cell.key not in place:
            # All methods see the same items: one copy of each name and hash is a quarter of the memory.
            for column in (record.items, record.input_sha256, record.notes):
                column[:] = [texts.setdefault(text, text) for text in column]
    return Results.of(records), [one for one in every_one if isinstance(one, Damaged)]


def read_every(path: Path) -> Results:
    """All cells of a store or export, those that were edited by hand too. Raises `UsageError` for a damaged one."""
    records, damaged = _read(path)
    if damaged:
        raise damaged[0]
    return records


def read_genuine(path: Path) -> tuple[Results, list[str]]:
    """The cells of a store or export that can be read and hash to their seals, and a line for each other one.

    Raises `UsageError` for what is neither store nor export.
    """
    records, damaged = _read(path)
    if records.sealed:
        return records, [*map(str, damaged)]
    broken = list(map(why_seal_broken, records))
    edited = [f"cell {one_line(r.cell.key[:12])} was {why}" for r, why in zip(records, broken, strict=True) if why]
    genuine = records.take([place for place, why in enumerate(broken) if why is None]) if edited else records
    again = AGAIN if path.is_dir() else "export it again"
    return genuine, [*map(str, damaged), *(f"{one_line(path)}: {line}: {again}" for line in edited)]


def read_some(store: Path, wanted: Iterable[str]) -> Results:
    """The cells of these keys that are there, whole and as they were stored; no other cell is read."""
    sealed, names = seals_cells(store), read_names(store)
    records = []
    for key in wanted:
        with suppress(Damaged):
            records.append(named(load_record(store, key, sealed=sealed), names))
    return Results.of([record for record in records if why_seal_broken(record) is None])


def read_records(path: Path) -> Results:
    """All cells of a store or export. Raises `UsageError` for one that is damaged or was edited by hand."""
    genuine, aside = read_genuine(path)
    if aside:
        more = f" (and {counted(len(aside) - 1, 'more cell')})" if len(aside) > 1 else ""
        raise UsageError(aside[0] + more)
    return genuine


def read_listed(store: Path) -> tuple[Results, list[str]]:
    """Each stored cell that is whole, without its items, in the order of their keys, and a line for each other one."""
    every = keys(store)
    from_index, sealed = indexed(store, every, rows=False, noted={}), seals_cells(store)
    if from_index is not None and len(from_index) == len(every):
        return from_index, []
    place = {} if from_index is None else {key: n for n, key in enumerate(from_index.column("key"))}
    records, aside = [], []
    for key in every:
        if from_index is not None and key in place:
            records.append(from_index[place[key]])
            continue
        try:
            cell = read_cell(store, key)
            if not sealed and (why := why_not_sound(cell)):
                raise damaged_file(cell_dir(store, key) / "cell.json", why)
        except Damaged as error:
            aside.append(str(error))
            continue
        if is_genuine(store, key, sealed):
            records.append(Record(cell))
        else:
            aside.append(f"{one_line(store)}: cell {key[:12]} is damaged or was edited by hand: {AGAIN}")
    return Results.of(records), aside


def read_cells(store: Path) -> tuple[list[Cell], list[str]]:
    """`cell.json` of each of these."""
    results, aside = read_listed(store)
    return [*results.each_cell()], aside


def matching(cells: Iterable[Cell], text: str, names: Names | None = None) -> list[Cell]:
    """Cells whose key starts with `text`, or whose method, dataset or regime contains it, or is what it means.

    `names` are those of the store: a method or dataset whose name contains the text is meant too.
    """

    def named(part: NamedPart) -> bool:
        return text in part.display or text in part.name or is_meant(text, part.spec, part.display)

    return [
        c
        for c in cells
        if c.key.startswith(text)
        or any(map(named, (c.method, c.dataset, c.regime)))
        or any(text in name for name in names_of(c, names or {}).values())
    ]
