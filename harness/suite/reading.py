"""YAML that people write, read strictly: no tags, no doubles, and each mistake named with its file and line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from ..text.errors import UsageError, one_line

_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same loader, ten times as fast where libyaml is there."""


def plain(text: str) -> Any:
    """What a text holds, without tags: tables, lists, texts and numbers. Raises `yaml.YAMLError`."""
    return yaml.load(text, Loader=_FAST)


def compose(file: Path, what: str) -> yaml.Node | None:
    """The nodes of a YAML file, unconstructed; None where it is empty. Raises `UsageError` with file and line."""
    try:
        node: yaml.Node | None = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise UsageError(f"{what} {one_line(file)} cannot be read ({error.strerror}): check the path") from None
    except UnicodeDecodeError:
        raise UsageError(f"{what} {one_line(file)}: not UTF-8 text") from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise UsageError(f"{one_line(file)}{line}: not YAML: {one_line(getattr(error, 'problem', error))}") from None
    return node


def mistake(node: yaml.Node, file: Path, why: str) -> UsageError:
    """The mistake of a node, with its file and line."""
    return UsageError(f"{one_line(file)}:{node.start_mark.line + 1}: {why}")


def mapping(node: yaml.Node | None, file: Path) -> dict[str, yaml.Node]:
    """The nodes of a mapping by their keys. Raises `UsageError`."""
    if node is None:
        raise UsageError(f"{one_line(file)}: the file is empty: see `noisebench list suites` for examples")
    _refuse_tags(node, file)
    if not isinstance(node, yaml.MappingNode):
        raise mistake(node, file, "a mapping `key: value` was due")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
            raise mistake(key, file, "a key must be plain text")
        if key.value in found:
            raise mistake(key, file, f"{one_line(key.value)!r} is given twice")
        found[key.value] = value
    return found


def _refuse_tags(node: yaml.Node, file: Path) -> None:
    if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.startswith("tag:yaml.org,2002:python"):
        raise mistake(node, file, f"the YAML tag {one_line(node.tag)!r} is not allowed")


def scalar(node: yaml.Node, file: Path, key: str, check: Callable[[Any], Any]) -> Any:
    """The value of a scalar, as `check` gives it back; `check` raises ValueError saying what was due."""
    _refuse_tags(node, file)
    if not isinstance(node, yaml.ScalarNode):
        raise mistake(node, file, f"{key} must be one value, not a list or a mapping")
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except ValueError as error:  # what YAML has no value for, such as a number of 5000 digits
        why = one_line(str(error).partition(":")[0], 100)
        raise mistake(node, file, f"{key} cannot be read ({why}): write another value") from None
    except (AttributeError, LookupError, TypeError, yaml.YAMLError):  # as PyYAML fails where a tag does not fit
        raise mistake(node, file, f"{key} is no {one_line(node.tag.rpartition(':')[2])}: leave its tag out") from None
    try:
        return check(value)
    except ValueError as error:
        raise mistake(node, file, f"{key} must be {error}, not {one_line(repr(value), 60)}") from None


def sequence(node: yaml.Node, file: Path, key: str, check: Callable[[Any], Any]) -> tuple[Any, ...]:
    """The values of a list of scalars, none of them twice. Raises `UsageError`."""
    _refuse_tags(node, file)
    if not isinstance(node, yaml.SequenceNode):
        raise mistake(node, file, f"{key} must be a list, such as {key.rpartition('.')[2]}: [a, b]")
    values: list[Any] = []
    for child in node.value:
        value = scalar(child, file, key, check)
        if value in values:
            raise mistake(child, file, f"{key}: {one_line(repr(value))} is given twice")
        values.append(value)
    return tuple(values)


LONGEST_NAME = 80


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
