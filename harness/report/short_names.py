"""Long names of recipes without what all of them share, so that a table or a plot shows what is compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..spec.parsing import Spec, show
from ..spec.paths import readable_spec

LONG = 40
"""Names of no more characters stay as they are, where all are so short."""
_WRAPPED = "method"
"""The parameter by which a method wraps another one."""


def short_names(labels: Sequence[str]) -> tuple[dict[str, str], str]:
    """A name of each label without the arguments that all have alike, and what these are as text, empty without any.

    `adam` and `sgd, tuned` of two recipes that differ in their optimisers alone, of which one is tuned. Labels without
    arguments stay as they are, and so do all where two would have one name.
    """
    whole = {label: label for label in labels}
    specs = {label: readable_spec(label) for label in labels}
    parts = {label: unwrapped(spec) for label, spec in specs.items() if spec is not None and spec.args}
    if len(parts) < 2 or max(map(len, labels)) <= LONG:
        return whole, ""
    shared = _shared([core for core, _ in parts.values()])
    cores = _core_texts([_without(core, shared) for core, _ in parts.values()])
    for full in (False, True):
        names = [
            ", ".join([core, *(str(one) if full else one.name for one in around)])
            for core, (_, around) in zip(cores, parts.values(), strict=True)
        ]
        short = {**whole, **dict(zip(parts, names, strict=True))}
        if len(set(short.values())) == len(whole):
            listed = (f"{name}({', '.join(map(_argument, args))})" for name, args in shared.items())
            return short, ", ".join(listed)
    return whole, ""


def _core_texts(cores: Sequence[Spec]) -> list[str]:
    """What is wrapped, without what all have alike: of one name its arguments, of one component in its place itself."""
    if len({core.name for core in cores}) > 1:
        return list(map(str, cores))
    if len({tuple(key for key, _ in core.args) for core in cores}) == 1 and len(cores[0].args) == 1:
        values = [core.args[0][1] for core in cores]
        if all(isinstance(value, Spec) for value in values):
            return list(map(str, values))
    return [", ".join(map(_argument, core.args)) or core.name for core in cores]


def unwrapped(spec: Spec) -> tuple[Spec, list[Spec]]:
    """What is wrapped, and what is around it, from the inside out: each by its name and its own arguments."""
    around: list[Spec] = []
    while isinstance(inner := dict(spec.args).get(_WRAPPED), Spec):
        around.insert(0, Spec(spec.name, tuple(pair for pair in spec.args if pair[0] != _WRAPPED)))
        spec = inner
    return spec, around


def _argument(pair: tuple[str, Any]) -> str:
    return f"{pair[0]}={show(pair[1])}"


def _shared(specs: Sequence[Spec]) -> dict[str, list[tuple[str, Any]]]:
    """Arguments that the component of a name has alike in all specs, of components that each spec has exactly once."""
    nodes_by_spec = [list(_nodes(spec)) for spec in specs]
    counts = [Counter(node.name for node in nodes) for nodes in nodes_by_spec]
    shared: dict[str, list[tuple[str, Any]]] = {}
    for first in nodes_by_spec[0]:
        if any(count[first.name] != 1 for count in counts):
            continue
        others = [dict(next(node for node in nodes if node.name == first.name).args) for nodes in nodes_by_spec]
        alike = [(key, value) for key, value in first.args if all(key in o and o[key] == value for o in others)]
        if alike:
            shared[first.name] = alike
    # What stands in a value that is left out whole needs no mention of its own.
    inside = {node.name for args in shared.values() for _, value in args for node in _nodes(value)}
    return {name: args for name, args in shared.items() if name not in inside}


def _nodes(value: Any) -> Iterator[Spec]:
    if isinstance(value, Spec):
        yield value
        for one in (*(inner for _, inner in value.args), *value.then):
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
    args = tuple((key, _without(inner, shared)) for key, inner in value.args if (key, inner) not in out)
    return replace(value, args=args)
