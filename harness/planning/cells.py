"""Planned cells: their keys, and the stored parts of methods, regimes and protocols."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
from msgspec import structs

from ..components.fingerprint import VERSION as FINGERPRINT
from ..components.registry import Bound, bind
from ..components.sources import declared_files, method_folders, sources_of
from ..store.cell import CellIdentity, DatasetPart, Kind, MethodPart, MetricPart, NamedPart, Request
from ..store.keys import Texts, combined, key_of
from ..suite.suite import Suite
from ..track.calling import Shown
from ..track.track_protocol import Track
from .recipe import recipes_in

_FLAGS = ("blind", "zero_shot", "self_ensemble", "tiled", "oracle")
NO_DATASET = DatasetPart(name="", spec="", display="", versions={}, fingerprint="", items=0)


class PlannedCell(CellIdentity, omit_defaults=True, kw_only=True):
    """A cell before it is run. `after` names cells that must be ok first; an `alone` cell has the machine to itself.

    `shown` is what the method sees beyond its input; None for nothing: see `shown_to`. A `tuned` grid needs one variant
    that did not diverge. A training that is only a `variant` may diverge. `lacks` is why the cell is skipped and
    nothing is trained for it; empty where it runs. `unscored` says which metrics it leaves out, and why. `names` are
    the suite's names for its `method` and `dataset`.
    """

    shown: Shown | None = None
    variant: bool | None = None
    lacks: str = ""
    unscored: str = ""
    names: dict[str, str] = msgspec.field(default_factory=dict)


def plugins_of(cell: PlannedCell) -> list[str]:
    """The plug-ins that the suite of a cell loads."""
    return (cell.request.plugins if cell.request else None) or []


def folders_of(cell: PlannedCell) -> dict[str, str]:
    """The folders of a cell's method, by the names that its source files have."""
    return (cell.request.folders if cell.request else None) or {}


def part(bound: Bound) -> NamedPart:
    """The stored part of a component: name, canonical and display form, versions."""
    return NamedPart(name=bound.entry.name, spec=bound.canonical, display=bound.display, versions=bound.versions)


def method_part(bound: Bound) -> MethodPart:
    """The stored part of a method, with its flags and source files."""
    sources = sources_of([bound])
    return MethodPart(
        **structs.asdict(part(bound)),
        flags=method_flags(bound),
        cite=bound.entry.meta.get("cite", ""),
        sources=sources,
        source_sha256=combined(f"{k} {v}" for k, v in sources.items()),
    )


def method_flags(bound: Bound) -> dict[str, Any]:
    """A method's flags: its own and wrapped methods', unless it declares others; role and family are its own."""
    every = _flags(bound)
    declared = declared_flags(bound)
    flags: dict[str, Any] = {name: declared.get(name, any(f.get(name) for f in every)) for name in _FLAGS}
    flags["oracle"] = flags["oracle"] or bool(bound.entry.meta["oracle"])  # It is shown the item, whatever it declares.
    flags["trained_on"] = sorted({d for f in every for d in f.get("trained_on") or ()})
    flags["role"] = every[0].get("role", "")
    flags["family"] = every[0].get("family", "")
    if every[0].get("explains"):
        flags["explains"] = True
    return flags


def shown_to(meta: Mapping[str, Any]) -> Shown | None:
    """What a method sees beyond its input: an oracle the item, a `named` method its id, any other nothing."""
    return "item" if meta["oracle"] else "id" if meta["named"] else None


def _flags(bound: Bound) -> list[dict[str, Any]]:
    """Flags of a method, then of each that it wraps: as registered, updated by its `flags(**params)`."""
    own_flags = {**bound.entry.meta, **declared_flags(bound)}
    return [own_flags, *(f for nested in (*bound.then, *bound.inner) for f in _flags(nested))]


def declared_flags(bound: Bound) -> dict[str, Any]:
    """The flags that a method declares for its parameters, by `flags(**params)`."""
    say = inspect.getattr_static(bound.entry.obj, "flags", None)
    return dict(say(**bound.kwargs)) if isinstance(say, staticmethod) else {}


def weights_part(bound: Bound) -> dict[str, str]:
    """Weight file → SHA-256, of a method and of those it wraps: its `weights` and `weight_files(**params)`.

    Raises `UsageError` where one of `weights` does not lie beside the method.
    """
    hashes: dict[str, str] = {}
    for nested in (*bound.then, *bound.inner):
        hashes.update(weights_part(nested))
    hashes.update(declared_files(bound.entry, bound.entry.meta.get("weights", ())))
    files = getattr(bound.entry.obj, "weight_files", None)
    return {**hashes, **files(**bound.kwargs)} if files is not None else hashes


@dataclass(frozen=True)
class PlannedMethod:
    """A method of a plan: bound, its stored part, and the SHA-256 of its weights."""

    bound: Bound
    part: MethodPart
    weights: dict[str, str]

    @cached_property
    def requested(self) -> list[str]:
        """The method, as requests name it."""
        return [self.part.display]

    @cached_property
    def needs_training(self) -> bool:
        """Whether a network is trained for it."""
        return any(True for _ in recipes_in(self.bound))

    @cached_property
    def folders(self) -> dict[str, str]:
        """The folders of the method, as requests name them."""
        return method_folders(self.bound)

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """What the method adds to a key."""
        # Weights are absent where there are none, so that adding them to one method changes no other key.
        return {**({"weights": self.weights} if self.weights else {}), **method_inputs(self.bound)}


