"""The file of an index: two tables behind a head that has the hash of each. What is damaged counts as not there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..data.disk import locked, open_regular
from ..text.json_values import parsed
from .index_columns import FIRST, Tables

_FORMAT = 5
_HEAD = 512


def _file(store: Path) -> Path:
    return store / "index" / "cells.arrow"


def _maker() -> str:
    from .. import __version__

    return f"{_FORMAT} of noisebench {__version__}"


def read_tables(store: Path, rows: bool) -> Tables | None:
    """The tables of the file, None where there is none that can be used."""
    import pyarrow as pa

    try:
        with open_regular(_file(store)) as file:
            head = parsed(file.read(_HEAD))
            if head["made_by"] != _maker():
                return None
            cells = _table(file, head["cells"])
            if list(cells.column_names[: len(FIRST)]) != list(FIRST):
                return None
            return Tables(cells, _table(file, head["rows"]) if rows else None)
    except (OSError, ValueError, KeyError, TypeError, MemoryError, pa.ArrowException):
        return None


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


def write_tables(store: Path, tables: Tables) -> None:
    """Write the file, whole or not at all, where the store takes one."""
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
