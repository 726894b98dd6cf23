"""A run in several parts, such as the tasks of an array job: which cells belong to which shard.

A store remembers the shard of each cell, in `shards/<number of shards>.json`: every task reads the same, and a method
that is added later moves no cell. Costs are those that the store knew when its first shard began, so that copies of
one store, each with a task of its own, divide alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from ..data.disk import locked, noticing_full_disk, write_file
from ..planning.cells import PlannedCell
from ..store.keys import combined
from ..text.errors import UsageError, one_line
from ..text.json_values import parsed
from .forecast import Rates, expected_seconds

_LARGEST = 100_000


class Division(TypedDict):
    """Key of a cell → its shard, from 1; the seconds that each shard has so far, and the rates that they come from."""

    cells: dict[str, int]
    seconds: list[float]
    rates: Rates


@dataclass(frozen=True)
class Shard:
    """One part of a run: the `number`-th, from 1, `of` so many."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def read_shard(text: str) -> Shard:
    """`3/16` as a shard. Raises ValueError with what was due."""
    match = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]) <= _LARGEST:
        raise ValueError("K/N, the K-th of N parts, such as 3/16")
    return Shard(int(match[1]), int(match[2]))


def cells_of(
    shard: Shard, cells: Sequence[PlannedCell], store: Path, rates: Callable[[], Rates], *, keep: bool
) -> list[PlannedCell]:
    """The cells of a plan that belong to a shard, with those that they need; `keep`: what is new is remembered.

    `rates` are asked for where the store remembers none. Raises `UsageError` where what it remembers is damaged, and
    `DiskFull`.
    """
    file = store / "shards" / f"{shard.of}.json"
    with locked(store, f"shards-{shard.of}") if keep else nullcontext():
        stored = _read(file, shard.of)
        known = stored["rates"] if stored is not None else rates()
        division = divided(cells, stored or {"cells": {}, "seconds": [0.0] * shard.of, "rates": known})
        if keep and division != stored:
            with noticing_full_disk(store):
                file.parent.mkdir(exist_ok=True)
                write_file(file, json.dumps(division, sort_keys=True).encode())
    wanted = {key for key, number in division["cells"].items() if number == shard.number}
    by_key = {cell.key: cell for cell in cells}
    waiting = [key for key in by_key if key in wanted]
    due: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key not in due:
            due.add(key)
            waiting += [other for other in by_key[key].after or () if other in by_key]
    return [cell for cell in cells if cell.key in due]


def divided(cells: Sequence[PlannedCell], before: Division) -> Division:
    """A division with all `cells` in it: what is new goes to the shard with least to do, the longest first.

    Cells that need each other, such as a training and those that use it, are of one shard.
    """
    expected = {cell.key: expected_seconds(cell, before["rates"]) for cell in cells}
    known = [seconds for seconds in expected.values() if seconds is not None]
    usual = sum(known) / len(known) if known else 1.0
    groups = []
    for group in _groups(cells):
        keys = [cell.key for cell in group]
        new = [key for key in keys if key not in before["cells"]]
        if new:
            due = sum(usual if (seconds := expected[key]) is None else seconds for key in new)
            place = min((before["cells"][k] for k in keys if k in before["cells"]), default=0)
            groups.append((due, min(map(_lot, group)), min(new), new, place))
    division: Division = {"cells": dict(before["cells"]), "seconds": list(before["seconds"]), "rates": before["rates"]}
    for due, _, _, new, place in sorted(groups, key=lambda group: (-group[0], *group[1:3])):
        number = place or 1 + min(range(len(division["seconds"])), key=lambda n: (division["seconds"][n], n))
        division["seconds"][number - 1] += due
        division["cells"].update(dict.fromkeys(new, number))
    return division


def _lot(cell: PlannedCell) -> str:
    """What shuffles cells by what the suite says of them. Their keys would divide those of an edited method anew, and
    all others with them, where each task has a store of its own."""
    named = [getattr(cell, part).spec for part in ("method", "dataset", "regime", "protocol")]
    named_parts = [cell.kind, cell.track, *named, cell.seed, cell.inputs.get("size")]
    return combined([json.dumps(named_parts)])


def _groups(cells: Sequence[PlannedCell]) -> list[list[PlannedCell]]:
    """The cells that need each other, directly or by way of others, together."""
    parent: dict[str, str] = {cell.key: cell.key for cell in cells}

    def root(key: str) -> str:
        while parent[key] != key:
            parent[key] = key = parent[parent[key]]
        return key

    for cell in cells:
        for other in cell.after or ():
            if other in parent:
                parent[root(cell.key)] = root(other)
    groups: dict[str, list[PlannedCell]] = {}
    for cell in cells:
        groups.setdefault(root(cell.key), []).append(cell)
    return list(groups.values())


def _read(file: Path, of: int) -> Division | None:
    """What a store remembers of a division into so many shards. Raises `UsageError` where it is damaged."""
    try:
        division: Division = parsed(file.read_bytes())
    except OSError:
        return None
    except ValueError:
        raise _damaged(file) from None
    sound = (
        isinstance(division, dict)
        and isinstance(division.get("cells"), Mapping)
        and all(isinstance(number, int) and 1 <= number <= of for number in division["cells"].values())
        and isinstance(division.get("seconds"), list)
        and len(division["seconds"]) == of
        and isinstance(division.get("rates"), Mapping)
        and all(isinstance(n, int | float) for n in (*division["seconds"], *division["rates"].values()))
    )
    if not sound:
        raise _damaged(file)
    return division


def _damaged(file: Path) -> UsageError:
    return UsageError(f"{one_line(file)} is damaged: delete it, and cells are divided anew")
