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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..data.disk import DiskFull, noticing_full_disk, read_regular, sync_dir, write_file
from ..text.errors import UsageError, one_line
from ..text.json_values import parsed
from .arrow_arrays import float_array, floats, text_array
from .cell import OUTCOMES, SCHEMA, Cell
from .cell_json import checked_cell, decoded_cell, plain_values
from .export import is_export
from .mistakes import read_mistakes
from .previews import read_panel
from .record import Record
from .request_times import asked_beside, asked_in, now
from .seals import files_seal, why_seal_broken

_KEY = re.compile(r"[0-9a-f]{64}")
_TEXT = ("item", "input_sha256", "output_sha256", "note")
_SEALED = ("cell.json", "scores.parquet")
WEIGHTS = "weights.safetensors"
"""The checkpoint in the folder of a cell that trained one; `cell.json` has its SHA-256."""
_KEPT = ("outputs", "panel.json", "mistakes.json", WEIGHTS)
FILES = (*_SEALED, "asked", "seal", *_KEPT)
"""What may lie in the folder of a cell."""
AGAIN = "`noisebench store gc` removes it, `run` does it again"


class Damaged(UsageError):
    """A stored cell that cannot be read, or was edited by hand, and that a run would do again."""


class ClosedStore(UsageError):
    """A store that cannot be written."""


def schema_of(path: Path) -> int:
    """The schema of a store. Raises `UsageError` for a newer one, or where the mark of the store is damaged."""
    mark = path / "store.json"
    try:
        schema = parsed(mark.read_bytes()).get("schema")
    except (OSError, ValueError, AttributeError):
        raise UsageError(f"{one_line(mark)} is damaged: restore it, or use another --store") from None
    if schema is None or isinstance(schema, bool) or (isinstance(schema, int) and schema < 1):
        raise UsageError(f"{one_line(mark)} is damaged: restore it, or use another --store")
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
                f"store {one_line(path)} was written by an older noisebench (schema {schema}): report, compare, check "
                "and export read it, but its cells have old keys, so nothing is added: run into a new --store"
            )
        return path
    if path.exists() and (not path.is_dir() or any(_foreign(entry.name) for entry in path.iterdir())):
        raise UsageError(f"{one_line(path)} is not a noisebench store: name an empty or new folder with --store")
    try:
        (path / "cells").mkdir(parents=True, exist_ok=True)
        write_file(mark, json.dumps({"schema": SCHEMA, "sealed": True}).encode())
    except OSError as error:
        raise UsageError(f"store {one_line(path)} cannot be made: {error.strerror}") from None
    return path


def _foreign(name: str) -> bool:
    """Whether an entry of a folder is none of a store that another run makes at this moment."""
    return name not in ("cells", "store.json") and not name.startswith(".tmp-")


def refuse_read_only(path: Path) -> None:
    """Raise `ClosedStore` where nothing can be written to a store, or to the folder that it would be made in."""
    place = next((folder for folder in (path, *path.absolute().parents) if folder.is_dir()), Path("/"))
    try:
        with noticing_full_disk(place), tempfile.TemporaryFile(dir=place):
            pass
    except DiskFull as error:
        raise ClosedStore(f"store {one_line(path)}: {error}") from None
    except OSError as error:
        raise ClosedStore(f"store {one_line(path)} cannot be written: {error.strerror}") from None


def is_read_only(path: Path) -> bool:
    """Whether nothing can be written to a store."""
    try:
        refuse_read_only(path)
    except ClosedStore:
        return True
    return False


def existing_store(path: Path) -> Path:
    """A store that is there already. Raises `UsageError`."""
    if not path.exists():
        raise UsageError(f"store {one_line(path)} does not exist: check the path, or make one by `noisebench run`")
    if not (path / "store.json").is_file():
        if is_export(path):
            raise UsageError(
                f"{one_line(path)} is an export, not a store: name the store that it was made from; only `report`, "
                "`compare`, `check` and `study --from` take exports"
            )
        raise UsageError(f"{one_line(path)} is not a noisebench store: `noisebench run … --store DIR` makes one")
    schema_of(path)
    return path


def cell_dir(store: Path, key: str) -> Path:
    """Where the cell of `key` lives."""
    return store.joinpath("cells", key[:2], key)


def _file_of(store: Path, key: str, name: str) -> str:
    """A file of a cell, as text: of 100,000 cells a path takes longer than what is done with it."""
    return f"{store}/cells/{key[:2]}/{key}/{name}"


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


