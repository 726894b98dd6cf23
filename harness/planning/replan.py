"""Plan stored cells again: the key and the inputs that each would have now."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from msgspec import Struct

from ..components.tracks import DEFAULT
from ..store.cell import Kind, Request
from ..store.cell_json import struct_fields, written_fields
from ..suite.suite import CostPlan, Limits, Suite
from ..text.errors import UsageError
from .cells import PlannedCell
from .plan import plan


class Replanned(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The key and inputs that a stored cell would have now, and its request; `error` where it cannot be planned."""

    key: str = ""
    kind: Kind = "score"
    inputs: dict[str, Any] = {}
    request: Request | None = None
    error: str = ""


def replan(requests: Sequence[Request]) -> list[Replanned]:
    """Plan each request again. Requests that make up one suite are planned together, as in a run."""
    start, plans = os.getcwd(), dict[int, Replanned]()
    for block in _blocks(requests):
        first = requests[block.places[0]]
        try:
            suite = _suite(first)
        except KeyError as error:
            plans.update((place, Replanned(error=f"its request lacks {error}: run it again")) for place in block.places)
            continue
        os.chdir(cwd if os.path.isdir(cwd := first.cwd or "") else start)
        planned = _planned(replace(suite, **block.axes), len(block.places))
        if planned is None:  # they cannot be planned together: plan each by itself
            for place in block.places:
                plans[place] = _replan_one(_suite(requests[place]))
        else:
            plans.update(zip(block.places, planned, strict=True))
    return [plans[place] for place in range(len(requests))]


def _replan_one(suite: Suite) -> Replanned:
    """The last cell of a suite, behind the trainings that it needs."""
    try:
        return _replanned(plan(suite)[-1])
    except UsageError as error:
        return Replanned(error=str(error))


def _planned(suite: Suite, count: int) -> list[Replanned] | None:
    """The `count` cells that a suite scores, in their order; None where it has others, or cannot be planned."""
    try:
        cells = plan(suite)
    except UsageError:
        return None
    scored = [cell for cell in cells if cell.kind == "score"]
    return [_replanned(cell) for cell in scored] if len(scored) == count else None


def _replanned(cell: PlannedCell) -> Replanned:
    return Replanned(key=cell.key, kind=cell.kind, inputs=cell.inputs, request=cell.request)


@dataclass(frozen=True)
class _RequestBlock:
    """Requests that make up one suite: `axes` are its lists of specs, `places` those of its cells, in order."""

    axes: dict[str, Any]
    places: list[int]


_AXES = ("datasets", "regimes", "seeds", "methods")
"""The axes of a suite, in the order of a plan: the last changes fastest."""


def _blocks(requests: Sequence[Request]) -> list[_RequestBlock]:
    """The requests as few suites, in order; each cost and training by itself."""
    rows: dict[Any, dict[Any, dict[Any, int]]] = {}
    blocks: list[_RequestBlock] = []
    texts: dict[tuple[int, ...], str] = {}
    shared_fields = [f.name for f in struct_fields(Request) if f.name not in (*_AXES, "folders", "keep")]
    for place, request in enumerate(requests):
        values: list[Any] = [getattr(request, name) for name in _AXES]
        if request.cost or not all(isinstance(v, list) and len(v) == 1 for v in values):
            blocks.append(_RequestBlock({}, [place]))
            continue
        # Requests of one suite share these objects.
        parts = tuple([id(getattr(request, name)) for name in shared_fields])
        if parts not in texts:
            written = written_fields(request)
            texts[parts] = json.dumps({n: written[n] for n in shared_fields if n in written}, sort_keys=True)
        others = texts[parts]
        where, method = tuple(one[0] for one in values[:-1]), values[-1][0]
        row = rows.setdefault(others, {}).setdefault(where, {})
        if method in row:
            blocks.append(_RequestBlock({}, [place]))
        else:
            row[method] = place
    for by_place in rows.values():
        by_methods: dict[Any, list[Any]] = {}
        for (dataset, regime, seed), row in by_place.items():
            by_methods.setdefault((dataset, seed, tuple(row)), []).append(regime)
        for (dataset, seed, methods), regimes in by_methods.items():
            axes = {"datasets": (dataset,), "regimes": tuple(regimes), "seeds": (seed,), "methods": methods}
            places = [by_place[dataset, regime, seed][method] for regime in regimes for method in methods]
            blocks.append(_RequestBlock(axes, places))
    return sorted(blocks, key=lambda block: block.places[0])


def _suite(request: Request) -> Suite:
    known = written_fields(request)
    cost = known["cost"]
    return Suite(
        suite=known["suite"],
        track=known.get("track", DEFAULT),  # a request of schema 1 has none
        methods=tuple(known["methods"]),
        datasets=tuple(known["datasets"]),
        regimes=tuple(known["regimes"]),
        protocol=known["protocol"],
        metrics=tuple(known["metrics"]),
        seeds=tuple(known["seeds"]),
        rank_by=known["rank_by"],
        limit=known["limit"],
        limits=Limits(threads=known["threads"]),
        cost=CostPlan((tuple(cost["size"]),), cost["repeats"]) if cost else CostPlan(),
        plugins=tuple(known["plugins"]),
        device=known["device"],
    )
