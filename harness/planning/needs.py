"""What methods need of a regime, and whether it is disclosed."""

from __future__ import annotations

from collections.abc import Iterable

from ..components.datasets import open_dataset
from ..components.decorators import disclosed_by
from ..components.registry import Bound, bind, registry
from ..text.errors import Skip, UsageError, nearest
from ..track.info import Info
from ..track.runner import not_disclosed
from ..track.track_protocol import Track, case_of
from .cells import PlannedMethod
from .trainings import ReadOnce


def regime_for(method: Bound, regimes: Iterable[Bound], track: Track) -> Bound:
    """The first regime that discloses what the method needs and makes its own input; else the track's default."""
    needs = [n.split("|") for n in _needs(method)]
    for regime in regimes:
        disclosed = disclosed_by(regime)
        if all(disclosed & set(n) for n in needs) and all(p.entry.meta["source"] == "clean" for p in regime.parts):
            return regime
    return bind(track.defaults.regime, "regime", track.name)


def refuse_unknown_needs(method: Bound, track: Track) -> None:
    """Raise `UsageError` for a need that no registered regime of the track discloses."""
    usual = bind(track.defaults.regime, "regime", track.name)
    needs = {need: need.split("|") for need in _needs(method)}
    if all(set(usual.entry.meta["discloses"]) & set(names) for names in needs.values()):
        return
    regimes = registry("regime", track.name)
    always = case_of(track, usual, track.probe(track.defaults.size), 0).info.disclosed()
    known = {"item", "sample", *always}.union(*(regimes.get(name).meta["discloses"] for name in regimes.names()))
    for need, names in needs.items():
        if not known & set(names):
            raise UsageError(
                f"method {method.display} needs {need!r}, which no regime discloses: {nearest(names[0], known)}"
            )


def undisclosed_needs(
    method: PlannedMethod, dataset: Bound, regime: Bound, seed: int, track: Track, once: ReadOnce
) -> str:
    """Why a trained method would skip the first item: what it needs and is not disclosed; empty if nothing.

    Its training would be wasted. Methods that are not trained skip when they run.
    """
    if not method.needs_training:
        return ""
    needs = {need: set(need.split("|")) for need in method.bound.entry.meta.get("needs", ())}
    if all(names & disclosed_by(regime) for names in needs.values()):
        return ""

    def disclosed() -> Info | None:
        try:
            return case_of(track, regime, open_dataset(dataset).load(0), seed).info
        except Skip:
            return None

    info = once(("disclosed", track.name, dataset.canonical, regime.canonical, seed), disclosed)
    return "" if info is None else not_disclosed([n for n, names in needs.items() if not any(a in info for a in names)])


def _needs(bound: Bound) -> list[str]:
    """What a method needs; for a wrapper without needs, what the wrapped method needs."""
    declared = list(bound.entry.meta.get("needs", ()))
    return declared or [name for nested in bound.inner for name in _needs(nested)]
