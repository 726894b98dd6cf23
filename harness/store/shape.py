"""Whether a value that came from outside has the shape that a TypedDict of `record.py` documents."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, TypedDict, Union, get_args, get_origin, get_type_hints, is_typeddict

from ..text.errors import one_line
from .record import Cell, Request, Role, words_of

DEEPEST = 32
"""Levels of nesting that a value of any kind may have."""
_LARGEST = 2**63
_DECIMALS = 20

Refuse = Callable[[Any], str | None]
"""A value → why it is not as documented, None where it is."""


_WORDS = {"item", "items", "given", "output", "truth", "level"}


class _Flags(TypedDict, total=False):
    """What is read of the flags of a method."""

    role: Role
    trained_on: list[str] | None


class _Environment(TypedDict, total=False):
    """What is read of an environment."""

    packages: dict[str, str] | None


def why_no_cell(cell: Any) -> str | None:
    """Why a value is not a cell as documented; `inputs` and `request`, which not every reader has, may be absent."""
    why = _checker(Cell)(cell)
    if why is not None:
        return why
    if why := _checker(_Flags)(cell["method"]["flags"]) or _checker(_Environment)(cell["environment"]):
        return why
    if lacking := sorted(_WORDS - words_of(cell).keys()):
        return f"words.{lacking[0]} is missing"
    ratio = cell["cost"] and cell["cost"]["latency_rel"]
    if ratio is not None and ratio <= 0:
        return "cost.latency_rel: a ratio above 0"
    for name, part in cell["metrics"].items():
        if not 0 <= part.get("decimals", 0) <= _DECIMALS:
            return f"metrics.{one_line(name, 40)}.decimals: from 0 to {_DECIMALS}, not {one_line(part['decimals'], 40)}"
        if any(limit < 0 for limit in part.get("gate", {}).values()):
            return f"metrics.{one_line(name, 40)}.gate: a limit from 0"
    if cell["kind"] == "score" and "items" not in cell["dataset"] and "pictures" not in cell["dataset"]:
        return "dataset.items is missing"
    if cell["kind"] == "cost" and cell["outcome"] == "ok" and cell["cost"] is None:
        return "cost is missing"
    for tuning in cell.get("tuned", []):
        if not 0 <= tuning.get("chosen", 0) < len(tuning["variants"]):
            return "tuned: chosen is none of its variants"
        if any(len(variant["values"]) != len(tuning["vary"]) for variant in tuning["variants"]):
            return "tuned: a variant has not one value for each parameter"
    if cell["kind"] == "train" and cell["outcome"] == "ok" and "training" not in cell:
        return "training is missing"
    return None


def why_not_as(kind: Any, value: Any) -> str | None:
    """Why a value is not as a TypedDict documents it."""
    return _checker(kind)(value)


def why_no_number(value: Any) -> str | None:
    """Why a value is no score: a number, null, or infinity in words."""
    if value is None or (isinstance(value, str) and value in ("inf", "-inf")):
        return None
    return None if isinstance(value, float) else _whole(value)


_ABSENT: dict[Any, Collection[str]] = {Cell: ("inputs", "request"), Request: Request.__annotations__}
"""What may be absent: exports have no request, and requests of schema 1 had fewer fields."""


@cache
def _checker(kind: Any) -> Refuse:
    """What refuses a value that is not of a type: TypedDict, list, dict with names, Literal, union or plain."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return _any
    if is_typeddict(kind):
        return _fields(kind)
    if origin is Literal:
        return lambda v: None if isinstance(v, str) and v in inner else f"{_shown(v)} is none of {', '.join(inner)}"
    if origin in (Union, UnionType):
        return _either([_checker(one) for one in inner])
    if origin is list:
        return _every(_checker(inner[0]))
    if origin in (dict, Mapping):
        return _named(_checker(inner[1]))
    return _PLAIN[kind]


def _shown(value: Any) -> str:
    return one_line(repr(value)[:60] if isinstance(value, str | int | float | None) else type(value).__name__, 60)


def _whole(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"a whole number, not {_shown(value)}"
    return None if abs(value) < _LARGEST else "a whole number below 2**63"


def _finite(value: Any) -> str | None:
    if isinstance(value, float):
        return None if math.isfinite(value) else f"a finite number, not {value}"
    return _whole(value) and f"a number, not {_shown(value)}"


_PLAIN: dict[Any, Refuse] = {
    str: lambda v: None if isinstance(v, str) else f"text, not {_shown(v)}",
    bool: lambda v: None if isinstance(v, bool) else f"true or false, not {_shown(v)}",
    NoneType: lambda v: None if v is None else f"null, not {_shown(v)}",
    int: _whole,
    float: _finite,
}


def _any(value: Any, depth: int = 0) -> str | None:
    if isinstance(value, dict | list):
        if depth >= DEEPEST:
            return f"nested more than {DEEPEST} deep"
        for one in value.values() if isinstance(value, dict) else value:
            if why := _any(one, depth + 1):
                return why
    return None


def _either(kinds: list[Refuse]) -> Refuse:
    def refuse(value: Any) -> str | None:
        found = [kind(value) for kind in kinds]
        return None if None in found else found[0]

    return refuse


def _every(inner: Refuse) -> Refuse:
    def refuse(value: Any) -> str | None:
        if not isinstance(value, list):
            return f"a list, not {_shown(value)}"
        return next((f"[{i}]: {why}" for i, one in enumerate(value) if (why := inner(one))), None)

    return refuse


def _named(inner: Refuse) -> Refuse:
    def refuse(value: Any) -> str | None:
        if not isinstance(value, dict):
            return f"names with values, not {_shown(value)}"
        return next((_below(name, why) for name, one in value.items() if (why := inner(one))), None)

    return refuse


def _fields(kind: Any) -> Refuse:
    hints = get_type_hints(kind, include_extras=True)
    due = [
        name
        for name, hint in hints.items()
        if kind.__total__ and get_origin(hint) is not NotRequired and name not in _ABSENT.get(kind, ())
    ]
    inner = {
        name: _checker(get_args(hint)[0] if get_origin(hint) is NotRequired else hint) for name, hint in hints.items()
    }

    def refuse(value: Any) -> str | None:
        if not isinstance(value, dict):
            return f"names with values, not {_shown(value)}"
        for name in due:
            if name not in value:
                return f"{name} is missing"
        return next((_below(n, why) for n, one in value.items() if (why := inner.get(n, _any)(one))), None)

    return refuse


def _below(name: str, why: str) -> str:
    """Where a mistake is, from the outside in: `method.flags: …`, `dataset.spec is missing`."""
    short = one_line(name, 40)
    head, separator, _ = why.partition(" ")
    inside = separator and (head.endswith(":") or why.endswith(" is missing"))
    return f"{short}{'' if why.startswith('[') else '.'}{why}" if inside else f"{short}: {why}"
