"""The values of plain parameters: each is checked against the type that its component declares."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Hashable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from ..spec.parameter_types import Later, required_text
from ..spec.parsing import Spec, Value
from ..text.errors import UsageError, nearest, one_line


def is_later(annotation: Any) -> bool:
    """Whether a parameter came after its component was in use: its default is in no spec."""
    return any(isinstance(m, Later) for m in getattr(annotation, "__metadata__", ()))


def refuse_unwritten(default: Any, where: str) -> None:
    """Raise `UsageError` for a default whose text differs between processes: keys are made of these texts."""
    if default is inspect.Parameter.empty or isinstance(default, int | float | str | None):
        return
    if isinstance(default, set | frozenset) or getattr(default, "shape", None) or " at 0x" in str(default):
        kind = type(default).__name__
        raise UsageError(f"{where} is of type {kind}: a default is a number, a text, a tuple of these, or None")


def checked_value(value: Value, annotation: Any, where: str) -> Any:
    """A value of a spec as its type has it. Raises `UsageError` that says what the type requires."""
    from pydantic import ValidationError

    plain = _bare(value, where)
    if annotation is Any:
        return plain
    adapter = _adapter(annotation) if isinstance(annotation, Hashable) else _adapter.__wrapped__(annotation)
    try:
        return adapter.validate_python(plain, strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
    if isinstance(value, Spec) and value.name in _LITERALS:  # `true` means True where no text `true` is due
        try:
            return adapter.validate_python(_LITERALS[value.name], strict=True)
        except ValidationError:
            pass
    if isinstance(plain, tuple):  # in a spec a list and a tuple are one
        try:
            return adapter.validate_python(_as_lists(plain), strict=True)
        except ValidationError:
            pass
    text = f"{where} must be {required_text(annotation)}, not {plain!r}"
    if problem["type"] == "literal_error" and isinstance(plain, str):
        hint = nearest(plain, [c for c in _choices(annotation) if isinstance(c, str)])
        text += f"; {hint}" if hint.startswith("did you mean") else ""
    elif not problem["type"].startswith(_NAMED_BY_TYPE):
        text += f": {problem['msg'].removeprefix('Value error, ')}"
    raise UsageError(one_line(text))


_LITERALS: Mapping[str, bool | None] = {"true": True, "false": False, "none": None}
_NAMED_BY_TYPE = (
    "int_", "float_", "string_type", "bool_", "tuple_", "list_", "none_", "literal_", "greater_", "less_", "multiple_",
    "too_short", "too_long", "string_too", "finite_number",
)  # fmt: skip
"""Errors that the text of the type explains; for others the validator's message is added."""


def _choices(annotation: Any) -> Iterator[Any]:
    """The values of every `Literal` in a type."""
    if typing.get_origin(annotation) is typing.Literal:
        yield from typing.get_args(annotation)
    else:
        for part in typing.get_args(annotation):
            yield from _choices(part)


@lru_cache(maxsize=1024)
def _adapter(annotation: Any) -> Any:
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))


def _bare(value: Value, where: str) -> Any:
    """Bare names as text, in tuples too: where no spec is due, `anscombe` means 'anscombe'."""
    if isinstance(value, tuple):
        return tuple(_bare(v, where) for v in value)
    if isinstance(value, Spec):
        if value.args or value.then:
            raise UsageError(f"{where} is a plain value, not the spec {str(value)!r}")
        return value.name
    return value


def _as_lists(value: Any) -> Any:
    return [_as_lists(one) for one in value] if isinstance(value, tuple) else value
