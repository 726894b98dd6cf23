"""The grid of a tuned method: the trained variants that it declares, the best of them, and whether it is at an edge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..components.registry import Bound, bind
from ..spec.parameter_types import nested_in
from ..spec.parsing import Spec, Value, parse, show
from ..text.errors import UsageError, nearest, one_line


@dataclass(frozen=True)
class TuningGrid:
    """Trained methods that differ in the parameters `vary`; each with its values of them, as text, in that order."""

    vary: tuple[str, ...]
    variants: tuple[tuple[tuple[str, ...], Bound], ...]


def grid_of(method: Bound) -> TuningGrid | None:
    """The grid of a tuned method; None for any other.

    For example:

        >>> tuned = nb.bind("tuned(method=trained, vary='optimizer.lr', over=(0.001, 0.01))", "method", "classify")
        >>> [values for values, method in nb.grid_of(tuned).variants]
        [('0.001',), ('0.01',)]
        >>> nb.grid_of(nb.bind("trained", "method", "classify")) is None
        True
    """
    if not getattr(method.entry.obj, "tuned", False):
        return None
    grid: TuningGrid = method.entry.obj(**method.kwargs).grid
    return grid


def grid_over(method: Bound, vary: str, over: Sequence[Value]) -> TuningGrid:
    """The variants of a trained method, or of each of a tuned one, with each value of the parameter at the path `vary`.

    Raises `UsageError` where there is no such parameter, for a value that it cannot have, and for two equal variants.
    """
    inner = grid_of(method) or TuningGrid((), (((), method),))
    for _, one in inner.variants:
        if not getattr(one.entry.obj, "trained", False):
            raise UsageError(f"tuned takes a method that is trained, not {method.display}: tune the one inside it")
    if not over:
        raise UsageError(f"tuned: over is empty: name the values of {one_line(vary)!r} to try")
    variants: dict[str, tuple[tuple[str, ...], Bound]] = {}
    for value in over:
        for values, one in inner.variants:
            variant = bind(_with_value(one, vary.split("."), value), "method", one.track)
            if variant.canonical in variants:
                raise UsageError(f"tuned: {one_line(vary)}={show(value)} gives the same variant twice")
            variants[variant.canonical] = (*values, show(value)), variant
    return TuningGrid((*inner.vary, vary), tuple(variants.values()))


def _with_value(bound: Bound, path: Sequence[str], value: Value) -> Spec:
    """The spec of a component in which the parameter at `path` has that value. Raises `UsageError`."""
    name, *rest = path
    if name not in bound.entry.params:
        raise UsageError(f"tuned: {bound.entry.name} has no parameter {name!r}: {nearest(name, bound.entry.params)}")
    if bound.then:
        raise UsageError(f"tuned: {bound.display} is a sum: a parameter of a sum cannot be varied")
    inside = nested_in(bound.entry.params[name][0])
    new: Value
    if not rest:
        new = parse(value) if inside is not None and isinstance(value, str) else value
    elif inside is None or bound.kwargs[name] is None:
        state = "a plain value" if inside is None else "left out"
        raise UsageError(f"tuned: {name} of {bound.entry.name} is {state}, and has no {rest[0]!r}")
    elif inside.many:
        new = tuple(_changed_parts(bound, name, rest, value))
    else:
        new = _with_value(bound.kwargs[name], rest, value)
    spec = parse(bound.display)
    return replace(spec, args=(*((key, old) for key, old in spec.args if key != name), (name, new)))


def _changed_parts(bound: Bound, name: str, path: Sequence[str], value: Value) -> Iterator[Spec]:
    """The components of a tuple; the one that `path` names first gets the value. Raises `UsageError`."""
    part, *rest = path
    named = [one.entry.name for one in bound.kwargs[name]]
    if named.count(part) != 1 or not rest:
        problem = f"has {part!r} twice" if part in named and rest else f"are named {', '.join(named) or 'by nothing'}"
        raise UsageError(f"tuned: {name} of {bound.entry.name} {problem}: write {name}.NAME.PARAMETER")
    for one in bound.kwargs[name]:
        yield _with_value(one, rest, value) if one.entry.name == part else parse(one.display)


def best(scores: Sequence[float | None], higher: bool) -> int | None:
    """The place of the best score, the first of equal ones; None where there are no scores."""
    ranked = [(score if higher else -score, -place) for place, score in enumerate(scores) if score is not None]
    return -max(ranked)[1] if ranked else None


def at_edge(vary: Sequence[str], values: Sequence[Sequence[str]], chosen: int) -> list[str]:
    """The parameters whose chosen value is the smallest or the largest of the numbers that were tried."""
    edges = []
    for axis, name in enumerate(vary):
        tried = {_number(one[axis]) for one in values}
        if None not in tried and len(tried) > 1 and _number(values[chosen][axis]) in (min(tried), max(tried)):  # type: ignore[type-var]
            edges.append(name)
    return edges


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
