"""An export as a Parquet file: a row a cell, its items as lists, and what cells share stored once.

`cell` is JSON of what of a cell has no column of its own, `beside` of what an export says beside it. Hashes are bytes
where they are hexadecimal. `items_of` is the place of the first cell with the same items and inputs, which alone has
them. Outputs are null where they equal the inputs, notes where there is none and seconds where none is known. The first
row has what is of the whole export: its schema, all pictures, and the text of plug-ins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from ..text.json_values import parsed
from .cell import SCHEMA
from .cell_json import plain_values
from .record import Record
from .seals import public_cell, seal_of

MAGIC = b"PAR1"
"""What a Parquet file begins with."""
_FORMAT = "noisebench_export"
"""The column that such a file is known by, which has the schema of its cells."""
_LARGEST, _SMALL, _DENSEST = 1 << 31, 64 << 20, 500
"""Bytes that any file may unpack to, that any small one may, and how many a byte of a larger one."""
_LEVEL, _PAGE = 19, 1 << 26
"""Of compression; and bytes of a page, of which each is compressed by itself."""
_TEXTS = ("kind", "track", "outcome")
_SCORE = "score."
_HEX = re.compile("[0-9a-f]{64}")

Floats = npt.NDArray[np.float64]


class ExportColumns(TypedDict):
    """The rows of a cell by column."""

    items: list[str]
    input_sha256: list[str]
    output_sha256: list[str]
    notes: list[str]
    seconds: Floats
    scores: dict[str, Floats]


def columns_of(record: Record) -> ExportColumns:
    """The rows of a record, as many as it has items."""
    count = len(record.items)
    return {
        "items": record.items,
        "input_sha256": record.input_sha256[:count],
        "output_sha256": list(record.output_sha256)[:count],
        "notes": record.notes[:count],
        "seconds": record.seconds[:count],
        "scores": {name: values[:count] for name, values in record.scores.items()},
    }


def most_bytes(size: int) -> int:
    """How many bytes a compressed export of a size may hold."""
    return min(max(_SMALL, _DENSEST * size), _LARGEST)


def parquet_bytes(
    records: Sequence[Record], besides: Sequence[Mapping[str, Any]], pictures: list[bytes], plugins: dict[str, str]
) -> bytes:
    """The file of an export: what is equal gives equal bytes, by one version of pyarrow. `besides` is what is said
    beside each record, `plugins` the text of plug-ins by place."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {**_cell_columns(records, besides), **_shared_columns(records)}
    texts = [*_TEXTS, "seed", "items_of"]
    plain: dict[str, str] = {}
    lists = {name: column for name, column in columns.items() if pa.types.is_list(column.type)}
    for name, column in lists.items():
        path = f"{name}.list.element"
        encoding = _encoding(column)
        if encoding is None:
            texts.append(path)
        else:
            plain[path] = encoding
    whole = {
        _FORMAT: pa.array([SCHEMA], pa.int64()),
        "plugin_files": pa.array([json.dumps(plugins, sort_keys=True)]),
        "pictures": pa.array([pictures], pa.list_(pa.binary())),
    }
    columns |= {name: pa.concat_arrays([first, pa.nulls(max(len(records) - 1, 0), first.type)])[: len(records)]
                for name, first in whole.items()}  # fmt: skip
    plain["pictures.list.element"] = "PLAIN"
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table(columns), sink, compression="zstd", compression_level=_LEVEL,
        use_dictionary=texts, column_encoding=plain, data_page_size=_PAGE, dictionary_pagesize_limit=_PAGE,
        row_group_size=max(len(records), 1), write_statistics=False, store_schema=False,
    )  # fmt: skip
    return bytes(sink.getvalue())


