"""Cells on disk: written whole or not at all, found by key, read back as `Record`s."""

from __future__ import annotations

import errno
import fcntl
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError, one_line
from .disk import noticing_full_disk, sync_dir, write_file
from .previews import read_panel
from .record import OUTCOMES, SCHEMA, Cell, Record

_KEY = re.compile(r"[0-9a-f]{64}")
_TEXT = ("item", "input_sha256", "output_sha256", "note")


class Damaged(UsageError):
    """A stored cell that cannot be read and that a run would do again."""


def schema_of(path: Path) -> int:
    """The schema of a store. Raises `UsageError` for a newer one, or where the mark of the store is damaged."""
    mark = path / "store.json"
    try:
        schema = json.loads(mark.read_text()).get("schema")
    except (OSError, ValueError, AttributeError):
        raise UsageError(f"{one_line(mark)} is damaged: restore it, or use another --store") from None
    if not isinstance(schema, int) or schema > SCHEMA:
        raise UsageError(
            f"store {one_line(path)} was written by a newer noisebench (schema {one_line(schema)}, this one "
            f"reads up to {SCHEMA}): upgrade noisebench, or use another --store"
        )
    return schema


def open_store(path: Path) -> Path:
    """Make a store's folder, or check one that is to be written to.

    Raises `UsageError` for a newer or an older schema, or a folder that is no store.
    """
    mark = path / "store.json"
    if mark.is_file():
        schema = schema_of(path)
        if schema < SCHEMA:
            raise UsageError(
                f"store {one_line(path)} was written by an older noisebench (schema {schema}): its cells are read by "
                "report, compare, check and export, and have other keys now: run into a new --store"
            )
        return path
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{one_line(path)} is not a noisebench store: name an empty or new folder with --store")
    try:
        (path / "cells").mkdir(parents=True, exist_ok=True)
        write_file(mark, json.dumps({"schema": SCHEMA}).encode())
    except OSError as error:
        raise UsageError(f"store {one_line(path)} cannot be made: {error.strerror}") from None
    return path


def existing_store(path: Path) -> Path:
    """A store that is there already. Raises `UsageError`."""
    if not (path / "store.json").is_file():
        raise UsageError(f"{one_line(path)} is not a noisebench store: `noisebench run … --store DIR` makes one")
    schema_of(path)
    return path


def cell_dir(store: Path, key: str) -> Path:
    """Where the cell of `key` lives."""
    return store / "cells" / key[:2] / key


def partial_dir(store: Path, key: str) -> Path:
    """Where the rows of an unfinished cell lie."""
    return store / "partial" / key


