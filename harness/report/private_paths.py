"""Specs and messages without the folders of the machine that they come from: what is published has base names only."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath

from ..errors import UsageError
from ..spec import Spec, Value, parse, show

_WINDOWS = re.compile(r"[A-Za-z]:\\|\\\\")
_PATH = re.compile(r"""(?<![\w.</~])(?:~[\w.-]*)?/(?:[^\s/"'<>:,;()]+/)+([^\s/"'<>:,;()]*)""")


def without_folders(spec: str) -> str:
    """A spec whose paths are base names: `folder(path='/home/me/out')` is `folder(path=out)`."""
    for value, short in shortened(spec).items():
        spec = spec.replace(show(value), show(short))
    return spec


def shortened(spec: str) -> dict[str, str]:
    """Each text inside of a spec that has a folder in it, and what is shown instead; the longest first."""
    try:
        found = {value: _short(value) for value in _texts(parse(spec))}
    except UsageError:
        return {}
    return {value: found[value] for value in sorted(found, key=len, reverse=True) if found[value] != value}


def message_without_folders(text: str) -> str:
    """A message or traceback whose absolute paths are base names."""
    return _PATH.sub(r"\1", text)


def _texts(value: Value) -> Iterator[str]:
    """Every text in a value, or in the arguments of a spec."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, Spec):
        for part in (value, *value.then):
            for _, one in part.args:
                yield from _texts(one)


def _short(text: str) -> str:
    """A path as its base name; a command line, which has a {placeholder} among its words, word by word."""
    if "{" in text and " " in text.strip():
        try:
            return " ".join(map(_base, shlex.split(text)))
        except ValueError:
            return " ".join(map(_base, text.split()))
    return _base(text)


def _base(word: str) -> str:
    """The last part of a path, also of one behind `--option=`."""
    option, equals, value = word.partition("=")
    if equals and option.startswith("-"):
        return f"{option}={_base(value)}"
    if _WINDOWS.match(word):
        return PureWindowsPath(word).name or word
    return (PurePosixPath(word).name or word) if "/" in word else word
