"""A cell before it is run: what is stored of its method and of other named parts, and its key."""

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
from ..track.protocols import Track

_FLAGS = ("blind", "zero_shot", "self_ensemble", "tiled", "oracle")
NO_DATASET = DatasetPart(name="", spec="", display="", versions={}, fingerprint="", items=0)


class PlannedCell(CellIdentity, omit_defaults=True, kw_only=True):
    """A cell before it is run. `after` names cells that must be ok first; an `alone` cell has the machine to itself.

    `shown` is what the method sees beyond its input, and is absent where that is nothing: see `shown_to`. Of `tuned`
    grids one variant that did not diverge is enough. A training that is asked for as a `variant` alone may diverge.
    `lacks` is why a cell is skipped with nothing trained for it, and is empty where it is run. `names` are those that
    the suite gives its `method` and its `dataset`.
    """

    shown: Shown | None = None
    variant: bool | None = None
    lacks: str = ""
    names: dict[str, str] = msgspec.field(default_factory=dict)


def plugins_of(cell: PlannedCell) -> list[str]:
    """The plug-ins that the suite of a cell loads."""
    return (cell.request.plugins if cell.request else None) or []


def folders_of(cell: PlannedCell) -> dict[str, str]:
    """The folders of the method of a cell, by the names that its source files have."""
    return (cell.request.folders if cell.request else None) or {}


def part(bound: Bound) -> NamedPart:
    """Name, canonical and display form, versions."""
    return NamedPart(name=bound.entry.name, spec=bound.canonical, display=bound.display, versions=bound.versions)


def method_part(bound: Bound) -> MethodPart:
    """What is stored of a method: its flags, and the source files that it is made of."""
    sources = sources_of([bound])
    return MethodPart(
        **structs.asdict(part(bound)),
        flags=method_flags(bound),
        cite=bound.entry.meta.get("cite", ""),
        sources=sources,
        source_sha256=combined(f"{k} {v}" for k, v in sources.items()),
    )


def method_flags(bound: Bound) -> dict[str, Any]:
    """The flags of a method: what it says, else those of wrapped methods too; role and family are its own."""
    own, *wrapped = _flags(bound)
    said = _said(bound)
    flags: dict[str, Any] = {name: said.get(name, any(f.get(name) for f in (own, *wrapped))) for name in _FLAGS}
    flags["trained_on"] = sorted({d for f in (own, *wrapped) for d in f.get("trained_on") or ()})
    flags["role"] = own.get("role", "")
    flags["family"] = own.get("family", "")
    return flags


def shown_to(meta: Mapping[str, Any]) -> Shown | None:
    """What a method sees of an item beyond its input: an oracle the item, a `named` one its id, all others nothing."""
    return "item" if meta["oracle"] else "id" if meta["named"] else None


def _flags(bound: Bound) -> list[dict[str, Any]]:
    """Flags of a method, then of each that it wraps: as registered, changed by what its `flags(**params)` says."""
    own = {**bound.entry.meta, **_said(bound)}
    return [own, *(f for nested in (*bound.then, *bound.inner) for f in _flags(nested))]


def _said(bound: Bound) -> dict[str, Any]:
    """What a method says of itself with these parameters."""
    say = inspect.getattr_static(bound.entry.obj, "flags", None)
    return dict(say(**bound.kwargs)) if isinstance(say, staticmethod) else {}


def weights_part(bound: Bound) -> dict[str, str]:
    """Weight file → SHA-256 of a method and of those it wraps: its `weights`, and what `weight_files(**params)` says.

    Raises `UsageError` for one of `weights` that is not beside the method.
    """
    found: dict[str, str] = {}
    for nested in (*bound.then, *bound.inner):
        found.update(weights_part(nested))
    found.update(declared_files(bound.entry, bound.entry.meta.get("weights", ())))
    files = getattr(bound.entry.obj, "weight_files", None)
    return {**found, **files(**bound.kwargs)} if files is not None else found


