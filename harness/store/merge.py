"""Several stores made one: each cell is copied whole, and what two stores have differently is a conflict."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import UNSET

from ..data.disk import noticing_full_disk, read_regular, write_file
from ..text.errors import UsageError, one_line
from ..text.json_values import parsed
from .cell import NOT_OK, SCHEMA, Cell, Cost
from .cells import (
    FILES,
    WEIGHTS,
    Damaged,
    asked_of,
    cell_dir,
    cell_lock,
    existing_store,
    keys,
    open_store,
    read_record,
    refuse_read_only,
    schema_of,
    seals_cells,
    staged,
)
from .names import Names, add_names, read_names, with_added
from .outputs import outputs_in
from .previews import picture_file, read_views
from .record import WAITED, Record, place_text
from .request_times import asked_in
from .upkeep import wrong_weights

_SHOWN = 60


@dataclass
class Merger:
    """What is to be copied (key → store), and what stands against it.

    `alike` counts cells that several stores have with one result, `measured` costs that were measured in several,
    `bettered` results of one store that stand for a failure in another, and `failed` cells that several have without a
    result. `damaged` cells are left out. `unfinished` counts cells that only have partial rows. With `conflicts`
    nothing is to be copied. `asked`: when a run asked for a cell last, in any store, by which boards tell versions of a
    method.
    """

    chosen: dict[str, Path] = field(default_factory=dict)
    names: Names = field(default_factory=dict)
    alike: int = 0
    measured: int = 0
    bettered: int = 0
    failed: int = 0
    unfinished: int = 0
    asked: dict[str, str] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def plan_merger(stores: Sequence[Path]) -> Merger:
    """What a merger of stores would copy, of equal cells the first that kept most outputs, of costs the first that was
    measured beside least other work; nothing is written.

    Raises `UsageError` for what is no store, is named twice, or was written before cells had seals.
    """
    for number, store in enumerate(stores):
        _refuse_old(existing_store(store))
        if any(os.path.samefile(store, other) for other in stores[:number]):
            raise UsageError(f"store {one_line(store)} is named twice: name each store once")
    merger = Merger()
    for store in stores:
        stored, noted = set(keys(store)), asked_in(store)
        merger.unfinished += sum(1 for folder in store.glob("partial/*") if folder.name not in stored)
        for key in sorted(stored):
            if key in merger.chosen:
                _compare(merger, key, store, noted)
                continue
            try:
                merger.asked[key] = _readable(store, key, noted).asked
            except Damaged as error:
                merger.damaged.append(str(error))
                continue
            merger.chosen[key] = store
        _add_names(merger, store)
    return merger


def _refuse_old(store: Path) -> None:
    if schema_of(store) < SCHEMA or not seals_cells(store):
        raise UsageError(
            f"store {one_line(store)} was written by an older noisebench: its cells cannot be merged; run them into a "
            "new --store"
        )


def _readable(store: Path, key: str, noted: Mapping[str, str]) -> Record:
    """One stored cell. Raises `Damaged`, also where a link, pipe or device is among the files that would be copied, and
    where the checkpoint of a training is not the one that was trained."""
    record = read_record(store, key, noted)
    _files(store, key)
    for why in wrong_weights(record.cell, cell_dir(store, key)):
        mend = f"`noisebench store rm {one_line(store)} {key[:12]} --yes` removes it, `run` does it again"
        raise Damaged(f"{one_line(store)}: cell {key[:12]}: {why}: {mend}")
    return record


def _files(store: Path, key: str) -> list[Path]:
    """The files of a cell, from its folder. Raises `Damaged` for one that is no regular file, such as a link."""
    folder = cell_dir(store, key)
    _refuse_foreign(folder)
    waiting, files = [folder / name for name in FILES], []
    while waiting:
        path = waiting.pop()
        if not os.path.lexists(path):
            continue
        _refuse_foreign(path)
        if path.is_dir():
            waiting += path.iterdir()
        else:
            files.append(path.relative_to(folder))
    return files


def _refuse_foreign(path: Path) -> None:
    """Raise `Damaged` for what is neither a regular file nor a folder: a link may lead out of the store."""
    mode = path.lstat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise Damaged(
            f"{one_line(path)} is {'a link' if stat.S_ISLNK(mode) else 'no regular file'}, which is not copied: "
            "put the file itself in its place, or remove it"
        )


def _compare(merger: Merger, key: str, store: Path, noted: Mapping[str, str]) -> None:
    """Hold a second store's cell against the one that was chosen."""
    try:
        second = _readable(store, key, noted)
    except Damaged as error:
        merger.damaged.append(str(error))
        return
    first = read_record(merger.chosen[key], key, {})
    merger.asked[key] = max(merger.asked[key], second.asked)
    if _settled(first.cell) != _settled(second.cell):
        merger.bettered += 1
        if _settled(second.cell):
            merger.chosen[key] = store
    elif not _settled(first.cell):
        merger.failed += 1
    elif why := (
        difference(first, second) or _other_tensors(*(cell_dir(s, key) / WEIGHTS for s in (merger.chosen[key], store)))
    ):
        parts = (first.cell.method.display, place_text(first.cell), first.cell.regime.display)
        label = " · ".join(one_line(text, _SHOWN) for text in parts if text)
        places = f"{one_line(merger.chosen[key])} and {one_line(store)}"
        merger.conflicts.append(f"cell {key[:12]} ({label}, seed {first.cell.seed}) of {places}: {why}")
    elif first.cell.kind == "cost":
        merger.measured += 1
        if _less_busy(second.cell.cost, first.cell.cost):
            merger.chosen[key] = store
    else:
        merger.alike += 1
        kept, more = (outputs_in(cell_dir(place, key) / "outputs") for place in (merger.chosen[key], store))
        if more > kept:
            merger.chosen[key] = store


