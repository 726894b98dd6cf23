"""The portable form of a store: one file, JSON with a row a line or Parquet, without any path of the machine."""

from __future__ import annotations

import base64
import hashlib
import json
import lzma
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from ..data.disk import open_regular, write_named
from ..text.errors import UsageError, one_line
from ..text.json_values import parsed, plain
from .baseline_layout import MARK, VERSION, entries_of
from .cell import SCHEMA, Cell, Whole
from .cell_json import checked_cell, is_known, plain_values, why_not
from .mistakes import mistakes_of
from .names import why_no_names
from .parquet_export import MAGIC, Columns, Document, Entry, is_parquet_export, parquet_bytes, read_parquet
from .record import Mistake, Panel, Plugins, Record
from .results import Results

_PARTS = ("noisebench_export", "cells", "pictures")
_XZ, _LARGEST = b"\xfd7zXZ\0", 1 << 31
"""What a compressed file begins with, and how many bytes of text it may hold."""
_START = 4096
"""Bytes of a file that are looked at where it is only asked whether it is an export."""
_SMALL, _DENSEST = 64 << 20, 500
"""Bytes of text that any compressed file may hold, and how many a byte of a larger one: honest ones hold 30."""


def export_text(records: Iterable[Record]) -> str:
    """An export as text: equal records give equal text. Plug-ins are in it where the records carry them."""
    document = _document(records)
    lines = ["{", f' "noisebench_export": {SCHEMA},', ' "cells": [']
    for place, entry in enumerate(document["cells"]):
        lines.append("  {")
        lines.append(f'   "cell": {json.dumps(entry["cell"], sort_keys=True)},')
        lines.append(f'   "metrics": {json.dumps(list(entry["columns"]["scores"]))},')
        lines.append(f'   "panel": {json.dumps(entry["panel"])},')
        lines.append(f'   "seal": {json.dumps(entry["seal"])},')
        lines += [f'   "asked": {json.dumps(entry["asked"])},'] if entry["asked"] else []
        lines += [f'   "names": {json.dumps(entry["names"], sort_keys=True)},'] if entry["names"] else []
        lines += [f'   "plugins": {json.dumps(entry["plugins"])},'] if entry["plugins"] else []
        lines += [f'   "mistakes": {json.dumps(entry["mistakes"])},'] if entry["mistakes"] is not None else []
        lines.append('   "rows": [')
        rows = list(_rows(entry["columns"]))
        lines += ["    " + json.dumps(row) + ("," if i + 1 < len(rows) else "") for i, row in enumerate(rows)]
        lines.append("   ]")
        lines.append("  }" + ("," if place + 1 < len(document["cells"]) else ""))
    lines.append(" ],")
    lines += [f' "plugins": {json.dumps(document["plugins"], sort_keys=True)},'] if document["plugins"] else []
    lines.append(' "pictures": [')
    texts = [base64.b64encode(picture).decode() for picture in document["pictures"]]
    lines += ["  " + json.dumps(text) + ("," if i + 1 < len(texts) else "") for i, text in enumerate(texts)]
    lines += [" ]", "}"]
    return "\n".join(lines) + "\n"


def _document(records: Iterable[Record]) -> Document:
    """What an export of records holds, in the order of their keys."""
    pictures: dict[bytes, int] = {}
    plugins: dict[str, str] = {}
    entries: list[Entry] = []
    for record in sorted(records, key=lambda r: r.cell.key):
        plugins |= record.plugins.files if record.plugins else {}
        panel, count = None, len(record.items)
        if record.panel is not None:
            placed = {name: str(_place(png, pictures)) for name, png in record.panel.parts.items()}
            panel = {"item": record.panel.item, **placed}
        entries.append(
            {
                "cell": plain_values(_public(record.cell)),
                "columns": {
                    "items": record.items,
                    "input_sha256": record.input_sha256[:count],
                    "output_sha256": list(record.output_sha256)[:count],
                    "notes": record.notes[:count],
                    "seconds": record.seconds[:count],
                    "scores": {name: values[:count] for name, values in record.scores.items()},
                },
                "panel": panel,
                "seal": seal_of(record),
                "asked": record.asked,
                "names": dict(record.names),
                "plugins": record.plugins.loaded if record.plugins else (),
                "mistakes": _mistakes(record, pictures),
            }
        )
    return {"noisebench_export": SCHEMA, "cells": entries, "pictures": list(pictures), "plugins": plugins}


