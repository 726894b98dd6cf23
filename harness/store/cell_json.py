"""Cells and other typed objects as JSON: read and checked by msgspec, and written to the same bytes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import repeat
from operator import attrgetter, is_
from typing import Any, TypedDict, TypeVar, get_args

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import FieldInfo

from ..text.errors import one_line
from ..text.json_values import parsed
from .cell import OUTCOMES, Cell, Inputs, Kind, Role

T = TypeVar("T")
DEEPEST = 32
"""Levels of nesting that a value of any kind may have."""
_DECIMALS = 20
_OPEN = ("flags", "environment", "inputs", "request")
"""Fields that may hold anything, of which some names are read."""
_WORDS = {"item", "items", "given", "output", "truth", "level"}


class _Flags(TypedDict, total=False):
    """What is read of the flags of a method."""

    role: Role
    trained_on: list[str] | None


class _Environment(TypedDict, total=False):
    """What is read of an environment."""

    packages: dict[str, str] | None


def plain_values(value: Any) -> Any:
    """A typed object as JSON has it: `default` of `json.dumps`, which so writes cells as it writes mappings."""
    return msgspec.to_builtins(value, enc_hook=_plain_number)


def sorted_values(value: Any) -> Any:
    """The same with names in the order that they have in a file."""
    return msgspec.to_builtins(value, enc_hook=_plain_number, order="sorted")


def _plain_number(value: Any) -> float:
    """A number of numpy."""
    if isinstance(value, float):
        return float(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def written_fields(value: Struct) -> dict[str, Any]:
    """The fields of an object that are written, each as it is."""
    every = ((name, getattr(value, name), is_written) for name, is_written in _written_where(type(value)))
    return {name: one for name, one, is_written in every if is_written(one)}


def written_columns(values: Sequence[Struct]) -> Iterator[tuple[str, list[Any], list[bool]]]:
    """`written_fields` of many objects of one type: by field the value of each, and of which it is written."""
    for name, is_written in _written_where(type(values[0])):
        of = attrgetter(name)
        first = of(values[0])
        if is_one_object(first, map(of, values)):
            yield name, [first] * len(values), [is_written(first)] * len(values)
        else:
            column = list(map(of, values))
            yield name, column, list(map(is_written, column))


def is_one_object(first: Any, values: Iterable[Any]) -> bool:
    """Whether each of the values is the object `first`."""
    return all(map(is_, values, repeat(first)))


@cache
def _written_where(kind: type[Struct]) -> list[tuple[str, Callable[[Any], bool]]]:
    """The fields of a type, each with what says whether a value of it is written."""
    omits = kind.__struct_config__.omit_defaults

    def of(field: FieldInfo) -> Callable[[Any], bool]:
        default = field.default
        if field.required or not omits:
            return lambda one: one is not UNSET
        return bool if default is msgspec.NODEFAULT else lambda one: one is not UNSET and one != default

    return [(field.name, of(field)) for field in struct_fields(kind)]


@cache
def struct_fields(kind: type[Struct]) -> tuple[FieldInfo, ...]:
    """The fields of a type: msgspec evaluates its annotations each time, which takes a millisecond."""
    return msgspec.structs.fields(kind)


def decoded_cell(data: bytes) -> Cell:
    """A cell of JSON whose types are as documented. Raises ValueError with where it is not, and why."""
    try:
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        # What msgspec does not read may be JSON as Python has it, such as NaN; and the message is made of its values.
        return checked(parsed(data), Cell)


def checked_cell(value: Any) -> Cell:
    """The cell that a value of a JSON document is. Raises ValueError with where it is not as documented, and why."""
    if isinstance(value, dict):
        for name in ("schema", *_REQUIRED):
            if name not in value:
                raise ValueError(f"{name} is missing")
        refuse_deep(value)
    cell = checked(value, Cell)
    if why := _why_not_finite(cell, "") or why_not_sound(cell):
        raise ValueError(why)
    return cell


def is_known(value: Any, written: Any) -> bool:
    """Whether all that was `written` of an object, and of those in it, is in the object that was read of it."""
    if isinstance(value, Struct):
        return written.keys() <= set(value.__struct_fields__) and all(
            is_known(getattr(value, name), one) for name, one in written.items() if name not in _OPEN
        )
    if isinstance(value, dict):
        return all(is_known(one, written[name]) for name, one in value.items())
    return not isinstance(value, list) or all(map(is_known, value, written))


def why_not_sound(cell: Cell) -> str | None:
    """Why a cell whose types are as documented is none: what is wrong between its fields, and in open ones."""
    for value, kind in ((cell.method.flags, _Flags), (cell.environment, _Environment)):
        if why := why_not(value, kind):
            return why
    if why := why_not(cell.inputs, Inputs):
        return f"inputs.{why}"
    if cell.words and (lacking := sorted(_WORDS - cell.words.keys())):
        return f"words.{lacking[0]} is missing"
    ratio = None if cell.cost is None else cell.cost.latency_rel
    if ratio is not None and ratio <= 0:
        return "cost.latency_rel: a ratio above 0"
    for name, part in cell.metrics.items():
        if not 0 <= (part.decimals or 0) <= _DECIMALS:
            return f"metrics.{one_line(name, 40)}.decimals: from 0 to {_DECIMALS}, not {one_line(part.decimals, 40)}"
        if any(limit < 0 for limit in (part.gate or {}).values()):
            return f"metrics.{one_line(name, 40)}.gate: a limit from 0"
    if cell.kind == "score" and cell.dataset.items is None and cell.dataset.pictures is None:
        return "dataset.items is missing"
    if cell.kind == "cost" and cell.outcome == "ok" and cell.cost is None:
        return "cost is missing"
    for tuning in cell.tuned:
        if not 0 <= (tuning.chosen or 0) < len(tuning.variants):
            return "tuned: chosen is none of its variants"
        if any(len(variant.values) != len(tuning.vary) for variant in tuning.variants):
            return "tuned: a variant has not one value for each parameter"
    if cell.kind == "train" and cell.outcome == "ok" and cell.training is None:
        return "training is missing"
    return None


def checked(value: Any, kind: type[T]) -> T:
    """The typed object that a value of a JSON document is. Raises ValueError with where it is none, and why."""
    try:
        return msgspec.convert(value, kind)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except msgspec.ValidationError as error:
        raise ValueError(_in_words(str(error), value, kind)) from None


def refuse_deep(fields: Mapping[str, Any]) -> None:
    """Raise ValueError for a field that is nested deeper than a file of cells may be."""
    for name, one in fields.items():
        if _is_deep(one, DEEPEST):
            raise ValueError(f"{one_line(name, 40)}: nested more than {DEEPEST} deep")


def why_not(value: Any, kind: Any) -> str | None:
    """Why a value of a JSON document is not of a type."""
    try:
        checked(value, kind)
    except ValueError as error:
        return str(error)
    return None


def _why_not_finite(value: Any, place: str) -> str | None:
    """Where a number is infinite or none, in fields that are not open by nature."""
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{place}: a finite number, not {value}"
    if isinstance(value, Struct):
        inside: Iterable[tuple[str, Any]] = (
            (f"{place}{place and '.'}{name}", getattr(value, name))
            for name in value.__struct_fields__
            if name not in _OPEN
        )
    elif isinstance(value, dict):
        inside = ((f"{place}.{one_line(name, 40)}", one) for name, one in value.items())
    elif isinstance(value, list):
        inside = ((f"{place}[{number}]", one) for number, one in enumerate(value))
    else:
        return None
    return next((why for where, one in inside if (why := _why_not_finite(one, where))), None)


def _is_deep(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    return not levels or any(_is_deep(v, levels - 1) for v in (value.values() if isinstance(value, dict) else value))


_DECODER = msgspec.json.Decoder(Cell)
_REQUIRED = [field.name for field in msgspec.structs.fields(Cell) if field.required]
_MESSAGE = re.compile(r"(.*?)(?: - at `(?:key` in `)?\$(.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")
_EXPECTED = {
    "str": "text", "bool": "true or false", "null": "null", "int": "a whole number", "int | float": "a number",
    "float": "a number", "array": "a list", "object": "names with values",
}  # fmt: skip
_CHOICES: dict[str, Sequence[str]] = {"outcome": OUTCOMES, "kind": get_args(Kind), "role": get_args(Role)}


def _in_words(message: str, document: Any, kind: Any) -> str:
    """What msgspec says of a document, in our words: `method.flags: names with values, not 7`."""
    match = _MESSAGE.fullmatch(message)
    problem, path = (match[1], match[2] or "") if match else (message, "")
    steps, value = _steps(path, document, kind)
    place = ""
    for step in steps:
        place += f"[{step}]" if isinstance(step, int) else f"{place and '.'}{one_line(step, 40)}"
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", problem):
        return f"{place}{place and '.'}{missing[1]} is missing"
    return f"{place}{place and ': '}{_expected(problem, value, str(steps[-1]) if steps else '')}"


def _expected(problem: str, value: Any, name: str) -> str:
    """What was due in the place of a value."""
    shown = one_line(repr(value)[:60] if isinstance(value, str | int | float | None) else type(value).__name__, 60)
    if name in _CHOICES:
        return f"{shown} is none of {', '.join(_CHOICES[name])}"
    if problem.startswith("Expected `int` "):
        return "a whole number below 2**63"
    expected = re.fullmatch(r"Expected `(.+)`, got `.*`", problem)
    due = expected and (_EXPECTED.get(expected[1].removesuffix(" | null")) or _EXPECTED.get(expected[1].split(" ")[0]))
    return f"{due}, not {shown}" if due else one_line(problem, 80)


def _steps(path: str, document: Any, kind: Any) -> tuple[list[str | int], Any]:
    """The names and places that lead to a value, and it; msgspec does not say which name of a mapping it means."""
    steps: list[str | int] = []
    value = document
    for name, place in _STEP.findall(path):
        step = name or (int(place) if place != "..." else _wrong_name(steps, value, document, kind))
        steps.append(step)
        value = value[step]
    return steps, value


def _wrong_name(steps: Sequence[str | int], names: Mapping[str, Any], document: Any, kind: Any) -> str:
    """The first of several names whose value is not as documented: the document is read with each of them alone."""
    for name, value in names.items():
        try:
            msgspec.convert(_with(document, steps, {name: value}), kind)
        except (msgspec.ValidationError, RecursionError):
            return name
    return next(iter(names))


def _with(document: Any, steps: Sequence[str | int], value: Any) -> Any:
    """The document with another value at a place."""
    if not steps:
        return value
    copy = document.copy()
    copy[steps[0]] = _with(document[steps[0]], steps[1:], value)
    return copy
