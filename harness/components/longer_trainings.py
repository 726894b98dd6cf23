"""Specs whose trainings are so many times as long."""

from __future__ import annotations

from dataclasses import replace

from ..spec.parsing import Spec, Value
from ..text.errors import UsageError
from .registry import registry

METHODS_THAT_TRAIN = frozenset({"trained", "inpainter"})
"""The methods of noisebench that train a network: they need not be imported to be known."""


def longer(value: Value, track: str, budget: int) -> tuple[Value, bool]:
    """A spec, or a part of it, in which each training has `steps` times the budget, and whether there is any in it.

    So each has a whole schedule of its own. Raises `UsageError` where a training does not write its steps.
    """
    if isinstance(value, tuple):
        parts = [longer(one, track, budget) for one in value]
        return tuple(part for part, _ in parts), any(trains for _, trains in parts)
    if not isinstance(value, Spec):
        return value, False
    args = {key: longer(one, track, budget) for key, one in value.args}
    trains = any(inside for _, inside in args.values())
    if _is_trained(value.name, track):
        steps = args.get("steps", (None, False))[0]
        if not isinstance(steps, int):
            raise UsageError(f"{value.name} does not say its steps, which budgets multiply: write steps=…")
        args["steps"], trains = (steps * budget, False), True
    return replace(value, args=tuple((key, one) for key, (one, _) in args.items())), trains


def _is_trained(name: str, track: str) -> bool:
    known = registry("method", track)
    if name in known.built_in():
        return name in METHODS_THAT_TRAIN
    return name in known.names() and bool(getattr(known.get(name).obj, "trained", False))