def _rows(columns: Columns) -> Iterator[list[Any]]:
    """Columns as rows of JSON."""
    numbers = [
        [plain(float(value)) for value in column] for column in (columns["seconds"], *columns["scores"].values())
    ]
    texts = (columns["items"], columns["input_sha256"], columns["output_sha256"], columns["notes"])
    return map(list, zip(*texts, *numbers, strict=True))


def compacted(record: Record) -> Record:
    """A record without what no board needs: the seconds of each item, and the hash of each output.

    In place of the latter stands that of all outputs of the cell, by which boards tell whether two cells gave the same;
    outputs that are the inputs stay.
    """
    outputs = list(record.output_sha256)
    if outputs != record.input_sha256:
        outputs = [hashlib.sha256("\n".join(outputs).encode()).hexdigest()] * len(outputs)
    return replace(record, output_sha256=outputs, seconds=np.full(len(record.items), np.nan))


def write_export(file: Path, records: Iterable[Record]) -> None:
    """Write an export, whole or not at all: Parquet where its name ends in `.parquet`, else JSON, compressed by `.xz`.

    Raises `UsageError` for a file within a store, OSError.
    """
    if file.suffix == ".parquet":
        write_named(file, parquet_bytes(_document(records)))
        return
    data = export_text(records).encode()
    write_named(file, lzma.compress(data) if file.suffix == ".xz" else data)


def _unpacked(data: bytes) -> bytes:
    """The text of an export, which may be compressed. Raises ValueError where it is damaged, or too large for one."""
    if not data.startswith(_XZ):
        return data
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    most = min(max(_SMALL, _DENSEST * len(data)), _LARGEST)
    try:
        text = unpacker.decompress(data, most)
    except lzma.LZMAError as error:
        raise ValueError(f"compressed, and damaged: {error}") from None
    if not unpacker.eof:
        raise ValueError(f"compressed, and cut off or larger than {most >> 20} MiB")
    return text


def _place(picture: bytes, pictures: dict[bytes, int]) -> int:
    """The place of a picture among `pictures`, to which it is added where it is new."""
    return pictures.setdefault(picture, len(pictures))


def _mistakes(record: Record, pictures: dict[bytes, int]) -> list[list[Any]] | None:
    """The mistakes of a cell as lines, with the place of each picture among `pictures`, to which new ones are added."""
    if record.mistakes is None:
        return None
    place = {item: n for n, item in enumerate(record.items)}
    lines = []
    for one in record.mistakes:
        shown = None if one.picture is None else _place(one.picture, pictures)
        lines.append([place[one.item], one.truth, one.said, one.likely, shown])
    return lines


def _public(cell: Cell) -> Cell:
    """The cell as an export has it: without what a run was asked for, which names files and code of a machine."""
    return structs.replace(cell, request=None)


def seal_of(record: Record) -> str:
    """SHA-256 of what an export says of a cell, its crops and mistakes apart: an edit by hand shows."""
    return _seal(record, json.dumps(_public(record.cell), sort_keys=True, default=plain_values))


def _seal(record: Record, cell: str) -> str:
    seal = hashlib.sha256(cell.encode())
    for column in (record.items, record.input_sha256, record.output_sha256, record.notes, list(record.scores)):
        seal.update(json.dumps(list(column)).encode())
    for values in (record.seconds, *record.scores.values()):
        floats = np.asarray(values, dtype="<f8")
        seal.update(np.where(np.isnan(floats), np.nan, floats).tobytes())
    return seal.hexdigest()


def is_export(path: Path) -> bool:
    """Whether a file begins as an export does; the rest of it is not looked at."""
    with suppress(OSError, ValueError, lzma.LZMAError), open_regular(path) as file:
        start = file.read(_START)
        if start.startswith(MAGIC):
            return is_parquet_export(path)
        if start.startswith(_XZ):
            start = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(start, _START)
        return b'"noisebench_export"' in start or f'"{MARK}"'.encode() in start
    return False


