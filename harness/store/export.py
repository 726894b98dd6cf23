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
import numpy.typing as npt

from ..data.disk import open_regular, write_named
from ..text.errors import UsageError, one_line
from ..text.json_values import parsed, plain
from .baseline_layout import MARK, VERSION, entries_of
from .cell import SCHEMA, Cell, Whole
from .cell_json import checked_cell, is_known, sorted_values, why_not
from .mistakes import mistakes_of
from .names import why_no_names
from .parquet_export import MAGIC, ExportColumns, columns_of, is_parquet_export, most_bytes, parquet_bytes, read_parquet
from .record import Mistake, Panel, Plugins, Record
from .results import Results
from .seals import public_cell, seal_of, seal_of_text

_PARTS = ("noisebench_export", "cells", "pictures")
_XZ = b"\xfd7zXZ\0"
"""What a compressed file begins with."""
_START = 4096
"""Bytes of a file that are looked at where it is only asked whether it is an export."""


def export_text(records: Iterable[Record]) -> str:
    """An export as text: equal records give equal text. Plug-ins are in it where the records carry them."""
    ordered, besides, pictures, plugins = _parts_of(records)
    cells = []
    for record, beside in zip(ordered, besides, strict=True):
        cell, panel = sorted_values(public_cell(record.cell)), beside.pop("panel", None)
        fields = {"cell": cell, "metrics": list(record.scores), "panel": panel, "seal": seal_of(record), **beside}
        lines = [f'   "{name}": {json.dumps(value)},' for name, value in fields.items()]
        rows = _with_commas(["    " + json.dumps(row) for row in _rows(record)])
        cells.append("\n".join(["  {", *lines, '   "rows": [', *rows, "   ]", "  }"]))
    lines = ["{", f' "noisebench_export": {SCHEMA},', ' "cells": [', *_with_commas(cells), " ],"]
    lines += [f' "plugins": {json.dumps(plugins, sort_keys=True)},'] if plugins else []
    texts = ["  " + json.dumps(base64.b64encode(picture).decode()) for picture in pictures]
    return "\n".join([*lines, ' "pictures": [', *_with_commas(texts), " ]", "}", ""])


def _with_commas(texts: Sequence[str]) -> list[str]:
    return [*(f"{text}," for text in texts[:-1]), *texts[-1:]]


def _rows(record: Record) -> Iterator[tuple[Any, ...]]:
    """The rows of a cell as JSON has them."""
    columns = columns_of(record)
    floats = (columns["seconds"], *columns["scores"].values())
    texts = (columns["items"], columns["input_sha256"], columns["output_sha256"], columns["notes"])
    return zip(*texts, *([plain(float(value)) for value in column] for column in floats), strict=True)


def _parts_of(records: Iterable[Record]) -> tuple[list[Record], list[dict[str, Any]], list[bytes], dict[str, str]]:
    """Records in the order of their keys, what is said beside each, all pictures, and the text of plug-ins by place."""
    ordered, pictures = sorted(records, key=lambda record: record.cell.key), dict[bytes, int]()
    besides = [_extras(record, pictures) for record in ordered]
    plugins = {place: text for one in ordered if one.plugins for place, text in one.plugins.files.items()}
    return ordered, besides, list(pictures), plugins


def _extras(record: Record, pictures: dict[bytes, int]) -> dict[str, Any]:
    """What an export says beside a cell, where there is something; its pictures are added to `pictures`, whose places
    it names."""

    def place_of(picture: bytes) -> int:
        return pictures.setdefault(picture, len(pictures))

    beside: dict[str, Any] = {}
    if record.panel is not None:
        parts = {name: str(place_of(picture)) for name, picture in record.panel.parts.items()}
        beside["panel"] = {"item": record.panel.item, **parts}
    if record.asked:
        beside["asked"] = record.asked
    if record.names:
        beside["names"] = dict(sorted(record.names.items()))
    if record.plugins and record.plugins.loaded:
        beside["plugins"] = record.plugins.loaded
    if record.mistakes is not None:
        row = {item: n for n, item in enumerate(record.items)}
        beside["mistakes"] = [
            [row[one.item], one.truth, one.answer, one.likely, None if one.picture is None else place_of(one.picture)]
            for one in record.mistakes
        ]
    return beside


def compacted(record: Record) -> Record:
    """A record without what no board needs: the seconds of items, hashes of outputs, and digits beyond the eighth.

    In place of those hashes stands that of all outputs of the cell, by which boards tell whether two cells gave the
    same; outputs that are the inputs stay. Scores have the 24 bits that a float32 has, at any size.
    """
    outputs = list(record.output_sha256)
    if outputs != record.input_sha256:
        outputs = [hashlib.sha256("\n".join(outputs).encode()).hexdigest()] * len(outputs)
    scores = {name: _of_24_bits(values) for name, values in record.scores.items()}
    return replace(record, scores=scores, output_sha256=outputs, seconds=np.full(len(record.items), np.nan))


def _of_24_bits(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    mantissa, exponent = np.frexp(values)
    rounded: npt.NDArray[np.float64] = np.ldexp(np.rint(mantissa * 2.0**24) / 2.0**24, exponent)
    return rounded


def write_export(file: Path, records: Iterable[Record]) -> None:
    """Write an export, whole or not at all: Parquet where its name ends in `.parquet`, else JSON, compressed by `.xz`.

    Raises `UsageError` for a file within a store, OSError.
    """
    if file.suffix == ".parquet":
        write_named(file, parquet_bytes(*_parts_of(records)))
        return
    data = export_text(records).encode()
    write_named(file, lzma.compress(data) if file.suffix == ".xz" else data)


def _unpacked(data: bytes) -> bytes:
    """The text of an export, which may be compressed. Raises ValueError where it is damaged, or too large for one."""
    if not data.startswith(_XZ):
        return data
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    most = most_bytes(len(data))
    try:
        text = unpacker.decompress(data, most)
    except lzma.LZMAError as error:
        raise ValueError(f"compressed, and damaged: {error}") from None
    if not unpacker.eof:
        raise ValueError(f"compressed, and cut off or larger than {most >> 20} MiB")
    return text


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
    except OSError as error:
        raise UsageError(f"export {one_line(path)}: {error.strerror}") from None
    return export_in(data, path)


def export_in(data: bytes, path: Path) -> Results:
    """The cells of the bytes of an export, or of a baseline, which messages name as `path`. Raises `UsageError`."""
    try:
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
    records = []
    for entry in entries:
        where = f"{one_line(path)}: {one_line(entry['label'], 120)}"
        records.append(replace(_record(entry, _columns_of_rows, [], {}, where, again), keyed=True))
    return Results.of(records)


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
    columns_of: Callable[[Any, Cell], ExportColumns],
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
            public_cell(cell),
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
        return replace(record, whole=not record.seal or record.seal == seal_of_text(record, text))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UsageError(f"{where} is damaged ({one_line(error, 120)}): {again}") from None


def _checked_columns(entry: Any, cell: Cell) -> ExportColumns:
    """The columns of a cell, which are as long as each other. Raises ValueError where a metric is not the cell's."""
    if why := _why_no_metrics(list(entry["columns"]["scores"]), cell):
        raise ValueError(why)
    columns: ExportColumns = entry["columns"]
    return columns


def _columns_of_rows(entry: Any, cell: Cell) -> ExportColumns:
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
        return "`metrics` lists a metric that the cell was not scored by"
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
