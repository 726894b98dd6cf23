"""Whether a stored cell would have another key today, as far as that can be said without reading an item."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..errors import UsageError
from ..planned_cell import regime_inputs
from ..recipe import VERSION as TRAINING
from ..registry import bind
from ..sources import method_sources
from ..store.record import REFERENCE, Cell
from ..track import get_track


def is_stale(cell: Cell) -> bool:
    """Whether code or versions behind a cell are others now. Items and files of weights are not looked at."""
    try:
        return _differs(cell)
    except UsageError:
        return True


def _differs(cell: Cell) -> bool:
    track, kind = get_track(cell["track"]), cell["kind"]
    method, sources = _method(cell["method"]["spec"], track.name)
    now: dict[str, Any] = {
        "track": f"{track.name}@{track.version}",
        "method": method,
        "sources": sources,
        "regime": regime_inputs(bind(cell["regime"]["spec"], "regime", track.name)),
    }
    if kind == "train":
        now["training"] = TRAINING
    if kind == "cost":
        now["reference"] = REFERENCE
    inputs: dict[str, Any] = dict(cell["inputs"])
    if kind == "score":
        now["protocol"] = _named("protocol", cell["protocol"]["spec"], track.name)
        now["metrics"] = {spec: bind(spec, "metric", track.name).entry.version for spec in inputs.get("metrics", {})}
        # What a metric is made with stands behind its version: a package, and the hash of its weights.
        inputs["metrics"] = {m: int(str(v).partition(",")[0]) for m, v in inputs.get("metrics", {}).items()}
    if any(inputs.get(name) != value for name, value in now.items()):
        return True
    data = cell["dataset"]
    return bool(data["spec"]) and data["versions"] != bind(data["spec"], "dataset", track.name).versions


@cache
def _method(spec: str, track: str) -> tuple[dict[str, Any], dict[str, str]]:
    bound = bind(spec, "method", track)
    return {"spec": bound.canonical, "versions": bound.versions}, method_sources(bound)


def _named(kind: str, spec: str, track: str) -> dict[str, Any]:
    bound = bind(spec, kind, track)
    return {"spec": bound.canonical, "versions": bound.versions}