def _less_busy(one: Cost | None, other: Cost | None) -> bool:
    """Whether one cost was measured on a machine that was less busy than that of the other, as both say.

    All that did not wait are alike: the first stays, so that those of many methods are of one machine.
    """
    if one is None or other is None:
        return False
    busy, before = one.busy, other.busy
    return busy is not UNSET and before is not UNSET and max(WAITED, busy) < before


def _settled(cell: Cell) -> bool:
    """Whether a run leaves a cell as it is: it has a result, or is skipped for good."""
    return cell.outcome not in NOT_OK and not (cell.outcome == "skipped" and cell.needs)


def difference(first: Record, second: Record) -> str:
    """What two results of one key differ in, empty where in nothing; times are no result, and not compared."""
    one, two = first.cell, second.cell
    if one.outcome != two.outcome:
        return f"one is {one.outcome}, the other {two.outcome}"
    if first.items != second.items:
        return "their items differ"
    for metric, values in first.scores.items():
        others = second.scores[metric]
        apart = np.flatnonzero((values != others) & ~(np.isnan(values) & np.isnan(others)))
        if len(apart):
            row = int(apart[0])
            where = f"{one_line(metric)} of {one_line(first.items[row])}"
            return f"{where} is {float(values[row])!r} in one, {float(others[row])!r} in the other"
    if first.output_sha256 != second.output_sha256:
        row = next(n for n, (a, b) in enumerate(zip(first.output_sha256, second.output_sha256, strict=True)) if a != b)
        return f"the outputs of {one_line(first.items[row])} differ, with equal scores"
    for name, part in one.sets.items():
        if name not in two.sets or part.value != two.sets[name].value:
            return f"{one_line(name)} of the set differs"
    return ""


def _other_tensors(first: Path, second: Path) -> str:
    """That two checkpoints hold other tensors; their cards, which have the times of a training, are not compared."""
    if not (first.is_file() and second.is_file()):
        return ""
    return "" if _tensors(first) == _tensors(second) else "the trained weights differ"


def _tensors(checkpoint: Path) -> tuple[Any, bytes]:
    """What a safetensors file holds but for its metadata: its header, and the bytes of the tensors."""
    data = read_regular(checkpoint)
    end = 8 + int.from_bytes(data[:8], "little")
    try:
        header = {name: part for name, part in parsed(data[8:end]).items() if name != "__metadata__"}
    except (ValueError, AttributeError):
        return None, data
    return header, data[end:]


def _add_names(merger: Merger, store: Path) -> None:
    """Add the names of a store; another name for one spec, or one name for two, is a conflict."""
    for track, kinds in read_names(store).items():
        known = merger.names.get(track, {})
        for kind, by_spec in kinds.items():
            for spec, name in by_spec.items():
                if known.get(kind, {}).get(spec, name) != name:
                    other = known[kind][spec]
                    merger.conflicts.append(
                        f"{kind} {one_line(spec, _SHOWN)} has the name {one_line(other)!r}, and {one_line(name)!r} in "
                        f"{one_line(store)}: change one in names.json"
                    )
        try:
            merger.names = with_added(merger.names, track, kinds)
        except UsageError as error:
            merger.conflicts.append(f"{one_line(store)}: {error}")


def merge(merger: Merger, to: Path) -> Iterator[str]:
    """Copy the cells of a merger into a store, which is made where it is not there; the key of each that is copied.

    A cell is there whole or not at all, so that a merger that was stopped goes on where it is begun again. Raises
    `UsageError` where the store cannot be written, or another run is at a cell, and `DiskFull`.
    """
    refuse_read_only(to)
    open_store(to)
    for track, kinds in merger.names.items():
        add_names(to, track, kinds)
    noted = asked_in(to)
    for key, store in merger.chosen.items():
        if store == to:
            _mark(to, key, merger.asked[key], noted)
            continue
        with cell_lock(to, key) as free:
            if not free:
                raise UsageError(f"another run is at cell {key[:12]} of {one_line(to)}: merge when it has ended")
            _copy(store, key, to)
        _mark(to, key, merger.asked[key], noted)
        yield key


def _mark(store: Path, key: str, asked: str, noted: Mapping[str, str]) -> None:
    """Note when a run asked for a cell last, where another store knows of a later one."""
    if asked > asked_of(store, key, noted):
        with noticing_full_disk(store):
            write_file(cell_dir(store, key) / "asked", asked.encode())


def _copy(store: Path, key: str, to: Path) -> None:
    """Copy one cell, after the pictures that it shows."""
    folder = cell_dir(store, key)
    for view, _ in read_views(folder / "outputs"):
        for name in (view.clean, view.noisy):
            source, target = picture_file(store, name), picture_file(to, name)
            if source.is_file() and not source.is_symlink() and not target.is_file():
                with noticing_full_disk(to):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    write_file(target, source.read_bytes())
    with staged(to, key) as stage:
        for file in _files(store, key):
            (stage / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / file, stage / file, follow_symlinks=False)
