"""The plug-ins of a bundle: their source files, compared with those that the cells were made with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from msgspec import structs

from ...components.fingerprint import source_in
from ...components.sources import module_sources
from ...store.cell import Cell, Request
from ...store.export import is_source_place
from ...store.file_changes import ABSENT
from ...store.record import Plugins, Record
from ...store.results import Results
from ...text.errors import one_line
from ..private_paths import message_without_folders

LARGEST, LARGEST_TOGETHER = 1 << 20, 8 << 20
"""Bytes of one source file, and of all."""
_PACKAGE = __name__.partition(".")[0]
_PUT = "is not in the bundle: put it into plugins/"


@dataclass
class _PluginFiles:
    """What was found on the disk: texts by place, and why a file that is there is not carried."""

    texts: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def with_plugins(records: Results) -> tuple[Results, list[str]]:
    """The records with the plug-ins that they were made with, without the folders of this machine; what is amiss.

    Of a store, plug-ins are read where its cells say that they lie; of an export, they are what it carries. A line
    names each file that is not there any more, is too large, or is another than it was.
    """
    places = _places(dict.fromkeys(path for record in records for path in _requested(record)))
    files = _PluginFiles()
    missing = []
    for path, place in places.items():
        if Path(path).is_file():
            _read(Path(path).resolve(), place.rpartition("/")[0], records, files)
        else:
            missing.append(f"plug-in {place} was not found: put it into plugins/")
    updated = list[Record]()
    for record in records:
        loaded = tuple(filter(is_source_place, dict.fromkeys(places[path] for path in _requested(record))))
        plugins = record.plugins or (Plugins(loaded, files.texts) if loaded else None)
        updated.append(replace(record, cell=_without_folders(record.cell), plugins=plugins))
    results = Results.of(updated)
    amiss = _amiss(results, {*files.left_out, *(place for path, place in places.items() if not Path(path).is_file())})
    return results, [one_line(line, 300) for line in (*missing, *files.left_out.values(), *amiss)]


def _requested(record: Record) -> list[str]:
    return list((record.cell.request or Request()).plugins or ())


def _places(paths: Iterable[str]) -> dict[str, str]:
    """Where each plug-in has its place; where there are several folders, they are numbered."""
    files = {path: Path(path) for path in paths}
    folders = {folder: n for n, folder in enumerate(dict.fromkeys(path.parent for path in files.values()), 1)}
    return {
        name: f"{folders[path.parent]}/{path.name}" if len(folders) > 1 else path.name for name, path in files.items()
    }


def _read(plugin: Path, place: str, records: Results, files: _PluginFiles) -> None:
    """Read a plug-in, what it imports from its folder, and what the methods of that folder are made of."""
    folder = plugin.parent
    labels = (label.partition("/") for label in module_sources(plugin, plugin.stem))
    names = {name for root, _, name in labels if root == plugin.stem}
    for record in records:
        roots = (record.cell.request or Request()).folders or {}
        for label in record.cell.method.sources:
            root, _, name = label.partition("/")
            if root in roots and Path(roots[root]).resolve() == folder and (folder / name).is_file():
                names.add(name)
    for name in sorted(names):
        target = f"{place}/{name}" if place else name
        # What a store says of its methods may name any file.
        if target in files.texts or not is_source_place(target):
            continue
        data = (folder / name).read_bytes()
        if len(data) > LARGEST or len(data) + sum(map(len, files.texts.values())) > LARGEST_TOGETHER:
            files.left_out[target] = f"{target} is too large and {_PUT}"
            continue
        try:
            files.texts[target] = data.decode("utf-8")
        except UnicodeDecodeError:
            files.left_out[target] = f"{target} is not UTF-8 and {_PUT}"


def _amiss(records: Results, named: set[str]) -> list[str]:
    """Files of methods that are not carried or have changed, a line each; `named` have a line already."""
    hashes: dict[str, set[str]] = {name: set() for place in named for name in _names(place)}
    carried = {place: text for one in records if one.plugins for place, text in one.plugins.files.items()}
    for place, text in carried.items():
        for name in _names(place):
            data = text.encode("utf-8", "replace")
            # Cells of before have the hashes of bytes.
            now = source_in(data, "", name.count("/")).sha256, hashlib.sha256(data).hexdigest()
            hashes.setdefault(name, set()).update(now)
    lines: dict[str, None] = {}
    for record in records:
        for file, sha in _foreign_files(record.cell.method.sources):
            if file not in hashes:
                lines[f"{file}, source code of methods, {_PUT}, or install its package"] = None
            elif hashes[file] and sha not in hashes[file]:
                lines[f"{file} has changed since the run: suites that use it plan other cells"] = None
        for file, sha in _foreign_files(record.cell.opened or {}):
            if file not in hashes and sha != ABSENT:
                lines[f"{file} (SHA-256 {sha[:12]}…), which a method reads, {_PUT}"] = None
    return list(lines)


def _names(place: str) -> set[str]:
    """A place, and the same without the number of its folder."""
    return {place, re.sub(r"^\d+/", "", place)}


def _foreign_files(files: Mapping[str, str]) -> list[tuple[str, str]]:
    """The files that are not of noisebench, named from their package or folder, and their hashes."""
    foreign = [(name, sha) for name, sha in files.items() if name.partition("/")[0].partition(".")[0] != _PACKAGE]
    return [(name.partition("/")[2] or name, sha) for name, sha in foreign]


def _without_folders(cell: Cell) -> Cell:
    """The cell without the folders that its messages name."""
    bare = message_without_folders
    reason, traceback, notes = bare(cell.reason), bare(cell.traceback), [*map(bare, cell.notes)]
    return structs.replace(cell, reason=reason, traceback=traceback, notes=notes)
