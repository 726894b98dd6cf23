"""Numbers inside a spec by their path, such as `trained.optimizer.lr`; whether a text means a stored spec or a part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from ..text.errors import UsageError
from .parsing import Spec, parse

ANY = "*"
"""Stands in a path for the name of the outermost component: `*.steps`."""


def parameter(spec: Spec, wanted: str) -> float | None:
    """The number at `name.parameter`, in a part of a sum or in a spec inside it; None where there is none.

    The path may go on: `name.parameter.parameter` of the component there, of several by name, `name.parts.nm.until`.
    With `*.parameter` it is that of the outermost component.
    """
    name, *path = _path_in(spec, wanted)
    for part in _components(spec):
        if part.name == name and (value := _number_at(part, path)) is not None:
            return value
    return None


def _path_in(spec: Spec, wanted: str) -> list[str]:
    name, *path = wanted.split(".")
    return [spec.name if name == ANY else name, *path]


def _components(value: Any) -> Iterator[Spec]:
    """Each component of a spec, from the outside in."""
    if isinstance(value, tuple):
        for one in value:
            yield from _components(one)
    elif isinstance(value, Spec):
        for part in (value, *value.then):
            yield part
            for _, arg in part.args:
                yield from _components(arg)


def _number_at(value: Any, path: Sequence[str]) -> float | None:
    if not path:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if plain else None
    inside = _inside(value, path[0])
    return None if inside is None else _number_at(inside, path[1:])


def _inside(value: Any, name: str) -> Any:
    """A parameter of a component, or a component of a tuple."""
    if isinstance(value, tuple):
        return next((one for one in value if isinstance(one, Spec) and one.name == name), None)
    return dict(value.args).get(name) if isinstance(value, Spec) else None


def without(spec: Spec, wanted: str) -> Spec:
    """The spec without `name.parameter`: what all points of a line share."""
    name, *path = _path_in(spec, wanted)

    def bare(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(bare, value))
        if not isinstance(value, Spec):
            return value
        inside = [Spec(part.name, tuple((key, bare(arg)) for key, arg in part.args)) for part in (value, *value.then)]
        first, *rest = (_cut(part, path) if part.name == name else part for part in inside)
        return Spec(first.name, first.args, tuple(rest))

    result: Spec = bare(spec)
    return result


def _cut(value: Any, path: Sequence[str]) -> Any:
    """A component, or a tuple of some, without the parameter at the path."""
    name, *rest = path
    if isinstance(value, tuple):
        return tuple(_cut(one, rest) if isinstance(one, Spec) and one.name == name and rest else one for one in value)
    if not isinstance(value, Spec):
        return value
    args = ((key, _cut(arg, rest) if key == name else arg) for key, arg in value.args if key != name or rest)
    return Spec(value.name, tuple(args))


def readable_spec(text: str) -> Spec | None:
    """The spec of a text; None where it is none, as in an old cell."""
    try:
        return parse(text)
    except UsageError:
        return None


@lru_cache(maxsize=4096)
def is_meant(text: str, canonical: str, display: str) -> bool:
    """Whether a person's text means a stored spec: in either of its forms, or with some of the defaults."""
    if text in (canonical, display):
        return True
    given, full, short = map(readable_spec, (text, canonical, display))
    return given is not None and full is not None and short is not None and _agrees(given, full, short)


def _agrees(given: Spec, full: Spec, short: Spec) -> bool:
    """Whether a spec has the values of the canonical one where it has any, and all that are not defaults."""
    if not len(given.then) == len(full.then) == len(short.then):
        return False
    args, every, needed = dict(given.args), dict(full.args), dict(short.args)
    if given.name != full.name or not needed.keys() <= args.keys() <= every.keys():
        return False
    for key, value in args.items():
        inner = every[key]
        if isinstance(value, Spec) and isinstance(inner, Spec):
            least = needed.get(key)
            if not _agrees(value, inner, least if isinstance(least, Spec) else Spec(inner.name)):
                return False
        elif _bare(value) != _bare(inner):
            return False
    return all(map(_agrees, given.then, full.then, short.then))


def is_part(text: str, canonical: str) -> bool:
    """Whether a stored spec, or a component in it with parameters, has the name and all values of a text."""
    part, whole = readable_spec(text), readable_spec(canonical)
    if part is None or whole is None or part.then:
        return False
    return any(_covers(one, part) for one in (_components(whole) if part.args else [whole]))


def _covers(whole: Any, part: Any) -> bool:
    """Whether a value is equal to another one; of components the name, and what the other one gives."""
    if not isinstance(whole, Spec) or not isinstance(part, Spec):
        return bool(_bare(whole) == _bare(part))
    args = dict(whole.args)
    return whole.name == part.name and all(key in args and _covers(args[key], value) for key, value in part.args)


def _bare(value: Any) -> Any:
    """A bare name as the text that it is."""
    return value.name if isinstance(value, Spec) and not value.args else value