def read_export(path: Path) -> Results:
    """The cells of an export file, or of a baseline. Raises `UsageError` for what is neither, and naming a cell that is
    damaged."""
    try:
        data = path.read_bytes()
        document: Any = read_parquet(data) if data.startswith(MAGIC) else parsed(_unpacked(data).decode("utf-8"))
        if not isinstance(document, dict):
            raise ValueError("it is no mapping")
        if MARK in document:
            return _read_baseline(path, document)
        if lacks := [name for name in _PARTS if name not in document]:
            raise ValueError(f"it lacks {', '.join(lacks)}")
        schema, cells = document["noisebench_export"], document["cells"]
        if why := _why_newer(schema):
            raise UsageError(f"export {one_line(path)} {why}")
        pictures = [
            base64.b64decode(picture, validate=True) if isinstance(picture, str) else picture
            for picture in document["pictures"]
        ]
        if not isinstance(cells, list):
            raise ValueError("`cells` is no list")
        plugins = document.get("plugins", {})
        if not isinstance(plugins, dict) or not all(
            is_source_place(place) and isinstance(text, str) for place, text in plugins.items()
        ):
            raise ValueError("`plugins` holds what is no file of a plug-in")
    except OSError as error:
        raise UsageError(f"export {one_line(path)}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{one_line(path)} is not a noisebench export ({one_line(error, 80)}): `noisebench export STORE --to FILE` "
            "makes one"
        ) from None
    columns_of = _checked_columns if data.startswith(MAGIC) else _columns_of_rows
    return Results.of(
        _record(entry, columns_of, pictures, plugins, f"{one_line(path)}: cell number {n}")
        for n, entry in enumerate(cells, 1)
    )


def _read_baseline(path: Path, document: dict[str, Any]) -> Results:
    """The cells of a baseline, which were found to be what their keys were made from when it was written."""
    version = document[MARK]
    if type(version) is not int or version > VERSION:
        raise UsageError(
            f"baseline {one_line(path)} was written by a newer noisebench (layout {one_line(version, 40)}): upgrade to "
            "read it"
        )
    again = "make it anew with `noisebench check … --update`"
    try:
        entries = entries_of(document)
    except (ValueError, TypeError) as error:
        raise UsageError(f"baseline {one_line(path)} is damaged ({one_line(error, 160)}): {again}") from None
    found = []
    for entry in entries:
        where = f"{one_line(path)}: {one_line(entry['label'], 120)}"
        found.append(replace(_record(entry, _columns_of_rows, [], {}, where, again), keyed=True))
    return Results.of(found)


def is_source_place(place: str) -> bool:
    """Whether a place is that of a source file below the folder of plug-ins, and of nothing beside it."""
    parts = place.split("/")
    inside = all(part not in ("", ".", "..") and part.isprintable() and "\\" not in part for part in parts)
    return inside and place.endswith(".py") and len(place) < 200


def _why_newer(schema: object) -> str | None:
    if isinstance(schema, int) and schema <= SCHEMA:
        return None
    return f"was written by a newer noisebench (schema {one_line(schema, 40)}): upgrade to read it"


def _record(
    entry: Any,
    columns_of: Callable[[Any, Cell], Columns],
    pictures: list[bytes],
    plugins: Any,
    where: str,
    again: str = "export it again",
) -> Record:
    """A record of an entry. Raises `UsageError` that says `where` and what is not as documented."""
    try:
        cell, panel = entry["cell"], entry["panel"]
        if isinstance(cell, dict) and "schema" in cell and (why := _why_newer(cell["schema"])):
            raise UsageError(f"{where} {why}")
        shown = entry.get("names", {})
        written, cell = cell, checked_cell(cell)
        columns = columns_of(entry, cell)
        if why := why_no_names(shown):
            raise ValueError(why)
        record = Record(
            _public(cell),
            columns["items"],
            columns["input_sha256"],
            columns["output_sha256"],
            columns["notes"],
            columns["seconds"],
            columns["scores"],
            _panel(panel, pictures),
            str(entry.get("seal", "")),
            asked=str(entry.get("asked", "")),
            names=shown,
            plugins=_plugins(entry.get("plugins"), plugins),
            mistakes=_read_mistakes(entry.get("mistakes"), columns["items"], pictures),
        )
        if is_known(cell, written):
            return record
        # A later noisebench may say more of a cell: that is in its seal, and not in the record.
        text = json.dumps({name: value for name, value in written.items() if name != "request"}, sort_keys=True)
        return replace(record, whole=not record.seal or record.seal == _seal(record, text))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UsageError(f"{where} is damaged ({one_line(error, 120)}): {again}") from None