def _cell_columns(records: Sequence[Record], besides: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The columns of what a cell is, and of what an export says beside it."""
    import pyarrow as pa

    cells = [plain_values(public_cell(record.cell)) for record in records]
    columns = {
        "key": _hashes([cell["key"] for cell in cells]),
        "seal": _hashes([seal_of(record) for record in records]),
        "seed": pa.array([cell["seed"] for cell in cells], pa.int64()),
        **{name: pa.array([cell[name] for cell in cells], pa.string()) for name in _TEXTS},
    }
    rest = [{name: value for name, value in cell.items() if name not in columns} for cell in cells]
    columns["cell"] = pa.array([json.dumps(one, sort_keys=True) for one in rest], pa.string())
    columns["beside"] = pa.array([json.dumps(one, sort_keys=True) if one else None for one in besides], pa.string())
    return columns


def _shared_columns(records: Sequence[Record]) -> dict[str, Any]:
    """The rows of the cells as lists."""
    import pyarrow as pa

    rows = [columns_of(record) for record in records]
    place: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
    same = [place.setdefault((tuple(row["items"]), tuple(row["input_sha256"])), n) for n, row in enumerate(rows)]
    distinct = [row if first == n else None for n, (first, row) in enumerate(zip(same, rows, strict=True))]
    names = sorted({name for row in rows for name in row["scores"]})
    floats, texts = pa.list_(pa.float64()), pa.list_(pa.string())
    return {
        "metrics": pa.array([list(row["scores"]) for row in rows], texts),
        "items_of": pa.array(same, pa.int32()),
        "item": pa.array([row["items"] if row else None for row in distinct], texts),
        "input_sha256": _hash_lists([row["input_sha256"] if row else None for row in distinct]),
        "output_sha256": _hash_lists([None if row["output_sha256"] == row["input_sha256"] else row["output_sha256"]
                                      for row in rows]),
        "note": pa.array([row["notes"] if any(row["notes"]) else None for row in rows], texts),
        "seconds": pa.array([None if np.isnan(row["seconds"]).all() else row["seconds"] for row in rows], floats),
        **{_SCORE + name: pa.array([row["scores"].get(name) for row in rows], floats) for name in names},
    }  # fmt: skip


def _hashes(texts: Sequence[str]) -> Any:
    """Texts as bytes where all are SHA-256 or empty, which is null."""
    import pyarrow as pa

    if all(not text or _HEX.fullmatch(text) for text in texts):
        return pa.array([bytes.fromhex(text) if text else None for text in texts], pa.binary(32))
    return pa.array(texts, pa.string())


def _hash_lists(lists: Sequence[Sequence[str] | None]) -> Any:
    """Lists of texts as `_hashes` has them."""
    import pyarrow as pa

    values = _hashes([text for texts in lists for text in texts or ()])
    ends = np.cumsum([0, *(len(texts or ()) for texts in lists)])
    offsets = pa.array([None if texts is None else end for texts, end in zip([*lists, ()], ends.tolist(), strict=True)],
                       pa.int32())  # fmt: skip
    return pa.ListArray.from_arrays(offsets, values)


def _encoding(column: Any) -> str | None:
    """How the values of a list are stored, None by a dictionary: numbers as they pack smallest."""
    import pyarrow as pa

    values = column.flatten()
    if not pa.types.is_floating(values.type):
        repeated = values.null_count or len(values.unique()) <= len(values) // 2
        return None if repeated or not pa.types.is_fixed_size_binary(values.type) else "PLAIN"
    if len(values.unique()) <= len(values) // 8:
        return None
    data = values.to_numpy(zero_copy_only=False).astype("<f8")
    split = data.view(np.uint8).reshape(-1, 8).T
    sizes = {
        name: pa.compress(np.ascontiguousarray(part), "zstd", asbytes=True).__len__()
        for name, part in (("PLAIN", data), ("BYTE_STREAM_SPLIT", split))
    }
    return min(sizes, key=sizes.__getitem__)


def is_parquet_export(file: Any) -> bool:
    """Whether an open Parquet file is an export. Raises what Arrow raises for a damaged one."""
    import pyarrow.parquet as pq

    return _FORMAT in pq.read_schema(file).names


def read_parquet(data: bytes) -> dict[str, Any]:
    """The export that a file holds as JSON has it, with `columns` for the rows of a cell. Its cells are yet unchecked.
    Raises ValueError, KeyError, TypeError.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        if _FORMAT not in file.schema_arrow.names:
            raise ValueError(f"a Parquet file without the column {_FORMAT}")
        _refuse_large(file.metadata, len(data))
        table = file.read()
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"Parquet, and damaged: {error}") from None
    if not len(table):
        return {"noisebench_export": 0, "cells": [], "pictures": [], "plugins": {}}
    pictures = _list_column(table["pictures"]).flatten().to_pylist()
    if any(type(picture) is not bytes for picture in pictures):
        raise ValueError("`pictures` holds what is no picture")
    return {
        "noisebench_export": table[_FORMAT][0].as_py(),
        "cells": _entries(table),
        "pictures": pictures,
        "plugins": parsed(table["plugin_files"][0].as_py()),
    }


