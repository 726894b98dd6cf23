"""Plan a stored cell again: what its key would be made of now."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypedDict

from .errors import UsageError
from .plan import plan
from .store.record import Inputs, Request
from .suite import CostPlan, Limits, Suite
from .track import DEFAULT


class Replanned(TypedDict, total=False):
    """The key and inputs that a stored cell would have now, and its request; `error` where it cannot be planned."""

    key: str
    inputs: Inputs
    request: Request
    error: str


def replan(requests: Sequence[Request]) -> list[Replanned]:
    """What each request would be made of now."""
    found: list[Replanned] = []
    for request in requests:
        try:
            suite = _suite(request)
        except KeyError as error:
            found.append({"error": f"its request lacks {error}: run it again"})
            continue
        try:
            if os.path.isdir(request["cwd"]):
                os.chdir(request["cwd"])
            cells = plan(suite)
            cell = cells[-1]
            found.append({"key": cell["key"], "inputs": cell["inputs"], "request": cell["request"]})
        except UsageError as error:
            found.append({"error": str(error)})
    return found


def _suite(request: Request) -> Suite:
    cost = request["cost"]
    return Suite(
        suite=request["suite"],
        track=request.get("track", DEFAULT),  # a request of schema 1 has none
        methods=tuple(request["methods"]),
        datasets=tuple(request["datasets"]),
        regimes=tuple(request["regimes"]),
        protocol=request["protocol"],
        metrics=tuple(request["metrics"]),
        seeds=tuple(request["seeds"]),
        rank_by=request["rank_by"],
        limit=request["limit"],
        limits=Limits(threads=request["threads"]),
        cost=CostPlan((tuple(cost["size"]),), cost["repeats"]) if cost else CostPlan(),
        plugins=tuple(request["plugins"]),
        device=request["device"],
    )