def _checked_columns(entry: Entry, cell: Cell) -> Columns:
    """The columns of a cell, which are as long as each other. Raises ValueError where a metric is not the cell's."""
    if why := _why_no_metrics(list(entry["columns"]["scores"]), cell):
        raise ValueError(why)
    return entry["columns"]


def _columns_of_rows(entry: Any, cell: Cell) -> Columns:
    """The rows of a cell in JSON as columns. Raises ValueError for what are none."""
    rows, names = entry["rows"], entry["metrics"]
    if why := _why_no_metrics(names, cell) or _why_no_rows(rows, names):
        raise ValueError(why)
    return {
        "items": [row[0] for row in rows],
        "input_sha256": [row[1] for row in rows],
        "output_sha256": [row[2] for row in rows],
        "notes": [row[3] for row in rows],
        "seconds": np.array([_in(row[4]) for row in rows], dtype=np.float64),
        "scores": {m: np.array([_in(row[5 + j]) for row in rows], dtype=np.float64) for j, m in enumerate(names)},
    }


def _why_no_metrics(names: Any, cell: Cell) -> str | None:
    """Why the metrics that rows hold are not those of a cell."""
    if not isinstance(names, list) or not all(isinstance(name, str) and name in cell.metrics for name in names):
        return "`metrics` lists what the cell was not scored by"
    return "`metrics` lists one twice" if len(set(names)) != len(names) else None


def _why_no_rows(rows: Any, names: Sequence[str]) -> str | None:
    """Why values are no rows with these metrics."""
    if not isinstance(rows, list):
        return "`rows` is no list"
    for n, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != 5 + len(names):
            return f"row {n} has not {5 + len(names)} values"
        if not all(isinstance(text, str) for text in row[:4]):
            return f"row {n}: an item, hash or note is no text"
        if why := next((why for value in row[4:] if (why := why_no_number(value))), None):
            return f"row {n}: {why}"
    return None


def _plugins(loaded: Any, files: dict[str, str]) -> Plugins | None:
    if loaded is None:
        return None
    if not isinstance(loaded, list) or not all(isinstance(name, str) and is_source_place(name) for name in loaded):
        raise ValueError("`plugins` names what is no file of a plug-in")
    return Plugins(tuple(loaded), files)


def _panel(panel: Any, pictures: list[bytes]) -> Panel | None:
    if panel is None:
        return None
    if not all(isinstance(text, str) for text in panel.values()):
        raise ValueError("`panel` holds what is no text")
    places = {name: int(place) for name, place in panel.items() if name != "item"}
    if any(place < 0 for place in places.values()):
        raise ValueError("`panel` names a picture that is not there")
    return Panel(panel["item"], {name: pictures[place] for name, place in places.items()})


def _read_mistakes(lines: Any, items: list[str], pictures: list[bytes]) -> tuple[Mistake, ...] | None:
    def picture(place: Any) -> bytes:
        if type(place) is not int or not 0 <= place < len(pictures):
            raise ValueError("a mistake names a picture that is not there")
        return pictures[place]

    return None if lines is None else mistakes_of(lines, items, picture)


def why_no_number(value: Any) -> str | None:
    """Why a value is no score: a number, null, or infinity in words."""
    if value is None or (isinstance(value, str) and value in ("inf", "-inf")) or isinstance(value, float):
        return None
    return why_not(value, Whole)


def _in(value: Any) -> float:
    return math.nan if value is None else float(value)
