"""Long names of recipes without what all of them share, so that a table or a plot shows what is compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..boards.curves import readable_spec
from ..spec import Spec, show

LONG = 40
"""Names of no more characters stay as they are, where all are so short."""
_WRAPPED = "method"
"""The parameter by which a method wraps another one."""


@dataclass(frozen=True)
class _Parts:
    """A spec as what is wrapped, and what is around it, from the inside out: each by its name and its own arguments."""

    core: Spec
    around: tuple[Spec, ...]


def short_names(labels: Sequence[str]) -> tuple[dict[str, str], str]:
    """A name of each label without the arguments that all have alike, and what these are as text, empty without any.

    `optimizer=adam` and `optimizer=sgd, tuned` of two recipes on one network, of which one is tuned. Labels without
    arguments stay as they are, and so do all where two would have one name.
    """
    whole = {label: label for label in labels}
    specs = {label: readable_spec(label) for label in labels}
    found = {label: _parts(spec) for label, spec in specs.items() if spec is not None and spec.args}
    if len(found) < 2 or max(map(len, labels)) <= LONG:
        return whole, ""
    shared = _shared([parts.core for parts in found.values()])
    alike = len({parts.core.name for parts in found.values()}) == 1
    for full in (False, True):
        short = {**whole, **{label: _text(parts, shared, alike, full) for label, parts in found.items()}}
        if len(set(short.values())) == len(whole):
            told = (f"{name}({', '.join(map(_argument, args))})" for name, args in shared.items())
            return short, ", ".join(told)
    return whole, ""


def _parts(spec: Spec) -> _Parts:
    around: list[Spec] = []
    while isinstance(inner := dict(spec.args).get(_WRAPPED), Spec):
        around.insert(0, Spec(spec.name, tuple(held for held in spec.args if held[0] != _WRAPPED)))
        spec = inner
    return _Parts(spec, tuple(around))


def _text(parts: _Parts, shared: Mapping[str, Sequence[tuple[str, Any]]], alike: bool, full: bool) -> str:
    """What tells a label apart; of cores that are `alike` the arguments alone. `full`: with those of what is around."""
    core = _without(parts.core, shared)
    own = ", ".join(map(_argument, core.args)) if alike and core.args else str(core)
    return ", ".join([own, *(str(one) if full else one.name for one in parts.around)])


def _argument(pair: tuple[str, Any]) -> str:
    return f"{pair[0]}={show(pair[1])}"


def _shared(specs: Sequence[Spec]) -> dict[str, list[tuple[str, Any]]]:
    """Arguments that the component of a name has alike in all specs, of components that each spec has exactly once."""
    found = [list(_nodes(spec)) for spec in specs]
    counts = [Counter(node.name for node in nodes) for nodes in found]
    shared: dict[str, list[tuple[str, Any]]] = {}
    for first in found[0]:
        if any(count[first.name] != 1 for count in counts):
            continue
        others = [dict(next(node for node in nodes if node.name == first.name).args) for nodes in found]
        alike = [(key, value) for key, value in first.args if all(key in o and o[key] == value for o in others)]
        if alike:
            shared[first.name] = alike
    # What stands in a value that is left out whole needs no mention of its own.
    inside = {node.name for args in shared.values() for _, value in args for node in _nodes(value)}
    return {name: args for name, args in shared.items() if name not in inside}


def _nodes(value: Any) -> Iterator[Spec]:
    if isinstance(value, Spec):
        yield value
        for one in (*(held for _, held in value.args), *value.then):
            yield from _nodes(one)
    elif isinstance(value, tuple):
        for one in value:
            yield from _nodes(one)


def _without(value: Any, shared: Mapping[str, Sequence[tuple[str, Any]]]) -> Any:
    if isinstance(value, tuple):
        return tuple(_without(one, shared) for one in value)
    if not isinstance(value, Spec):
        return value
    out = shared.get(value.name, ())
    args = tuple((key, _without(held, shared)) for key, held in value.args if (key, held) not in out)
    return replace(value, args=args)
