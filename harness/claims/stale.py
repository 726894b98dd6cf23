"""Whether a stored cell would have another key today, as far as that can be said without reading an item."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from typing_extensions import TypedDict

from ..components.registry import Bound, bind
from ..components.sources import sources_of
from ..components.tracks import get_track
from ..planning.cells import method_inputs, protocol_inputs, regime_inputs, track_inputs
from ..planning.recipe import VERSION as TRAINING
from ..store.cell import REFERENCE, Cell
from ..store.keys import key_of
from ..text.errors import UsageError


class CellCode(TypedDict):
    """What a cell is of, in specs: enough to say what code and which versions are behind it."""

    kind: str
    track: str
    method: str
    regime: str
    protocol: str
    metrics: list[str]
    dataset: str


def code_of(cell: Cell) -> CellCode:
    """What a stored cell is of."""
    return {
        "kind": cell.kind,
        "track": cell.track,
        "method": cell.method.spec,
        "regime": cell.regime.spec,
        "protocol": cell.protocol.spec,
        "metrics": sorted(_metrics(dict(cell.inputs))),
        "dataset": cell.dataset.spec,
    }


def code_sha256(code: CellCode) -> str:
    """The hash of the code and versions behind a cell as they are now. Raises `UsageError` for what is not."""
    return key_of(_inputs_now(code))


def is_stale(cell: Cell) -> bool:
    """Whether code or versions behind a cell are others now. Items and files of weights are not looked at."""
    stored: dict[str, Any] = {**cell.inputs, "dataset": cell.dataset.versions}
    stored["metrics"] = _metrics(stored)
    try:
        return any(stored.get(name) != value for name, value in _inputs_now(code_of(cell)).items())
    except UsageError:
        return True


def _metrics(inputs: dict[str, Any]) -> dict[str, int]:
    """The metrics of items and of sets in the inputs of a key, by their versions.

    What a metric is made with stands behind its version: a package, and the hash of its weights.
    """
    single = {name: int(str(version).partition(",")[0]) for name, version in inputs.get("metrics", {}).items()}
    return {**single, **{name: one["version"] for name, one in inputs.get("sets", {}).items()}}


def code_behind(code: CellCode) -> dict[str, str]:
    """The source files behind a cell by name → fingerprint, and versions of what is not in them, as they are now.

    Raises `UsageError` for what is not.
    """
    now = _inputs_now(code)
    files = (one for name, one in now.items() if name == "sources" or name.endswith("_sources"))
    versions = {name: str(now[name]) for name in ("fingerprint", "training", "reference") if name in now}
    return {
        **versions,
        f"track {code['track']}": now["track"],
        **{name: one for of in files for name, one in of.items()},
    }


def _inputs_now(code: CellCode) -> dict[str, Any]:
    """What goes into the key of a cell today, without data and weights; its `dataset` has the versions alone."""
    track, kind = code["track"], code["kind"]
    now: dict[str, Any] = {
        **track_inputs(get_track(track)),
        **_inputs_of("method", code["method"], track),
        **_inputs_of("regime", code["regime"], track),
    }
    if kind == "train":
        now["training"] = TRAINING
    if kind == "cost":
        now["reference"] = REFERENCE
    if code["dataset"]:
        now["dataset"] = _bound(code["dataset"], "dataset", track).versions
    if kind == "score":
        now |= _inputs_of("protocol", code["protocol"], track)
        now["metrics"] = {spec: _bound(spec, "metric", track).entry.version for spec in code["metrics"]}
        now["metric_sources"] = _sources("metric", track, *code["metrics"])
        now["dataset_sources"] = _sources("dataset", track, code["dataset"])
    return now


_INPUTS: dict[str, Callable[[Bound], dict[str, Any]]] = {
    "method": method_inputs,
    "regime": regime_inputs,
    "protocol": protocol_inputs,
}


@cache
def _inputs_of(kind: str, spec: str, track: str) -> dict[str, Any]:
    """What a component adds to keys: thousands of cells share a few hundred."""
    return _INPUTS[kind](_bound(spec, kind, track))


@cache
def _bound(spec: str, kind: str, track: str) -> Bound:
    return bind(spec, kind, track)


@cache
def _sources(kind: str, track: str, *specs: str) -> dict[str, str]:
    return sources_of(_bound(spec, kind, track) for spec in specs)