def method_inputs(method: Bound) -> dict[str, Any]:
    """What a method adds to a key, its weights apart."""
    return {
        "fingerprint": FINGERPRINT,
        "method": {"spec": method.canonical, "versions": method.versions},
        "sources": sources_of([method]),
    }


def regime_key(regime: Bound) -> dict[str, Any]:
    """How keys name a regime. `sum` is the version of what sums disclose."""
    return {"spec": regime.canonical, "versions": regime.versions, **({"sum": 2} if regime.then else {})}


def regime_inputs(regime: Bound) -> dict[str, Any]:
    """What a regime adds to a key."""
    return {"regime": regime_key(regime), "regime_sources": sources_of([regime])}


def protocol_inputs(protocol: Bound) -> dict[str, Any]:
    """What a protocol adds to a key."""
    return {
        "protocol": {"spec": protocol.canonical, "versions": protocol.versions},
        "protocol_sources": sources_of([protocol]),
    }


def track_inputs(track: Track) -> dict[str, Any]:
    """What a track adds to a key: its version, and its source files where it comes from a plug-in."""
    version = {"track": f"{track.name}@{track.version}"}
    built_in = type(track).__module__.partition(".")[0] == __name__.partition(".")[0]
    return version if built_in else {**version, "track_sources": sources_of([bind(track.name, "track", "")])}


@dataclass(frozen=True)
class PlannedRegime:
    """A regime of a plan: bound, with its stored part."""

    bound: Bound

    @cached_property
    def part(self) -> NamedPart:
        """Its stored part."""
        return part(self.bound)

    @cached_property
    def requested(self) -> list[str]:
        """The regime, as requests name it."""
        return [self.bound.display]

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """What it adds to a key."""
        return regime_inputs(self.bound)


@dataclass(frozen=True)
class PlannedSuite:
    """What the cells of a suite share that are of one track; `known` caches the texts that keys are made of."""

    suite: Suite
    track: Track
    protocol: Bound
    known: Texts = field(default_factory=dict)
    _lists: dict[Any, list[Any]] = field(default_factory=dict)

    def listed(self, *values: Any) -> list[Any]:
        """A list; equal lists are one object, so that cells that share it are sent faster."""
        return self._lists.setdefault(values, list(values))

    @cached_property
    def words(self) -> dict[str, str]:
        """The track's words, such as `picture` for an item."""
        return dict(vars(self.track.words))

    @cached_property
    def track_inputs(self) -> dict[str, Any]:
        """What the track adds to a key."""
        return track_inputs(self.track)

    @cached_property
    def protocol_part(self) -> NamedPart:
        """The stored part of the protocol."""
        return part(self.protocol)

    @cached_property
    def suite_part(self) -> dict[str, str]:
        """The stored part of the suite."""
        names = " ".join(dict.fromkeys(str(one).partition("(")[0] for one in self.suite.datasets))
        return {"name": self.suite.suite, "rank_by": self.suite.rank_by, "datasets": names}

    @cached_property
    def request(self) -> Request:
        """The request of its cells, empty where cells differ."""
        suite = self.suite
        return Request(
            track=self.track.name,
            methods=[],
            datasets=[],
            regimes=[],
            protocol=suite.protocol,
            metrics=list(suite.metrics),
            seeds=[],
            limit=suite.limit,
            cost=None,
            rank_by=suite.rank_by,
            suite=suite.suite,
            plugins=list(suite.plugins),
            cwd=os.getcwd(),
            device=suite.device,
            threads=suite.limits.threads,
            keep=suite.keep,
            folders={},
        )


def planned_cell(
    kind: Kind,
    inputs: dict[str, Any],
    method: PlannedMethod,
    dataset: DatasetPart,
    regime: PlannedRegime,
    metrics: dict[str, MetricPart],
    seed: int,
    shared: PlannedSuite,
) -> PlannedCell:
    """A cell. It shares objects with other cells, so nothing in it may be changed."""
    request = structs.replace(
        shared.request,
        methods=method.requested,
        datasets=shared.listed(dataset.display) if kind == "score" else shared.listed(),
        regimes=regime.requested,
        seeds=shared.listed(seed),
        cost={"size": inputs["size"], "repeats": shared.suite.cost.repeats} if kind == "cost" else None,
        folders=method.folders,
    )
    return PlannedCell(
        key=key_of(inputs, shared.known),
        kind=kind,
        track=shared.track.name,
        words=shared.words,
        method=method.part,
        dataset=dataset,
        regime=regime.part,
        protocol=shared.protocol_part,
        metrics=metrics,
        seed=seed,
        suite=shared.suite_part,
        inputs=inputs,
        request=request,
        after=shared.listed(),
        alone=kind == "cost",
        shown=shown_to(method.bound.entry.meta),
    )
