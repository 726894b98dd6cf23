"""Many mappings that have much in common, as JSON that has each of their parts once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def packed(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mappings of JSON values, many of which are alike, as JSON that has each such part once: see `unpacked`.

    Column by column: of 100,000 cells that takes a third of the time of cell by cell.
    """
    parts: list[Any] = []
    places: dict[int | str, int] = {}

    def columns(given: Sequence[Mapping[str, Any]]) -> list[Any]:
        """For all mappings of the same names: these, where they stand, and a column for each name."""
        return [
            [names, where, [column(name, [given[n][name] for n in where]) for name in names]]
            for names, where in _alike(map(tuple, given)).items()
        ]

    def column(name: str, values: Sequence[Any]) -> Any:
        """The columns of mappings; else the places of parts, or the one place of all."""
        if name in _SPLIT and all(values):
            return {"columns": columns(values)}
        ids = list(map(id, values))
        alike = ids.count(ids[0]) == len(ids)
        different = {ids[0]: values[0]} if alike else dict(zip(ids, values, strict=True))
        for number, part in different.items():
            if number not in places:
                places[number] = places.setdefault(repr(part), len(parts))
                if places[number] == len(parts):
                    parts.append(part)
        return places[ids[0]] if alike else list(map(places.__getitem__, ids))

    return {"columns": columns(values), "count": len(values), "parts": parts}


_SPLIT = ("inputs", "request")
"""Parts of a cell that no two have alike, and that are made of parts which many have."""


def unpacked(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The mappings back; what they have alike is one object, so that nobody may change it."""
    parts = given["parts"]

    def mappings(columns: Sequence[Any], count: int) -> list[dict[str, Any]]:
        made: list[Any] = [None] * count
        for names, where, every in columns:
            rows = zip(*(values(column, len(where)) for column in every), strict=True)
            for n, row in zip(where, rows if names else itertools.repeat((), len(where)), strict=True):
                made[n] = dict(zip(names, row, strict=True))
        return made

    def values(column: Any, count: int) -> Iterable[Any]:
        if isinstance(column, dict):
            return mappings(column["columns"], count)
        if isinstance(column, int):
            return itertools.repeat(parts[column], count)
        return [parts[place] for place in column]

    return mappings(given["columns"], given["count"])


def _alike(shapes: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], list[int]]:
    """Each shape with the places at which it stands."""
    found: dict[tuple[str, ...], list[int]] = {}
    for place, shape in enumerate(shapes):
        found.setdefault(shape, []).append(place)
    return found