def seals_cells(store: Path) -> bool:
    """Whether each cell of a store was written with a seal: whether it was made since there are seals."""
    try:
        return parsed((store / "store.json").read_bytes())["sealed"] is True
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _seal_holds(folder: Path, files: Mapping[str, bytes], sealed: bool) -> tuple[str, bool]:
    """The seal of a cell, empty where it has none, and whether its files hash to it; `sealed`: that it must have one.

    Bytes are hashed as they are read, not what they mean: that is 0.1 ms a cell of 100 items.
    """
    try:
        seal = _bytes_of(folder / "seal")
    except Damaged:
        return "", not sealed
    return seal.decode("ascii", "replace"), seal == files_seal(files)


def is_genuine(store: Path, key: str, sealed: bool) -> bool:
    """Whether the files of a stored cell hash to their seal; `sealed` is what `seals_cells` says of the store."""
    folder = cell_dir(store, key)
    try:
        return _seal_holds(folder, {name: _bytes_of(folder / name) for name in _SEALED}, sealed)[1]
    except Damaged:
        return False


def genuine_cell(store: Path, key: str) -> Cell | None:
    """`cell.json` of a key, None where it is not stored, or is damaged or edited by hand."""
    try:
        cell = read_cell(store, key)
    except Damaged:
        return None
    return cell if is_genuine(store, key, seals_cells(store)) else None


def outcome_of(store: Path, key: str) -> str | None:
    """The stored outcome of a cell, None where it is not stored, or is damaged or edited by hand."""
    cell = genuine_cell(store, key)
    return None if cell is None else cell.outcome


def stamp_of(store: Path, key: str) -> list[int] | None:
    """What tells one stored version of a cell from the next, None where it is not stored."""
    try:
        status = os.stat(_file_of(store, key, "cell.json"))
    except OSError:
        return None
    return [status.st_ino, status.st_mtime_ns]


def asked_of(store: Path, key: str, noted: Mapping[str, str] | None = None) -> str:
    """When a run asked for a stored cell last, UTC in ISO 8601; empty where that is not known.

    `noted` is what `asked_in` says of the store, where many are looked up.
    """
    return max(asked_beside(cell_dir(store, key)), (asked_in(store) if noted is None else noted).get(key, ""))


def read_rows(folder: Path, key: str) -> list[dict[str, Any]]:
    """Rows of an unfinished cell; a torn last line is dropped."""
    rows: list[dict[str, Any]] = []
    try:
        text = (folder / "rows.jsonl").read_bytes()
    except OSError:
        return rows
    for line in text.split(b"\n")[:-1]:
        try:
            row = parsed(line)
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