def _refuse_large(metadata: Any, size: int) -> None:
    most = most_bytes(size)
    groups = [metadata.row_group(n) for n in range(metadata.num_row_groups)]
    parts = [group.column(n) for group in groups for n in range(group.num_columns)]
    if sum(part.total_uncompressed_size for part in parts) > most or any(8 * part.num_values > most for part in parts):
        raise ValueError(f"Parquet, and larger than {most >> 20} MiB")


def _entries(table: Any) -> list[dict[str, Any]]:
    columns = {name: _texts(table[name]) for name in ("key", "seal", *_TEXTS)}
    entries = []
    for n, rows in enumerate(_rows(table)):
        cell = parsed(table["cell"][n].as_py())
        if not isinstance(cell, dict):
            raise ValueError(f"cell number {n + 1} is no mapping")
        cell |= {"seed": table["seed"][n].as_py(), **{name: columns[name][n] for name in ("key", *_TEXTS)}}
        beside = parsed(table["beside"][n].as_py() or "{}")
        entries.append({"panel": None, **beside, "cell": dict(sorted(cell.items())), "columns": rows,
                        "seal": columns["seal"][n]})  # fmt: skip
    return entries


def _rows(table: Any) -> list[ExportColumns]:
    """The rows of each cell. Raises ValueError where its columns are of different lengths."""
    names = table["metrics"].to_pylist()
    same = table["items_of"].to_pylist()
    texts = {name: _lists(table[name]) for name in ("item", "input_sha256", "output_sha256", "note")}
    floats = {n: _lists(table[n]) for n in table.column_names if n == "seconds" or n.startswith(_SCORE)}
    rows: list[ExportColumns] = []
    for n in range(len(table)):
        first = same[n]
        if type(first) is not int or not 0 <= first <= n:
            raise ValueError("`items_of` names a cell that is not before it")
        items, inputs = texts["item"][first], texts["input_sha256"][first]
        count = len(items or ())
        outputs, notes, seconds = texts["output_sha256"][n], texts["note"][n], floats["seconds"][n]
        scores = {name: floats[_SCORE + name][n] for name in names[n]}
        columns: ExportColumns = {
            "items": items,
            "input_sha256": inputs,
            "output_sha256": inputs if outputs is None else outputs,
            "notes": [""] * count if notes is None else notes,
            "seconds": np.full(count, np.nan) if seconds is None else seconds,
            "scores": scores,
        }
        texts_of = (items, inputs, columns["output_sha256"], columns["notes"])
        if any(column is None or len(column) != count for column in (*texts_of, columns["seconds"], *scores.values())):
            raise ValueError(f"cell number {n + 1} has columns of different lengths")
        if len(scores) != len(names[n]):
            raise ValueError(f"cell number {n + 1}: `metrics` lists one twice")
        rows.append(columns)
    return rows


def _texts(column: Any) -> list[str]:
    """A column of texts or of hashes as text; null is the empty one. Raises ValueError for another type."""
    import pyarrow as pa

    whole = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    values = whole.to_pylist()
    if pa.types.is_fixed_size_binary(whole.type):
        return ["" if value is None else value.hex() for value in values]
    if not pa.types.is_string(whole.type):
        raise ValueError(f"a column of texts is of {whole.type}")
    return ["" if value is None else value for value in values]


def _list_column(column: Any) -> Any:
    """A column of lists in one piece. Raises ValueError for another."""
    import pyarrow as pa

    whole = column.combine_chunks()
    if not pa.types.is_list(whole.type):
        raise ValueError(f"a column of lists is of {whole.type}")
    return whole


def _lists(column: Any) -> list[Any]:
    """The lists of a column, None where one is null: of texts, or of numbers as an array."""
    import pyarrow as pa

    whole = _list_column(column)
    values, ends = whole.flatten(), np.cumsum([0, *(n or 0 for n in whole.value_lengths().to_pylist())]).tolist()
    flat: Any
    if pa.types.is_float64(whole.type.value_type):
        flat = values.to_numpy(zero_copy_only=False).astype(np.float64)
    else:
        flat = _texts(values)
    return [flat[ends[n] : ends[n + 1]] if valid else None for n, valid in enumerate(whole.is_valid().to_pylist())]
