"""Files that people write: YAML read strictly into a model, each mistake in one line with file, line and remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

import yaml

from ..text.errors import UsageError, nearest, one_line

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

LONGEST_NAME = 80
UNWRITTEN = {"unwritten": True}
"""The metadata of a field of a `FileModel` that is no key of the file."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same loader, ten times as fast where libyaml is there."""
_YAML = "tag:yaml.org,2002:"

T = TypeVar("T")
M = TypeVar("M", bound="FileModel")
Location = Sequence[str | int]
"""The keys and places that lead to a value."""


class InvalidValue(ValueError):
    """A mistake in a value; `at` leads to the part of it that is wrong."""

    def __init__(self, why: str, *at: str | int) -> None:
        super().__init__(why)
        self.at = at

    def of(self, label: str) -> str:
        """The message for a value named `label` in its file."""
        return str(self)


class _UnknownKey(InvalidValue):
    def __init__(self, key: str, model: type[FileModel], known: Sequence[str]) -> None:
        super().__init__(nearest(key, known), key)
        self.key, self.called = key, model.called

    def of(self, label: str) -> str:
        mapping = self.called or label
        return f"unknown key {one_line(self.key)!r}{f' in {mapping}' if mapping else ''}: {self}"


class _Twice(InvalidValue):
    def of(self, label: str) -> str:
        return f"{label}: {self} is given twice"


class FileModel:
    """A frozen dataclass that is read from a mapping: its fields are the keys, their annotations the types."""

    called: ClassVar[str] = ""
    """The name of such a mapping in messages about unknown keys; empty: its own key."""

    def check(self) -> None:
        """Raise `InvalidValue` for values that do not go together."""

    @classmethod
    @cache
    def adapter(cls) -> TypeAdapter[Any]:
        """The model's reader, built once; pydantic is imported here at first."""
        from pydantic import TypeAdapter

        return TypeAdapter(cls)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        known = [field.name for field in fields(cls) if not field.metadata.get("unwritten")]  # type: ignore[arg-type]

        def with_known_keys(value: Any) -> Any:
            if not isinstance(value, dict):
                raise InvalidValue("a mapping `key: value` was due")
            for key in value:
                if key not in known:
                    raise _UnknownKey(key, cls, known)
            return value

        def checked(model: FileModel) -> FileModel:
            model.check()
            return model

        model = core_schema.no_info_before_validator_function(with_known_keys, handler(source))
        return core_schema.no_info_after_validator_function(checked, model)


@dataclass(frozen=True)
class Check:
    """An annotation: the function converts a single value, or raises ValueError that says what was due."""

    function: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self.function)


