"""Protocols whose data range is that of each picture: where it comes from, and what is scored then."""

from __future__ import annotations

from dataclasses import replace

from ...components.registry import Bound
from ...imaging.pixels import to_unit
from ...text.errors import UsageError
from .pairs import Array, Pair


def own_range(protocol: Bound, clean: Array, noisy: Array | None) -> tuple[float, float]:
    """The minimum, and the range above it, of the picture that a protocol with a range of its own names."""
    of = clean if protocol.kwargs.get("of", "clean") == "clean" else noisy
    if of is None:
        raise UsageError(f"protocol {protocol.display} needs the noisy input: give noisy=, or take range(of=clean)")
    values = to_unit(of)
    return float(values.min()), float(values.max()) - float(values.min())


def as_share(pair: Pair, low: float, span: float) -> Pair:
    """Both pictures as shares of a data range."""
    return replace(pair, unfinished=((pair.x - low) / span, (pair.y - low) / span), finish=None)


def refuse_own_range(protocol: Bound, who: str) -> None:
    """Raise `UsageError` where a protocol has another range for each picture, which `who` cannot take."""
    if protocol.entry.meta["own_range"]:
        raise UsageError(f"protocol {protocol.display} has a range for each picture, and {who} needs one: take raw")