@contextmanager
def cell_lock(store: Path, key: str) -> Iterator[bool]:
    """Hold the cell for this process and its forks; yields False where another run holds it."""
    folder = store / "locks"
    folder.mkdir(exist_ok=True)
    fd = os.open(folder / key, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
    finally:
        os.close(fd)


def outcome_of(store: Path, key: str) -> str | None:
    """The stored outcome of a cell, None where it is not stored."""
    try:
        cell = json.loads((cell_dir(store, key) / "cell.json").read_bytes())
        return str(cell["outcome"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def stamp_of(store: Path, key: str) -> list[int] | None:
    """What tells one stored version of a cell from the next, None where it is not stored."""
    try:
        status = os.stat(cell_dir(store, key) / "cell.json")
    except OSError:
        return None
    return [status.st_ino, status.st_mtime_ns]


def read_rows(folder: Path, key: str) -> list[dict[str, Any]]:
    """Rows of an unfinished cell; a torn last line is dropped."""
    rows: list[dict[str, Any]] = []
    try:
        text = (folder / "rows.jsonl").read_bytes()
    except OSError:
        return rows
    for line in text.split(b"\n")[:-1]:
        try:
            row = json.loads(line)
        except ValueError:
            break
        if not isinstance(row, dict) or row.get("key") != key:
            break
        rows.append(row)
    return rows


def append_row(folder: Path, row: Mapping[str, Any], kept: int) -> None:
    """Add one row, durably. `kept` is the length in bytes of what is valid so far: see `valid_length`."""
    with noticing_full_disk(folder), open(folder / "rows.jsonl", "ab", buffering=0) as file:
        if file.tell() != kept:
            file.truncate(kept)
        data = json.dumps(row).encode() + b"\n"
        if file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fdatasync(file.fileno())


def valid_length(folder: Path, rows: list[dict[str, Any]]) -> int:
    """Bytes of rows.jsonl that `rows` take up."""
    try:
        lines = (folder / "rows.jsonl").read_bytes().split(b"\n")
    except OSError:
        return 0
    return sum(len(line) + 1 for line in lines[: len(rows)])


def commit(store: Path, cell: Mapping[str, Any], rows: list[dict[str, Any]]) -> None:
    """Move a finished cell into place: rows as Parquet, cell.json, outputs; then drop the partial folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    key = str(cell["key"])
    partial, home = partial_dir(store, key), cell_dir(store, key)
    home.parent.mkdir(parents=True, exist_ok=True)
    with noticing_full_disk(store):
        stage = Path(tempfile.mkdtemp(dir=home.parent, prefix=".tmp-"))
        try:
            columns = {name: _text_column([r.get(name, "") for r in rows]) for name in _TEXT}
            columns["seconds"] = _float_column([r["seconds"] for r in rows])
            for metric in cell["metrics"]:
                columns[metric] = _float_column([_number(r["scores"].get(metric)) for r in rows])
            # Hashes do not compress, and a plain file is read twice as fast.
            pq.write_table(
                pa.table(columns), stage / "scores.parquet", compression="none", use_dictionary=False,
                write_statistics=False,
            )  # fmt: skip
            (stage / "cell.json").write_text(json.dumps(cell, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            for name in ("outputs", "panel.json"):
                if (partial / name).exists():
                    os.rename(partial / name, stage / name)
            os.chmod(stage, 0o755)
            for file in (stage / "scores.parquet", stage / "cell.json"):
                fd = os.open(file, os.O_RDONLY)
                os.fsync(fd)
                os.close(fd)
            sync_dir(stage)
            if home.exists():
                old = Path(tempfile.mkdtemp(dir=home.parent, prefix=".old-"))
                os.rename(home, old / "cell")
                os.rename(stage, home)
                shutil.rmtree(old, ignore_errors=True)
            else:
                os.rename(stage, home)
            sync_dir(home.parent)
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise
    shutil.rmtree(partial, ignore_errors=True)


def _text_column(values: Sequence[str]) -> Any:
    """An Arrow column. `pyarrow.array` would import pandas first, which takes longer than a short cell."""
    import pyarrow as pa

    texts = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends.tobytes()), pa.py_buffer(b"".join(texts)))


def _float_column(values: Sequence[float | None]) -> Any:
    """The same of numbers; None is a null."""
    import pyarrow as pa

    known = np.array([value is not None for value in values], bool)
    data = np.array([0.0 if value is None else value for value in values], np.float64)
    nulls = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little").tobytes())
    return pa.Array.from_buffers(pa.float64(), len(values), [nulls, pa.py_buffer(data.tobytes())])


def _number(value: Any) -> float | None:
    return {"inf": math.inf, "-inf": -math.inf}.get(value, value) if value is not None else None


def keys(store: Path) -> list[str]:
    """Keys of all stored cells, sorted."""
    found: list[str] = []
    with suppress(FileNotFoundError):
        for first in os.scandir(store / "cells"):
            if first.is_dir():
                found += [e.name for e in os.scandir(first.path) if _KEY.fullmatch(e.name)]
    return sorted(found)


def read_cell(store: Path, key: str) -> Cell:
    """`cell.json` of a key. Raises `UsageError` naming the file where it is damaged."""
    file = cell_dir(store, key) / "cell.json"
    try:
        cell: Cell = json.loads(file.read_bytes())
        if cell["schema"] > SCHEMA:
            raise UsageError(f"{one_line(file)} was written by a newer noisebench: upgrade to read it")
        if cell["key"] != key or cell["outcome"] not in OUTCOMES:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        raise Damaged(f"{one_line(file)} is damaged: `noisebench store gc` removes it, `run` does it again") from None
    return cell


def read_record(store: Path, key: str) -> Record:
    """One stored cell. Raises `UsageError` naming the file where it is damaged."""
    import pyarrow.parquet as pq

    cell = read_cell(store, key)
    file = cell_dir(store, key) / "scores.parquet"
    try:
        table = pq.ParquetFile(file, memory_map=True).read(use_threads=False)
        text = {name: table.column(name).to_pylist() for name in _TEXT}
        scores = {m: table.column(m).to_numpy(zero_copy_only=False).astype(np.float64) for m in cell["metrics"]}
        seconds = table.column("seconds").to_numpy(zero_copy_only=False)
    except Exception as error:
        raise Damaged(
            f"{one_line(file)} is damaged ({one_line(error, 80)}): `noisebench store gc` removes the cell, `run` does "
            "it again"
        ) from None
    return Record(
        cell,
        text["item"],
        text["input_sha256"],
        text["output_sha256"],
        text["note"],
        seconds,
        scores,
        read_panel(cell_dir(store, key) / "panel.json"),
    )


def read_records(path: Path) -> list[Record]:
    """All cells of a store, or of an export file, in the order of their keys. Raises `UsageError`."""
    if path.is_file():
        from .export import read_export

        return read_export(path)
    store = existing_store(path)
    found, texts = [], dict[str, str]()
    # Reading a file is mostly time outside of the interpreter's lock; a store has many.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for record in pool.map(lambda key: read_record(store, key), keys(store)):
            # All methods see the same items: one copy of each name and hash is a quarter of the memory.
            for column in (record.items, record.input_sha256, record.notes):
                column[:] = [texts.setdefault(text, text) for text in column]
            found.append(record)
    return found


def matching(cells: Iterable[Cell], text: str) -> list[Cell]:
    """Cells whose key starts with `text`, or whose method, dataset or regime contains it."""
    return [
        c
        for c in cells
        if c["key"].startswith(text)
        or any(text in c[p]["display"] or text in c[p]["name"] for p in ("method", "dataset", "regime"))
    ]