class _Distinct:
    """An annotation: no value of the list is there twice."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.distinct, handler(source))

    @staticmethod
    def distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
        for place, value in enumerate(values):
            if value in values[:place]:
                raise _Twice(one_line(repr(value)), place)
        return values


Distinct = Annotated[tuple[T, ...], _Distinct()]


@dataclass(frozen=True)
class YamlPart:
    """A YAML file, or a part of it: its value, and the node that knows its lines.

    `value` is of dicts, tuples, texts, numbers and dates. `name` stands before its keys in messages.
    """

    file: Path
    node: yaml.Node
    value: Any
    name: str = ""

    @property
    def place(self) -> str:
        """Its file and line."""
        return f"{one_line(self.file)}:{_line(self.node)}"

    def mistake(self, why: str, *at: str | int) -> UsageError:
        """A mistake, with the file and the line that `at` leads to."""
        return UsageError(f"{one_line(self.file)}:{_line(_node_at(self.node, at))}: {why}")

    @property
    def mapping(self) -> dict[str, Any]:
        """Its value, where that is a mapping. Raises `UsageError`."""
        if not isinstance(self.value, dict):
            raise self.mistake("a mapping `key: value` was due")
        return self.value

    def items(self, *at: str | int, name: str = "") -> list[YamlPart]:
        """The parts of the list that `at` leads to, empty where it is none."""
        node, value = _node_at(self.node, at), self.value
        for step in at:
            value = value.get(step) if isinstance(value, dict) else value[step]
        if not isinstance(node, yaml.SequenceNode) or not isinstance(value, tuple):
            return []
        return [YamlPart(self.file, child, item, name) for child, item in zip(node.value, value, strict=True)]

    def read(self, model: type[M]) -> M:
        """Its value as a model. Raises `UsageError` for the first mistake in the order of the lines."""
        from pydantic import ValidationError

        try:
            read: M = model.adapter().validate_python(self.value)
            return read
        except ValidationError as error:
            errors = error.errors(include_url=False)
            # A list of which no item could be read is no empty one: its items say what is wrong.
            inside = {one["loc"][:depth] for one in errors for depth in range(len(one["loc"]))}
            mistakes = [self._mistake_of(one) for one in errors if one["loc"] not in inside]
        line, why = min(mistakes, key=lambda one: one[0])
        raise UsageError(f"{one_line(self.file)}:{line}: {why}")

    def _mistake_of(self, error: ErrorDetails) -> tuple[int, str]:
        """The line and the words of an error that pydantic found."""
        at, value, kind, context = error["loc"], error["input"], error["type"], error.get("ctx", {})
        cause = context.get("error")
        label = _label((self.name, *at) if self.name else at)
        if isinstance(cause, InvalidValue):
            at, why = (*at, *cause.at), cause.of(label)
        elif kind == "missing":
            why = f"{label} is missing"
        elif kind == "too_short":
            why = f"{label} is empty: list at least one"
        elif kind == "tuple_type":
            why = f"{label} must be a list, such as {label.rpartition('.')[2]}: [a, b]"
        elif kind == "dict_type":
            why = f"{label} must be a mapping `key: value`"
        elif isinstance(value, dict | tuple):
            why = f"{label} must be one value, not a list or a mapping"
        else:
            why = f"{label} must be {cause or context.get('expected', 'text')}, not {one_line(repr(value), 60)}"
        return _line(_node_at(self.node, at)), why


def read_yaml(path: str | Path, role: str, example: str) -> YamlPart:
    """Read a YAML file. Raises `UsageError` with file and line; `example` is the remedy where it is empty."""
    file = Path(path)
    try:
        node: yaml.Node | None = yaml.compose(file.read_text(encoding="utf-8"), Loader=_LOADER)
    except OSError as error:
        raise UsageError(f"{role} {one_line(file)} cannot be read ({error.strerror}): check the path") from None
    except UnicodeDecodeError:
        raise UsageError(f"{role} {one_line(file)}: not UTF-8 text") from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = one_line(getattr(error, "problem", error))
        raise UsageError(f"{one_line(file)}{line}: cannot be read: not YAML: {problem}") from None
    if node is None:
        raise UsageError(f"{role} {one_line(file)}: the file is empty: {example}")
    return YamlPart(file, node, _Values(file).of(node, ()))


class _Values:
    """The values of the nodes of one file; a node that an alias repeats is constructed once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._constructor = yaml.constructor.SafeConstructor()
        self._constructed: dict[int, Any] = {}

    def of(self, node: yaml.Node, at: Location) -> Any:
        """The value of a node, at its place in the file. Raises `UsageError`."""
        if not node.tag.startswith(_YAML) or node.tag.startswith(f"{_YAML}python"):
            raise self._mistake(node, f"cannot be read: the YAML tag {one_line(node.tag)!r} is not allowed")
        if isinstance(node, yaml.ScalarNode):
            if "\0" in node.value:
                raise self._mistake(node, f"{_label(at)} holds a NUL, which no name and no path can: leave it out")
            return node.value if node.tag == f"{_YAML}str" else self._scalar(node, at)
        if id(node) not in self._constructed:
            self._constructed[id(node)] = None
            self._constructed[id(node)] = self._collection(node, at)
        return self._constructed[id(node)]

    def _collection(self, node: yaml.Node, at: Location) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.of(child, (*at, place)) for place, child in enumerate(node.value))
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != f"{_YAML}str":
                remedy = "quote it, for YAML reads on, off, yes and no as true and false"
                raise self._mistake(key, f"a key must be plain text: {remedy}")
            if key.value in mapping:
                raise self._mistake(key, f"{one_line(key.value)!r} is given twice")
            mapping[key.value] = self.of(value, (*at, key.value))
        return mapping

    def _scalar(self, node: yaml.ScalarNode, at: Location) -> Any:
        try:
            return self._constructor.construct_object(node)
        except ValueError as error:  # what YAML has no value for, such as a number of 5000 digits
            why = one_line(str(error).partition(":")[0], 100)
            raise self._mistake(node, f"{_label(at)} cannot be read ({why}): write another value") from None
        except (AttributeError, LookupError, TypeError, yaml.YAMLError):  # as PyYAML fails where a tag does not fit
            kind = one_line(node.tag.rpartition(":")[2])
            raise self._mistake(node, f"{_label(at)} is no {kind}: leave its tag out") from None

    def _mistake(self, node: yaml.Node, why: str) -> UsageError:
        return UsageError(f"{one_line(self._file)}:{_line(node)}: {why}")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _node_at(node: yaml.Node, at: Location) -> yaml.Node:
    """The node that keys and places lead to, or the last on the way that is there."""
    for step in at:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), node)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
    return node


def _label(at: Location) -> str:
    """The name of a value in messages: its keys, and the places between them."""
    steps = list(map(str, at))
    while steps and steps[-1].isdigit():
        steps.pop()
    while steps and steps[0].isdigit():
        steps.pop(0)
    return ".".join(steps)


def shown_name(value: Any) -> str:
    """A check: a name to be shown, one line of printable text. Raises ValueError."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > LONGEST_NAME:
        raise ValueError(f"a name, one line of at most {LONGEST_NAME} characters")
    return value.strip()


def plain_text(value: Any) -> str:
    """A check: text that is not blank. Raises ValueError."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("text")
    return value


def yes_or_no(value: Any) -> bool:
    """A check: true or false. Raises ValueError."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


Text = Annotated[str, Check(plain_text)]
