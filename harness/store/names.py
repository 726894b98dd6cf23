"""Names under which methods and datasets are shown: one small file of a store, beside its cells and in no key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from ..data.disk import locked, noticing_full_disk, read_regular, write_file
from ..suite.reading import shown_name
from ..text.errors import UsageError, one_line
from ..text.json_values import parsed
from .cell import CellIdentity
from .record import NAMED, Record

Names = dict[str, dict[str, dict[str, str]]]
"""Track → `method` or `dataset` → canonical spec → name."""
_BEFORE = 40
"""Characters of a long spec that are shown before the place where it differs from another."""


def read_names(store: Path) -> Names:
    """The names that runs into a store have given. Raises `UsageError` where the file is not as it was written."""
    file = store / "names.json"
    try:
        data = read_regular(file)
    except OSError:
        return {}
    try:
        names: Names = parsed(data)
        for kinds in names.values():
            for by_spec in kinds.values():
                for name in by_spec.values():
                    shown_name(name)
    except (ValueError, AttributeError) as error:
        raise UsageError(
            f"{one_line(file)} is damaged ({one_line(error, 80)}): delete it, and give the names again"
        ) from None
    return names


def names_of(cell: CellIdentity, names: Names) -> dict[str, str]:
    """The names of the method and the dataset of a cell, those that have one."""
    kinds = names.get(cell.track, {})
    specs = {"method": cell.method.spec, "dataset": cell.dataset.spec}
    return {kind: kinds[kind][spec] for kind, spec in specs.items() if spec in kinds.get(kind, {})}


def named(record: Record, names: Names) -> Record:
    """The record with the names that its store has for it."""
    shown = names_of(record.cell, names)
    return replace(record, names=shown) if shown else record


def spec_of(names: Names, kind: str, name: str) -> str | None:
    """The canonical spec that is shown under a name on some track; None where none is."""
    specs = (spec for kinds in names.values() for spec, shown in kinds.get(kind, {}).items() if shown == name)
    return next(specs, None)


def with_added(names: Names, track: str, added: Mapping[str, Mapping[str, str]]) -> Names:
    """`names` with those `added` of a track, kind → spec → name. Raises `UsageError` where two specs have one name."""
    before = names.get(track, {})
    kinds = {kind: {**before.get(kind, {}), **added.get(kind, {})} for kind in {**before, **added}}
    for kind, by_spec in kinds.items():
        owners: dict[str, str] = {}
        for spec, name in by_spec.items():
            other = owners.setdefault(name, spec)
            if other != spec:
                raise UsageError(
                    f"the name {one_line(name)!r} is already that of {kind} {_ending(other, spec)} in this store: "
                    f"choose another name for {_ending(spec, other)}, or change that one in names.json"
                )
    return {**names, track: kinds}


def with_others(names: Names, others: Names) -> Names:
    """`names`, and of `others` those whose spec has no name and whose name has no spec."""
    every: Names = {}
    for track in {**names, **others}:
        first, second = names.get(track, {}), others.get(track, {})
        for kind in {**first, **second}:
            by_spec = first.get(kind, {})
            added = {spec: name for spec, name in second.get(kind, {}).items() if name not in by_spec.values()}
            every.setdefault(track, {})[kind] = {**added, **by_spec}
    return every


def _ending(spec: str, other: str) -> str:
    """A spec from shortly before the place where it differs from another one."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(spec, other, strict=False)))
    start = max(0, same - _BEFORE)
    return ("…" if start else "") + one_line(spec[start:], 120)


def add_names(store: Path, track: str, added: Mapping[str, Mapping[str, str]]) -> None:
    """Add names to a store, a later name of a spec in place of its earlier one. Raises `UsageError`, `DiskFull`."""
    with noticing_full_disk(store), locked(store, "names"):
        before = read_names(store)
        after = with_added(before, track, added)
        if after != before:
            write_file(store / "names.json", (json.dumps(after, indent=1, sort_keys=True) + "\n").encode())


def why_no_names(value: Any) -> str | None:
    """Why a value is not the names of one cell, as an export has them."""
    if not isinstance(value, dict) or not set(value) <= set(NAMED):
        return f"`names` may have {' and '.join(NAMED)}"
    try:
        for name in value.values():
            shown_name(name)
    except ValueError as error:
        return f"`names`: {error} was due"
    return None
