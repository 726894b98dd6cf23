"""Outputs that a stored cell kept: which cell has those another one needs, and reading them back verified."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..text.errors import UsageError, one_line
from .cell import Kind, Request
from .cells import cell_dir, is_genuine, keys, read_cell, read_record, seals_cells
from .file_changes import changes_of
from .keys import output_key
from .record import Mistake, Record, item_count


class LostOutput(Exception):
    """A kept output that is missing or not what was scored, in words."""


class OutputFiles(Protocol):
    """How outputs of a track are hashed, kept and shown. `suffix` is the ending of a kept output's file.

    `load` raises OSError, and ValueError for a file that is damaged or does not hold what is wanted. `preview` leaves
    pictures of one item, `panel` gives pictures of the item that a report shows, and sounds; either may do nothing.
    """

    suffix: str

    def digest(self, output: Any) -> str: ...
    def save(self, output: Any, file: Path) -> None: ...
    def load(self, file: Path, wanted: Any = None) -> Any: ...
    def preview(self, store: Path, folder: Path, index: int, item: Any, case: Any, output: Any) -> None: ...
    def panel(self, item: Any, case: Any, output: Any) -> Mapping[str, bytes] | None: ...


@runtime_checkable
class ChecksOutputs(Protocol):
    """Files of a track that tells what is none of its outputs: `check` raises ValueError. `ArrayFiles` does."""

    def check(self, output: Any, wanted: Any) -> None: ...


@runtime_checkable
class FindsMistakes(Protocol):
    """Files of a track whose outputs are right or wrong: `mistake` is what is wrong with one, None for a right one.

    `protocol` is the bound protocol of the cell; where `pictured` a picture of what was given is due.
    """

    def mistake(self, item: Any, case: Any, output: Any, protocol: Any, *, pictured: bool) -> Mistake | None: ...


def output_file(folder: Path, index: int, suffix: str) -> Path:
    """Where the output of a row lies, in the folder of a cell."""
    return folder / "outputs" / f"{index:05d}{suffix}"


def kept_items(keep: str, n: int) -> set[int]:
    """Indices of the items whose output is kept."""
    return {"all": set(range(n)), "sample": {0, n // 2, n - 1}, "none": set()}[keep]


def outputs_in(folder: Path) -> int:
    """How many outputs lie in a folder, which need not be there, notes and pictures to look at apart."""
    return sum(file.suffix not in (".json", ".png") for file in folder.iterdir()) if folder.is_dir() else 0


class OutputsRequest(Protocol):
    """What is asked of a planned cell."""

    @property
    def key(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def inputs(self) -> Mapping[str, Any]: ...
    @property
    def request(self) -> Request | None: ...


def find_donors(store: Path, cells: Iterable[OutputsRequest]) -> dict[str, str]:
    """Key of a planned cell → key of a stored cell, ok or undefined, not edited, that kept all the outputs it asks for.

    Both have the same inputs but for protocol and metrics, and the method would open the same files now. A cell whose
    method ran is preferred to one that was re-scored itself.
    """
    asking = [cell for cell in cells if cell.kind == "score"]
    if not asking:
        return {}
    offering = [key for key in keys(store) if os.path.isdir(f"{store}/cells/{key[:2]}/{key}/outputs")]
    if not offering:
        return {}
    scored = [(cell, output_key(cell.inputs)) for cell in asking]
    wanted = {cell.key: output for cell, output in scored}
    requests = {output: cell.request for cell, output in scored}
    offered: dict[str, tuple[bool, str]] = {}
    sealed = seals_cells(store)
    for key in offering:
        outputs = cell_dir(store, key) / "outputs"
        try:
            cell = read_cell(store, key)
            n = item_count(cell)
            if cell.request is None:
                continue
            kept_all = cell.request.keep == "all" or outputs_in(outputs) == n
            if cell.kind == "score" and cell.outcome in ("ok", "undefined") and kept_all:
                output, offer = output_key(cell.inputs), (cell.rescored is not None, key)
                asked = output in requests and is_genuine(store, key, sealed)
                if asked and not changes_of(cell, requests[output], store):
                    offered[output] = min(offered.get(output, offer), offer)
        except (OSError, UsageError, KeyError, AttributeError):
            continue
    donors = {key: offered[output][1] for key, output in wanted.items() if output in offered}
    return {key: donor for key, donor in donors.items() if donor != key}


@dataclass(frozen=True)
class Kept:
    """The kept outputs of one stored cell. Every read is verified against the row that was scored."""

    folder: Path
    record: Record
    files: OutputFiles

    def read(self, index: int, item: str, input_sha256: str, wanted: Any = None) -> tuple[Any, float]:
        """The output of a row, as `wanted`, and the seconds it took. Raises `LostOutput`."""
        record, file = self.record, output_file(self.folder, index, self.files.suffix)
        if index >= len(record.items) or record.items[index] != item:
            raise LostOutput(f"the cell has no row of {one_line(item, 60)}")
        if record.input_sha256[index] != input_sha256:
            raise LostOutput(f"the input of {one_line(item, 60)} has changed")
        if file.exists() and not (file.is_file() or file.is_dir()):  # a pipe would hang
            raise LostOutput(f"outputs/{file.name} is damaged")
        try:
            output = self.files.load(file, wanted)
        except FileNotFoundError:
            raise LostOutput(f"outputs/{file.name} is missing") from None
        except OSError:
            raise LostOutput(f"outputs/{file.name} cannot be read") from None
        except ValueError:
            raise LostOutput(f"outputs/{file.name} is damaged") from None
        if self.files.digest(output) != record.output_sha256[index]:
            raise LostOutput(f"outputs/{file.name} is damaged")
        return output, float(record.seconds[index])

    def lend(self, index: int, folder: Path) -> None:
        """Give another cell the same output: a hard link, a copy where the disk has none. Each cell stays whole
        when the other one is removed. Raises `LostOutput`, and OSError for a full disk."""
        source, target = (output_file(place, index, self.files.suffix) for place in (self.folder, folder))
        target.parent.mkdir(exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(source, target)
        except FileNotFoundError:
            raise LostOutput(f"outputs/{source.name} is missing") from None
        except OSError:
            shutil.copyfile(source, target)


def open_kept(store: Path, key: str, files: OutputFiles) -> Kept:
    """The kept outputs of a cell. Raises `LostOutput` where the cell is gone or damaged."""
    try:
        return Kept(cell_dir(store, key), read_record(store, key, {}), files)
    except UsageError:
        raise LostOutput("the cell is gone or damaged") from None


def save_output(folder: Path, index: int, output: Any, files: OutputFiles) -> None:
    """Keep an output in the folder of a cell. Raises OSError."""
    file = output_file(folder, index, files.suffix)
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)  # it may be a link to the output of another cell
    files.save(output, file)


def drop_outputs(folder: Path, indices: Iterable[int]) -> None:
    """Remove what the folder of an unfinished cell keeps of items other than these, which have a row.

    A run that was stopped, or met a full disk, may have left it half-written.
    """
    outputs, whole = folder / "outputs", {f"{index:05d}" for index in indices}
    if outputs.is_dir():
        for file in list(outputs.iterdir()):
            if file.name.partition(".")[0] not in whole:
                file.unlink()
        with suppress(OSError):  # there are some
            outputs.rmdir()


def damaged_outputs(folder: Path, record: Record, files: OutputFiles) -> list[str]:
    """Kept outputs of a stored cell that are missing or not what its rows say, one line each."""
    damages: list[str] = []
    if not (folder / "outputs").is_dir():
        return damages
    kept, whole = (
        Kept(folder, record, files),
        record.cell.request is not None and record.cell.request.keep == "all",
    )
    for index, item in enumerate(record.items):
        if whole or output_file(folder, index, files.suffix).exists():
            try:
                kept.read(index, item, record.input_sha256[index])
            except LostOutput as error:
                damages.append(str(error))
    return damages
