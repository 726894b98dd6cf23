"""What went into a cell's key, and which input has changed since: for `noisebench why`."""

from __future__ import annotations

import os
from typing import Any

from ..errors import UsageError
from ..plan import plan
from ..suite import CostPlan, Limits, Suite


def replan(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The inputs that each stored request has now: `{"key", "inputs"}`, or `{"error"}` where it cannot be planned."""
    found: list[dict[str, Any]] = []
    for request in requests:
        try:
            if os.path.isdir(request["cwd"]):
                os.chdir(request["cwd"])
            cells = plan(_suite(request))
            found.append({"key": cells[-1]["key"], "inputs": cells[-1]["inputs"]})
        except UsageError as error:
            found.append({"error": str(error)})
    return found


def _suite(request: dict[str, Any]) -> Suite:
    cost = request["cost"]
    return Suite(
        suite=request["suite"],
        methods=tuple(request["methods"]),
        datasets=tuple(request["datasets"]) or ("gaussian_field(n=1)",),
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


def differences(before: Any, now: Any, path: str = "") -> list[str]:
    """Each input that differs, as `path: before → now`; a changed source file is named."""
    if isinstance(before, dict) and isinstance(now, dict):
        found = []
        for key in sorted(before.keys() | now.keys()):
            where = f"{path}.{key}" if path else key
            if key not in before:
                found.append(_word(where, "absent", now[key]))
            elif key not in now:
                found.append(_word(where, before[key], "absent"))
            else:
                found += differences(before[key], now[key], where)
        return found
    return [] if before == now else [_word(path, before, now)]


def _word(path: str, before: Any, now: Any) -> str:
    if path.startswith("sources."):
        name = path.removeprefix("sources.")
        if before == "absent":
            return f"source file {name} is new"
        if now == "absent":
            return f"source file {name} is no longer used"
        return f"source file {name} changed ({str(before)[:12]} → {str(now)[:12]})"
    if path == "pictures":
        return f"the pictures of the dataset changed ({str(before)[:12]} → {str(now)[:12]})"
    return f"{path} changed ({before} → {now})"
