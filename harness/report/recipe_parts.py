"""The parts in which recipes differ, by which a page filters them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..spec.parsing import Spec, show
from ..spec.paths import readable_spec
from .plots.axis_text import parameter_text, parameter_word
from .short_names import unwrapped

Path = tuple[str, ...]
"""The keys from a method to a part of it."""
_LIST = "parts"
"""The parameter of a training that takes components of any number."""
ABSENT = "–"
"""What stands for a part that a recipe does not have."""


def recipe_parts(specs: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Label → part → its value as text, of the parts in which the recipes of these specs differ: `loss`: `l1`.

    A component is told by its name, and each of its parameters is a part of its own.
    """
    read = {label: spec for label, text in specs.items() if (spec := readable_spec(text)) is not None}
    cores = [unwrapped(spec)[0] for spec in read.values()]
    parts: dict[str, dict[str, str]] = {label: {} for label in specs}
    for path, values in _differences((), cores):
        for label, value in zip(read, values, strict=True):
            parts[label][_words(path, cores[0].name)] = value
    return parts


def _words(path: Path, method: str) -> str:
    if len(path) == 2 and path[0] == _LIST:
        return f"part {path[1]}"
    if len(path) > 1:
        return parameter_text(".".join((method, *path)))
    return parameter_word(path[0]) if path else "method"


def _differences(path: Path, values: Sequence[Any]) -> Iterator[tuple[Path, list[str]]]:
    """The path of each part that is not the same in all, and its text in each."""
    if all(value == values[0] for value in values):
        return
    if path == (_LIST,) and all(isinstance(value, tuple) for value in values):
        yield from _by_key(path, [_components(value) for value in values])
    elif all((isinstance(value, Spec) and not value.then) or value is None for value in values):
        names = [ABSENT if value is None else value.name for value in values]
        if len(set(names)) > 1:
            yield path, names
        yield from _by_key(path, [{} if value is None else dict(value.args) for value in values])
    else:
        yield path, [ABSENT if value is None else show(value) for value in values]


def _by_key(path: Path, values: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Path, list[str]]]:
    for key in dict.fromkeys(key for one in values for key in one):
        yield from _differences((*path, key), [one.get(key) for one in values])


def _components(values: tuple[Any, ...]) -> dict[str, Any]:
    """The values of a list, a component by its name."""
    return {value.name if isinstance(value, Spec) else show(value): value for value in values}
