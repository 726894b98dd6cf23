"""Restored pictures that a stored cell kept: which cell has those another one needs, and reading them back verified."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UsageError, one_line
from ..plan import restoration_key
from ..regimes.degrade import bytes_sha256
from .cells import cell_dir, keys, read_cell, read_record
from .record import Record


class LostOutput(Exception):
    """A kept output that is missing or not what was scored, in words."""


def output_file(folder: Path, index: int) -> Path:
    """Where the restored picture of a row lies, in the folder of a cell."""
    return folder / "outputs" / f"{index:05d}.npy"


def find_donors(store: Path, cells: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Key of a planned cell → key of a stored ok cell that kept all the restored pictures it asks for.

    Both have the same inputs but for protocol and metrics. A cell whose method ran is preferred to one that was
    re-scored itself.
    """
    wanted = {cell["key"]: restoration_key(cell["inputs"]) for cell in cells if cell["kind"] == "score"}
    offered: dict[str, tuple[bool, str]] = {}
    for key in keys(store) if wanted else ():
        outputs = cell_dir(store, key) / "outputs"
        if not outputs.is_dir():
            continue
        try:
            cell = read_cell(store, key)
            n = cell["dataset"]["pictures"]
            kept_all = cell["request"].get("keep") == "all" or len(list(outputs.glob("*.npy"))) == n
            if cell["kind"] == "score" and cell["outcome"] == "ok" and kept_all:
                restoration, offer = restoration_key(cell["inputs"]), ("rescored" in cell, key)
                offered[restoration] = min(offered.get(restoration, offer), offer)
        except (OSError, UsageError, KeyError, AttributeError):
            continue
    return {key: offered[what][1] for key, what in wanted.items() if what in offered and offered[what][1] != key}


@dataclass(frozen=True)
class Kept:
    """The kept outputs of one stored cell. Every read is verified against the row that was scored."""

    folder: Path
    record: Record

    def read(
        self, index: int, item: str, input_sha256: str, shape: tuple[int, ...] | None = None
    ) -> tuple[npt.NDArray[np.float32], float]:
        """The restored picture, float32 (H, W, C) of `shape`, and the seconds it took. Raises `LostOutput`."""
        record, file = self.record, output_file(self.folder, index)
        if index >= len(record.items) or record.items[index] != item:
            raise LostOutput(f"it has no row of {one_line(item, 60)}")
        if record.input_sha256[index] != input_sha256:
            raise LostOutput(f"the noisy picture of {one_line(item, 60)} is another now")
        try:
            restored = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            missing = isinstance(error, FileNotFoundError)
            raise LostOutput(f"outputs/{file.name} {'is missing' if missing else 'cannot be read'}") from None
        right = restored.dtype == np.float32 and restored.shape == (shape or restored.shape)
        if not right or bytes_sha256(restored) != record.output_sha256[index]:
            raise LostOutput(f"outputs/{file.name} is damaged")
        return restored, float(record.seconds[index])

    def lend(self, index: int, folder: Path) -> None:
        """Give another cell the same output: a hard link, a copy where the disk has none. Each cell stays whole
        when the other one is removed. Raises `LostOutput`, and OSError for a full disk."""
        source, target = output_file(self.folder, index), output_file(folder, index)
        target.parent.mkdir(exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(source, target)
        except FileNotFoundError:
            raise LostOutput(f"outputs/{source.name} is missing") from None
        except OSError:
            shutil.copyfile(source, target)


def open_kept(store: Path, key: str) -> Kept:
    """The kept outputs of a cell. Raises `LostOutput` where the cell is gone or damaged."""
    try:
        return Kept(cell_dir(store, key), read_record(store, key))
    except UsageError:
        raise LostOutput("the cell is gone or damaged") from None


def save_output(folder: Path, index: int, restored: npt.NDArray[np.float32]) -> None:
    """Keep a restored picture in the folder of a cell. Raises OSError."""
    file = output_file(folder, index)
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)  # it may be a link to the output of another cell
    np.save(file, restored)


def damaged_outputs(folder: Path, record: Record) -> list[str]:
    """Kept outputs of a stored cell that are missing or not what its rows say, one line each."""
    found: list[str] = []
    if not (folder / "outputs").is_dir():
        return found
    kept, whole = Kept(folder, record), record.cell["request"].get("keep") == "all"
    for index, item in enumerate(record.items):
        if whole or output_file(folder, index).exists():
            try:
                kept.read(index, item, record.input_sha256[index])
            except LostOutput as lost:
                found.append(str(lost))
    return found
