"""Many typed objects that have much in common, as JSON that has each of their parts once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import repeat
from operator import itemgetter
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from ..planning.cells import PlannedCell
from ..planning.planned_cells import PlannedCells, RegimeFields
from ..store.cell import Request
from ..store.cell_json import is_one_object, plain_values, struct_fields, written_columns
from ..store.tables import copies

S = TypeVar("S", bound=Struct)


def packed(values: Sequence[Struct]) -> dict[str, Any]:
    """Objects, many of which are alike, as JSON that has each part that several share once: see `unpacked`.

    Column by column: of 100,000 cells that takes a third of the time of cell by cell.
    """
    parts: list[Any] = []
    places: dict[int | str, int] = {}

    def mapped(given: Sequence[Mapping[str, Any]]) -> list[Any]:
        """For all mappings of the same names: these, where they stand, and a column for each name."""
        return [
            [names, where, [column(name, list(map(itemgetter(name), chosen))) for name in names]]
            for names, where in _places_by_shape(map(tuple, given)).items()
            for chosen in (_chosen(given, where),)
        ]

    def written(given: Sequence[Struct]) -> list[Any]:
        """The same of objects with what is written of each."""
        columns = list(written_columns(given)) if given else []
        always = [(name, values) for name, values, is_written in columns if all(is_written)]
        sometimes = [one for one in columns if any(one[2]) and not all(one[2])]
        shapes = zip(*(one[2] for one in sometimes), strict=True) if sometimes else repeat((), len(given))
        result = []
        for shape, where in _places_by_shape(shapes).items():
            chosen = always + [one[:2] for one, is_there in zip(sometimes, shape, strict=True) if is_there]
            every = [column(name, _chosen(values, where)) for name, values in chosen]
            result.append([[name for name, _ in chosen], where, every])
        return result

    def column(name: str, values: Sequence[Any]) -> Any:
        """The columns of mappings; else the places of parts, or the one place of all."""
        if name in _SPLIT and all(values):
            return {"columns": mapped(values) if name == "inputs" else written(values)}
        alike = is_one_object(values[0], values)
        ids = list(map(id, values[:1] if alike else values))
        for number, part in dict(zip(ids, values, strict=not alike)).items():
            if number not in places:
                places[number] = places.setdefault(repr(part), len(parts))
                if places[number] == len(parts):
                    parts.append(part)
        return places[ids[0]] if alike else list(map(places.__getitem__, ids))

    return {"columns": written(values), "count": len(values), "parts": plain_values(parts)}


def packed_plan(cells: PlannedCells) -> dict[str, Any]:
    """The cells of a plan as JSON, each template and regime once: see `unpacked_plan`."""
    return {
        "templates": packed(cells.templates),
        "regimes": packed(cells.regimes),
        "keys": cells.keys,
        "template_of": cells.template_of,
        "regime_of": cells.regime_of,
    }


def unpacked_plan(given: Mapping[str, Any]) -> list[PlannedCell]:
    """The cells back; what they have alike is one object, so that nobody may change it."""
    templates, regimes = unpacked(given["templates"], PlannedCell), unpacked(given["regimes"], RegimeFields)
    return list(PlannedCells(templates, regimes, given["keys"], given["template_of"], given["regime_of"]))


_SPLIT = ("inputs", "request")
"""Parts of a cell that no two have alike, and that are made of parts which many have."""


def unpacked(given: Mapping[str, Any], kind: type[S]) -> list[S]:
    """The objects back; what they have alike is one object, so that nobody may change it."""
    parts = given["parts"]
    typed: dict[str, dict[int, Any]] = {}

    def objects(columns: Sequence[Any], count: int, make: type[Any]) -> list[Any]:
        built: list[Any] = [None] * count
        types = _types(make) if issubclass(make, Struct) else {}
        for names, where, every in columns:
            fields = [
                values(name, column, len(where), types.get(name, Any))
                for name, column in zip(names, every, strict=True)
            ]
            if issubclass(make, Struct):
                objects_of_columns: Iterable[Any] = copies(make, dict(zip(names, fields, strict=True)), len(where))
            else:
                rows = zip(*fields, strict=True) if names else repeat((), len(where))
                objects_of_columns = (dict(zip(names, row, strict=True)) for row in rows)
            for n, one in zip(where, objects_of_columns, strict=True):
                built[n] = one
        return built

    def values(name: str, column: Any, count: int, of: Any) -> Iterable[Any]:
        if isinstance(column, dict):
            return objects(column["columns"], count, dict if name == "inputs" else Request)
        known = typed.setdefault(repr(of), {})
        for place in {column} if isinstance(column, int) else set(column) - known.keys():
            known[place] = msgspec.convert(parts[place], of)
        if isinstance(column, int):
            return repeat(known[column], count)
        return [known[place] for place in column]

    whole: list[S] = objects(given["columns"], given["count"], kind)
    return whole


@cache
def _types(kind: type[Struct]) -> dict[str, Any]:
    return {field.name: field.type for field in struct_fields(kind)}


def _chosen(values: Sequence[Any], where: Sequence[int]) -> Sequence[Any]:
    """The values at places, which are in order."""
    return values if len(where) == len(values) else [values[place] for place in where]


def _places_by_shape(shapes: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], list[int]]:
    """Each shape with the places at which it stands."""
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, shape in enumerate(shapes):
        places[shape].append(place)
    return places