@dataclass(frozen=True)
class PlannedMethod:
    """A method of a plan: bound, as it is stored, and what its weights add to a key."""

    bound: Bound
    part: MethodPart
    weights: dict[str, str]

    @cached_property
    def asked(self) -> list[str]:
        """The method, as a request has it."""
        return [self.part.display]

    @cached_property
    def folders(self) -> dict[str, str]:
        """The folders of the method, as a request has them."""
        return method_folders(self.bound)

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """What the method adds to a key."""
        # Weights are absent where there are none, so that adding them to one method changes no other key.
        return {
            **({"weights": self.weights} if self.weights else {}),
            "fingerprint": FINGERPRINT,
            "method": {"spec": self.part.spec, "versions": self.part.versions},
            "sources": self.part.sources,
        }


def regime_key(regime: Bound) -> dict[str, Any]:
    """What names a regime in a key. `sum` is raised when sums disclose otherwise, and no regime alone does."""
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
    """What a track adds to a key: its version, and of one that is not of noisebench its source files."""
    version = {"track": f"{track.name}@{track.version}"}
    own = type(track).__module__.partition(".")[0] == __name__.partition(".")[0]
    return version if own else {**version, "track_sources": sources_of([bind(track.name, "track", "")])}


@dataclass(frozen=True)
class PlannedRegime:
    """A regime of a plan: bound, and as it is stored."""

    bound: Bound

    @cached_property
    def part(self) -> NamedPart:
        """What is stored of it."""
        return part(self.bound)

    @cached_property
    def asked(self) -> list[str]:
        """The regime, as a request has it."""
        return [self.bound.display]

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """What it adds to a key."""
        return regime_inputs(self.bound)


@dataclass(frozen=True)
class PlannedSuite:
    """What all cells of a suite have alike that are of one track; `known` are texts of what went into their keys."""

    suite: Suite
    track: Track
    protocol: Bound
    known: Texts = field(default_factory=dict)
    _lists: dict[Any, list[Any]] = field(default_factory=dict)

    def listed(self, *values: Any) -> list[Any]:
        """A list, one object for all cells whose list is equal: cells that have it alike are sent faster."""
        return self._lists.setdefault(values, list(values))

    @cached_property
    def words(self) -> dict[str, str]:
        """What the track calls its things."""
        return dict(vars(self.track.words))

    @cached_property
    def track_inputs(self) -> dict[str, Any]:
        """What the track adds to a key."""
        return track_inputs(self.track)

    @cached_property
    def protocol_part(self) -> NamedPart:
        """What is stored of the protocol."""
        return part(self.protocol)

    @cached_property
    def suite_part(self) -> dict[str, str]:
        """What is stored of the suite."""
        return {"name": self.suite.suite, "rank_by": self.suite.rank_by}

    @cached_property
    def request(self) -> Request:
        """The request of its cells, with nothing in the place of what each has of its own."""
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
    whole: PlannedSuite,
) -> PlannedCell:
    """A cell. What it has alike with others is one object, so that nobody may change it."""
    request = structs.replace(
        whole.request,
        methods=method.asked,
        datasets=whole.listed(dataset.display) if kind == "score" else whole.listed(),
        regimes=regime.asked,
        seeds=whole.listed(seed),
        cost={"size": inputs["size"], "repeats": whole.suite.cost.repeats} if kind == "cost" else None,
        folders=method.folders,
    )
    return PlannedCell(
        key=key_of(inputs, whole.known),
        kind=kind,
        track=whole.track.name,
        words=whole.words,
        method=method.part,
        dataset=dataset,
        regime=regime.part,
        protocol=whole.protocol_part,
        metrics=metrics,
        seed=seed,
        suite=whole.suite_part,
        inputs=inputs,
        request=request,
        after=whole.listed(),
        alone=kind == "cost",
        shown=shown_to(method.bound.entry.meta),
    )
