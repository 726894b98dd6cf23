"""Whether a stored cell would have another key today, as far as that can be said without reading an item."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from typing import Any

from typing_extensions import TypedDict

from ..components.registry import Bound, bind
from ..components.sources import method_files, method_sources
from ..components.tracks import get_track
from ..planning.cells import regime_inputs
from ..planning.recipe import VERSION as TRAINING
from ..store.record import REFERENCE, Cell
from ..text.errors import UsageError
from .syntax import syntax_sha256


class Code(TypedDict):
    """What a cell is of, in specs: enough to say what code and which versions are behind it."""

    kind: str
    track: str
    method: str
    regime: str
    protocol: str
    metrics: list[str]
    dataset: str


def code_of(cell: Cell) -> Code:
    """What a stored cell is of."""
    return {
        "kind": cell["kind"],
        "track": cell["track"],
        "method": cell["method"]["spec"],
        "regime": cell["regime"]["spec"],
        "protocol": cell["protocol"]["spec"],
        "metrics": sorted(dict(cell["inputs"]).get("metrics", {})),  # type: ignore[call-overload]
        "dataset": cell["dataset"]["spec"],
    }


def code_sha256(code: Code) -> str:
    """The hash of the code and versions behind a cell as they are now. Raises `UsageError` for what is not.

    Of code it is that of what it does: texts and refusals may be edited, as `syntax_sha256` says.
    """
    text = json.dumps([_inputs_now(code, _syntax), _dataset_now(code)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def is_stale(cell: Cell) -> bool:
    """Whether code or versions behind a cell are others now. Items and files of weights are not looked at."""
    try:
        return _differs(cell)
    except UsageError:
        return True


def _differs(cell: Cell) -> bool:
    code = code_of(cell)
    inputs: dict[str, Any] = dict(cell["inputs"])
    if "metrics" in inputs:
        # What a metric is made with stands behind its version: a package, and the hash of its weights.
        inputs["metrics"] = {m: int(str(v).partition(",")[0]) for m, v in inputs["metrics"].items()}
    if any(inputs.get(name) != value for name, value in _inputs_now(code, method_sources).items()):
        return True
    return bool(code["dataset"]) and cell["dataset"]["versions"] != _dataset_now(code)


def _inputs_now(code: Code, sources_of: Callable[[Bound], dict[str, str]]) -> dict[str, Any]:
    track = get_track(code["track"])
    method, sources = _method(code["method"], track.name, sources_of)
    now: dict[str, Any] = {
        "track": f"{track.name}@{track.version}",
        "method": method,
        "sources": sources,
        "regime": regime_inputs(bind(code["regime"], "regime", track.name)),
    }
    if code["kind"] == "train":
        now["training"] = TRAINING
    if code["kind"] == "cost":
        now["reference"] = REFERENCE
    if code["kind"] == "score":
        now["protocol"] = _named("protocol", code["protocol"], track.name)
        now["metrics"] = {spec: bind(spec, "metric", track.name).entry.version for spec in code["metrics"]}
    return now


def _dataset_now(code: Code) -> dict[str, int]:
    return bind(code["dataset"], "dataset", code["track"]).versions if code["dataset"] else {}


@cache
def _method(
    spec: str, track: str, sources_of: Callable[[Bound], dict[str, str]]
) -> tuple[dict[str, Any], dict[str, str]]:
    bound = bind(spec, "method", track)
    return {"spec": bound.canonical, "versions": bound.versions}, sources_of(bound)


def _syntax(bound: Bound) -> dict[str, str]:
    """Each source file of a method → the hash of what its code does."""
    return {name: "no file" if file is None else syntax_sha256(file) for name, file in method_files(bound).items()}


def _named(kind: str, spec: str, track: str) -> dict[str, Any]:
    bound = bind(spec, kind, track)
    return {"spec": bound.canonical, "versions": bound.versions}
