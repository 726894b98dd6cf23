"""Set metrics of a board: one value a method, beside the floor that the truths themselves score; never ranked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..store.cell import SetPart
from ..store.record import Record
from ..store.results import Results
from .board import Board
from .grouping import digest, group_key, method_key

Parts = dict[str, SetPart]
"""Name of a set metric → its `SetPart`."""
LABELS = "labels"
"""The reference of a set metric that is of no reference set, and whose floor its note tells of."""


@dataclass(frozen=True)
class SetColumn:
    """A set metric of a board, with what all its values have in common. `label` tells two versions apart.

    `higher`: a larger value is better.
    """

    label: str
    name: str
    version: int
    features: str
    reference: str
    features_sha256: str
    resize: str
    d: int
    higher: bool = False


@dataclass(frozen=True)
class SetValue:
    """Value, standard error, 95 % interval and floor of a method; NaN or None where there is none, and why.

    Over several seeds each is the mean: the items are the same ones, so errors do not shrink with seeds.
    """

    value: float
    error: float | None
    interval: tuple[float, float] | None
    n: int
    floor: float | None
    flags: tuple[str, ...]
    note: str


def set_identity(name: str, part: SetPart) -> tuple[Any, ...]:
    """What two values must have in common to stand in one column."""
    return (
        name, part.version, part.features, part.reference, part.features_sha256, part.resize, part.d
    )  # fmt: skip


def set_columns(sets: Sequence[Parts]) -> tuple[SetColumn, ...]:
    """Every set metric that a cell was asked for, sorted; several of one name say what differs."""
    identities = sorted({set_identity(name, part) for parts in sets for name, part in parts.items()})
    upwards = {name for parts in sets for name, part in parts.items() if part.higher}
    columns = []
    for place, (name, version, features, reference, sha, resize, d) in enumerate(identities):
        twin = sum(other[0] == name for other in identities) > 1
        label = (
            f"{name} [{place + 1}: {features} {sha[:8]}, {resize}, {reference}, version {version}]" if twin else name
        )
        columns.append(SetColumn(label, name, version, features, reference, sha, resize, d, name in upwards))
    return tuple(columns)


@dataclass(frozen=True)
class BoardSets:
    """The set metrics of one board: its columns, and the values of each method by label of row and column."""

    columns: tuple[SetColumn, ...]
    values: dict[str, dict[str, SetValue]]


def board_sets(boards: Sequence[Board], records: Results) -> list[BoardSets | None]:
    """The set metrics of each board, None where it has none. `records` are those that the boards were made of."""
    if not any(records.distinct("cell.sets")):
        return [None] * len(boards)
    by_key = {r.cell.key: r for r in records}
    scored = Results.of(sorted(records.where(kind="score", outcome="ok"), key=lambda r: r.cell.key))
    alike = scored.grouped(map(_outputs_of, scored))
    columns_of_sets = []
    for board in boards:
        rows = {row.label: [_merged(alike[_outputs_of(by_key[key])]) for key in row.keys] for row in board.rows}
        columns = set_columns([parts for seeds in rows.values() for parts in seeds])
        values = {label: set_values(seeds, columns) for label, seeds in rows.items()}
        columns_of_sets.append(BoardSets(columns, values) if columns else None)
    return columns_of_sets


def _outputs_of(record: Record) -> tuple[Any, ...]:
    """What cells of one method, place and seed have in common whatever they were scored by."""
    return group_key(record.cell), method_key(record.cell), record.cell.seed, digest(record.output_sha256)


def _merged(records: Results) -> Parts:
    """The set metrics of cells that gave the same outputs; one that has a value goes first."""
    merged: Parts = {}
    for record in records:
        for name, part in (record.cell.sets or {}).items():
            if name not in merged or (merged[name].value is None and part.value is not None):
                merged[name] = part
    return merged


def set_values(of_method: Sequence[Parts], columns: Sequence[SetColumn]) -> dict[str, SetValue]:
    """The values of one method, parts a seed, by label of the column."""
    return {c.label: value for c in columns if (value := _value(of_method, c)) is not None}


def _value(of_method: Sequence[Parts], column: SetColumn) -> SetValue | None:
    wanted = (column.name, column.version, column.features, column.reference, column.features_sha256, column.resize,
              column.d)  # fmt: skip
    parts = []
    for known_parts in of_method:
        part = known_parts.get(column.name)
        if part is None or set_identity(column.name, part) != wanted:
            return None
        parts.append(part)
    first = parts[0]
    flags = tuple(sorted({f for p in parts for f in p.flags}))
    lacking = next((p for p in parts if p.value is None), None)
    if lacking is not None:
        return SetValue(math.nan, None, None, lacking.n, None, flags, lacking.note)
    notes = sorted({p.note for p in parts if p.note})
    if len(parts) > 1:
        notes.append(f"mean over {len(parts)} seeds")
    low, high = (_mean([p.interval[k] if p.interval else None for p in parts]) for k in (0, 1))
    value = _mean([p.value for p in parts])
    return SetValue(
        math.nan if value is None else value,
        _mean([p.error for p in parts]),
        None if low is None or high is None else (low, high),
        first.n,
        _mean([p.floor for p in parts]),
        flags,
        "; ".join(notes),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean, None where one is missing."""
    defined = [float(v) for v in values if v is not None]
    return math.fsum(defined) / len(defined) if defined and len(defined) == len(values) else None