def commit(store: Path, cell: Cell, rows: list[dict[str, Any]]) -> None:
    """Move a finished cell into place: rows as Parquet, cell.json, a seal, outputs; then drop the partial folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    key = cell.key
    partial = partial_dir(store, key)
    with staged(store, key) as stage:
        columns = {name: text_array([r.get(name, "") for r in rows]) for name in _TEXT}
        columns["seconds"] = float_array([r["seconds"] for r in rows])
        for metric in cell.metrics:
            columns[metric] = float_array([_number(r["scores"].get(metric)) for r in rows])
        # Hashes do not compress, and a plain file is read twice as fast.
        pq.write_table(
            pa.table(columns), stage / "scores.parquet", compression="none", use_dictionary=False,
            write_statistics=False,
        )  # fmt: skip
        text = json.dumps(cell, indent=1, sort_keys=True, default=plain_values)
        (stage / "cell.json").write_text(text + "\n", encoding="utf-8")
        (stage / "asked").write_text(now())
        (stage / "seal").write_bytes(files_seal({name: (stage / name).read_bytes() for name in _SEALED}))
        for name in _KEPT:
            if (partial / name).exists():
                shutil.move(partial / name, stage / name)  # which copies where the two are no one file system
    shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def staged(store: Path, key: str) -> Iterator[Path]:
    """A folder to fill with the files of a cell, which is then moved into its place, for an earlier one if there is."""
    home = cell_dir(store, key)
    home.parent.mkdir(parents=True, exist_ok=True)
    with noticing_full_disk(store):
        stage = Path(tempfile.mkdtemp(dir=home.parent, prefix=".tmp-"))
        try:
            yield stage
            os.chmod(stage, 0o755)
            for name in (*_SEALED, "seal"):
                fd = os.open(stage / name, os.O_RDONLY)
                os.fsync(fd)
                os.close(fd)
            sync_dir(stage)
            if home.exists():
                old = Path(tempfile.mkdtemp(dir=home.parent, prefix=".old-"))
                os.rename(home, old)
                os.rename(stage, home)
                shutil.rmtree(old, ignore_errors=True)
            else:
                os.rename(stage, home)
            sync_dir(home.parent)
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise


def _number(value: Any) -> float | None:
    return {"inf": math.inf, "-inf": -math.inf}.get(value, value) if value is not None else None


def keys(store: Path) -> list[str]:
    """Keys of all stored cells, sorted."""
    names: list[str] = []
    with suppress(FileNotFoundError):
        for first in os.scandir(store / "cells"):
            if first.is_dir():
                names += [e.name for e in os.scandir(first.path) if _KEY.fullmatch(e.name)]
    return sorted(names)


def read_cell(store: Path, key: str) -> Cell:
    """`cell.json` of a key, its seal apart. Raises `UsageError` naming the file where it is damaged."""
    file = cell_dir(store, key) / "cell.json"
    return _cell(file, key, _bytes_of(file))


_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO)


def _bytes_of(file: Path) -> bytes:
    """A file of a cell. Raises `Damaged` where there is none, and `UsageError` where it may not or cannot be read now:
    that is no reason to remove the cell, or to do it again."""
    try:
        return read_regular(file)
    except OSError as error:
        if error.errno in _NOT_THERE:
            raise damaged_file(file, error.strerror or "") from None
        raise UsageError(
            f"{one_line(file)} cannot be read ({error.strerror}): make it readable, as whoever owns the store may"
        ) from None


def damaged_file(file: Path, why: str = "") -> Damaged:
    """What is raised for a file of a cell that is damaged."""
    return Damaged(f"{one_line(file)} is damaged{why and f' ({why})'}: {AGAIN}")


def _cell(file: Path, key: str, data: bytes, *, whole: bool = True) -> Cell:
    """A cell of its file; what hashes to its seal is `whole`, and as it was written."""
    try:
        cell = decoded_cell(data) if whole else checked_cell(parsed(data))
        if cell.schema <= SCHEMA and cell.key == key:
            return cell
        why = ""
    except ValueError as error:
        why = str(error)
    try:
        value = parsed(data)
        newer = value["schema"] > SCHEMA
        named = value["key"] == key and value["outcome"] in OUTCOMES
    except (ValueError, KeyError, TypeError):
        newer = named = False
    if newer:
        raise UsageError(f"{one_line(file)} was written by a newer noisebench: upgrade to read it")
    raise damaged_file(file, why if named else "")


def load_record(store: Path, key: str, noted: Mapping[str, str] | None = None, *, sealed: bool) -> Record:
    """One stored cell, whole or edited; `sealed` is what `seals_cells` says of the store, `noted` what `asked_in` does.

    Raises `Damaged`, and `UsageError` for a newer one, and one that cannot be read now.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = cell_dir(store, key)
    file, scores_file = (folder / name for name in _SEALED)
    data, rows = _bytes_of(file), _bytes_of(scores_file)
    seal, whole = _seal_holds(folder, {"cell.json": data, "scores.parquet": rows}, sealed)
    cell = _cell(file, key, data, whole=bool(seal and whole))
    try:
        table = pq.ParquetFile(pa.BufferReader(rows)).read(use_threads=False)
        text = {name: table.column(name).to_pylist() for name in _TEXT}
        scores = {m: floats(table.column(m)).astype(np.float64) for m in cell.metrics}
        seconds = floats(table.column("seconds"))
    except Exception as error:
        raise damaged_file(scores_file, one_line(error, 80)) from None
    return Record(
        cell,
        text["item"],
        text["input_sha256"],
        text["output_sha256"],
        text["note"],
        seconds,
        scores,
        read_panel(folder / "panel.json"),
        seal,
        whole,
        asked_of(store, key, noted),
        mistakes=read_mistakes(folder / "mistakes.json", text["item"]),
    )


def read_record(store: Path, key: str, noted: Mapping[str, str] | None = None) -> Record:
    """One stored cell; `noted` is what `asked_in` says of the store, where many are read.

    Raises `UsageError` naming the file where it is damaged, or was edited by hand.
    """
    record = load_record(store, key, noted, sealed=seals_cells(store))
    if why := why_seal_broken(record):
        raise Damaged(f"{one_line(store)}: cell {one_line(key[:12])} was {why}: {AGAIN}")
    return record
